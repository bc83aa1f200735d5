"""The demo experiment of `make demo`: launched once, found again ever after."""

from uuid import UUID, uuid5

from algorithms import demo
from algorithms.base import Schema
from algorithms.catalogue import ALGORITHMS
from webapp.accounts.models import User
from webapp.accounts.services import demo_account_ensure
from webapp.catalogue.models import Preset
from webapp.catalogue.services import preset_create
from webapp.datasets.models import Dataset
from webapp.datasets.services import dataset_from_source
from webapp.experiments.config import AlgorithmChoice, ExperimentConfig
from webapp.experiments.models import Experiment
from webapp.experiments.needs import jobs_of
from webapp.experiments.services import experiment_launch, experiment_retry_failed
from webapp.experiments.states import derive
from webapp.jobs.states import JobState
from webapp.policies.models import Policy
from webapp.policies.services import policy_from_source

DATASET_NAME = "Two-digit addition"
POLICY_NAME = "Tiny Llama, warm-started"
EXPERIMENT_NAME = "Do untapered negatives destroy the policy?"
QUESTION = (
    "Five algorithms learn two-digit addition from the same completions of one policy, right and "
    "wrong ones. REINFORCE pushes wrong completions down without a taper, PPO clips the ratio, TIS "
    "tapers right and wrong ones alike, TOPR tapers the wrong ones only, and fine-tuning on "
    "positives ignores them. Which policies survive, and is TOPR better than positives alone?"
)
TAGS = ("demo", "topr")
LABELS = {
    "reinforce": "REINFORCE",
    "ppo": "PPO",
    "tis": "TIS",
    "positives": "Positives only",
    "topr": "TOPR",
}
NAMESPACE = UUID("6f1d6a58-6f0e-4a3c-9b1e-2b1f0a6f7c11")


def demo_launch() -> Experiment:
    """Return the demo experiment, launched where it is missing, retried where it had failed.

    Its dataset, policy and presets are made once and belong to the demo account.
    """
    owner, _ = demo_account_ensure()
    dataset = _dataset(owner)
    policy = _policy(owner, dataset)
    config = demo_config(dataset, policy, _choices(owner))
    experiment = experiment_launch(
        owner=owner,
        name=EXPERIMENT_NAME,
        question=QUESTION,
        tags=TAGS,
        config=config,
        # Other settings in a later version make another experiment; equal ones find this one.
        launch_key=uuid5(NAMESPACE, config.model_dump_json()),
    )
    states = jobs_of(experiment).values_list("state", flat=True)
    state = derive(list(states), cancelled=experiment.cancelled_at is not None)
    if state in {JobState.FAILED, JobState.CANCELLED}:
        experiment_retry_failed(experiment=experiment, user=owner)
        experiment.refresh_from_db()
    return experiment


def demo_config(
    dataset: Dataset, policy: Policy, choices: tuple[AlgorithmChoice, ...]
) -> ExperimentConfig:
    """Return the demo's settings for a dataset and a policy."""
    return ExperimentConfig(
        dataset_id=dataset.pk,
        policy_id=policy.pk,
        algorithms=choices,
        seeds=demo.SEEDS,
        generate=demo.GENERATE,
        grading=demo.GRADE.grading,
        rewards=demo.GRADE.rewards,
        settings=demo.SETTINGS,
        evaluate=demo.EVALUATE,
    )


def _dataset(owner: User) -> Dataset:
    found = Dataset.objects.filter(owner=owner, name=DATASET_NAME, job__spec=_json(demo.DATASET))
    newest = found.order_by("-version").first()
    if newest is not None:
        return newest
    return dataset_from_source(owner=owner, name=DATASET_NAME, spec=demo.DATASET)


def _policy(owner: User, dataset: Dataset) -> Policy:
    found = Policy.objects.filter(name=POLICY_NAME).first()
    if found is not None:
        return found
    return policy_from_source(
        owner=owner,
        name=POLICY_NAME,
        spec=demo.POLICY,
        warm_start=demo.WARM_START,
        dataset=dataset,
        description="About 0.9M parameters, taught until a quarter of its sampled sums are right.",
    )


def _choices(owner: User) -> tuple[AlgorithmChoice, ...]:
    return tuple(_choice(owner, name) for name in demo.ALGORITHMS)


def _choice(owner: User, algorithm: str) -> AlgorithmChoice:
    label = LABELS.get(algorithm, ALGORITHMS[algorithm].title)
    preset = Preset.objects.filter(name=label).first()
    if preset is None:
        notes = "The demo's choice: every hyperparameter at its default."
        preset = preset_create(owner=owner, name=label, algorithm=algorithm, params={}, notes=notes)
    # The defaults, not the preset's: a person may have changed it since.
    origin = preset.pk if preset.algorithm == algorithm else None
    return AlgorithmChoice(label=label, algorithm=algorithm, preset_id=origin)


def _json(spec: Schema) -> dict[str, object]:
    return spec.model_dump(mode="json")
