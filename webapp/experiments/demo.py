"""The experiments of `make demo` and `make demo-llm`: launched once, found again ever after."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID, uuid5

from algorithms import demo, demo_llm
from algorithms.asking import Prompt
from algorithms.base import Schema
from algorithms.settings import LLMSettings
from algorithms.specs import (
    DatasetSpec,
    EvaluateSpec,
    GenerateSpec,
    GradeSpec,
    PolicySpec,
    TrainSpec,
)
from webapp.accounts.models import User
from webapp.accounts.services import demo_account_ensure
from webapp.catalogue.models import Preset
from webapp.catalogue.services import preset_create
from webapp.datasets.models import Dataset
from webapp.datasets.services import dataset_from_source
from webapp.experiments.choices import AlgorithmChoice
from webapp.experiments.config import ExperimentConfig
from webapp.experiments.models import Experiment
from webapp.experiments.needs import jobs_of
from webapp.experiments.offers import short_name
from webapp.experiments.services import experiment_launch, experiment_retry_failed
from webapp.experiments.states import derive
from webapp.jobs.states import JobState
from webapp.policies.models import Policy
from webapp.policies.services import policy_from_source

NAMESPACE = UUID("6f1d6a58-6f0e-4a3c-9b1e-2b1f0a6f7c11")


@dataclass(frozen=True)
class Demo:
    """An experiment that ships with the application, and what it needs."""

    name: str
    question: str
    tags: tuple[str, ...]
    dataset_name: str
    dataset: DatasetSpec
    policy_name: str
    policy_description: str
    policy: PolicySpec
    warm_start: TrainSpec | None
    algorithms: tuple[str, ...]
    seeds: tuple[int, ...]
    prompt: Prompt
    generate: GenerateSpec
    grade: GradeSpec
    settings: LLMSettings
    evaluate: EvaluateSpec


def _smollm2(name: str, dataset_name: str, size: demo_llm.Size) -> Demo:
    return Demo(
        name=name,
        question=(
            "A real language model of 135 million parameters adds numbers, shown three examples. "
            "Five algorithms learn from the same completions of it. Which improve it off-policy, "
            "and how much of the gain is only less random sampling?"
        ),
        tags=("demo", "smollm2"),
        dataset_name=dataset_name,
        dataset=size.dataset,
        policy_name="SmolLM2-135M-Instruct",
        policy_description="A small real language model, from 4-bit weights.",
        policy=demo_llm.POLICY,
        warm_start=None,
        algorithms=demo_llm.ALGORITHMS,
        seeds=demo_llm.SEEDS,
        prompt=size.prompt,
        generate=size.generate,
        grade=demo_llm.GRADE,
        settings=size.settings,
        evaluate=size.evaluate,
    )


DEMOS: Mapping[str, Demo] = {
    "tiny": Demo(
        name="Do untapered negatives destroy the policy?",
        question=(
            "Five algorithms learn two-digit addition from the same completions of one policy, "
            "right and wrong ones. REINFORCE pushes wrong completions down without a taper, PPO "
            "clips the ratio, TIS tapers right and wrong ones alike, TOPR tapers the wrong ones "
            "only, and fine-tuning on positives ignores them. Which policies survive, and is TOPR "
            "better than positives alone?"
        ),
        tags=("demo", "topr"),
        dataset_name="Two-digit addition",
        dataset=demo.DATASET,
        policy_name="Tiny Llama, warm-started",
        policy_description=(
            "About 0.9M parameters, taught until a quarter of its sampled sums are right."
        ),
        policy=demo.POLICY,
        warm_start=demo.WARM_START,
        algorithms=demo.ALGORITHMS,
        seeds=demo.SEEDS,
        prompt=Prompt(),
        generate=demo.GENERATE,
        grade=demo.GRADE,
        settings=demo.SETTINGS,
        evaluate=demo.EVALUATE,
    ),
    "smollm2": _smollm2(
        "Can a real model learn one-digit sums off-policy?",
        "One-digit addition, asked in English",
        demo_llm.QUICK,
    ),
    "smollm2-full": _smollm2(
        "Can a real model learn two-digit sums off-policy?",
        "Two-digit addition, asked in English",
        demo_llm.FULL,
    ),
}
"""By the names that `python -m launcher demo` takes."""


def demo_launch(name: str = "tiny") -> Experiment:
    """Return a demo experiment, launched where it is missing, retried where it had failed.

    Its dataset, policy and presets are made once and belong to the demo account.

    Raises:
        KeyError: DEMOS has no such demo.
    """
    told = DEMOS[name]
    owner, _ = demo_account_ensure()
    dataset = _dataset(owner, told)
    policy = _policy(owner, dataset, told)
    config = _config(told, dataset, policy, owner)
    experiment = experiment_launch(
        owner=owner,
        name=told.name,
        question=told.question,
        tags=told.tags,
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


def _config(told: Demo, dataset: Dataset, policy: Policy, owner: User) -> ExperimentConfig:
    return ExperimentConfig(
        dataset_id=dataset.pk,
        policy_id=policy.pk,
        algorithms=tuple(_choice(owner, name) for name in told.algorithms),
        seeds=told.seeds,
        prompt=told.prompt,
        generate=told.generate,
        grading=told.grade.grading,
        rewards=told.grade.rewards,
        settings=told.settings,
        evaluate=told.evaluate,
    )


def _dataset(owner: User, told: Demo) -> Dataset:
    named = Dataset.objects.filter(owner=owner, name=told.dataset_name)
    newest = named.filter(job__spec=_json(told.dataset)).order_by("-version").first()
    if newest is not None:
        return newest
    return dataset_from_source(owner=owner, name=told.dataset_name, spec=told.dataset)


def _policy(owner: User, dataset: Dataset, told: Demo) -> Policy:
    found = Policy.objects.filter(name=told.policy_name).first()
    if found is not None:
        return found
    return policy_from_source(
        owner=owner,
        name=told.policy_name,
        spec=told.policy,
        warm_start=told.warm_start,
        dataset=None if told.warm_start is None else dataset,
        description=told.policy_description,
    )


def _choice(owner: User, algorithm: str) -> AlgorithmChoice:
    label = short_name(algorithm)
    preset = Preset.objects.filter(name=label).first()
    if preset is None:
        notes = "The demo's choice: every hyperparameter at its default."
        preset = preset_create(owner=owner, name=label, algorithm=algorithm, params={}, notes=notes)
    # The defaults, not the preset's: a person may have changed it since.
    origin = preset.pk if preset.algorithm == algorithm else None
    return AlgorithmChoice(label=label, algorithm=algorithm, preset_id=origin)


def _json(spec: Schema) -> dict[str, object]:
    return spec.model_dump(mode="json")
