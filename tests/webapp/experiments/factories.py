"""Experiments small enough for tests, and people who own them."""

from collections import Counter
from typing import Any

from algorithms.specs import TrainSpec
from tests.webapp.jobs import graphs
from webapp.accounts.models import User
from webapp.datasets.models import Dataset
from webapp.experiments.config import ExperimentConfig
from webapp.experiments.models import Experiment, ExperimentJob
from webapp.experiments.services import experiment_launch
from webapp.jobs.leases import claim
from webapp.jobs.models import Job, Worker
from webapp.jobs.services import jobs_ensure
from webapp.policies.models import Policy
from webapp.policies.services import policy_from_source

FIVE = ("reinforce", "ppo", "tis", "positives", "topr")


def make_user(name: str = "ada", *, is_staff: bool = False) -> User:
    """Return a person who cannot sign in with a password: hashing one takes a third of a second."""
    return User.objects.create_user(name, is_staff=is_staff)


def make_dataset(owner: User, name: str = "Addition", seed: int = 0) -> Dataset:
    node = graphs.dataset(seed)
    job = jobs_ensure(nodes=[node], user=owner)[node.fingerprint]
    return Dataset.objects.create(owner=owner, name=name, job=job)


def make_policy(
    owner: User, name: str = "Tiny", *, seed: int = 0, dataset: Dataset | None = None
) -> Policy:
    """Return a policy; with a dataset, one that is warm-started on it."""
    node = graphs.policy(seed)
    return policy_from_source(
        owner=owner,
        name=name,
        spec=node.spec,  # type: ignore[arg-type]  # a policy node has a PolicySpec
        warm_start=TrainSpec(algorithm="sft") if dataset else None,
        dataset=dataset,
    )


class Bench:
    """A person with a dataset and a policy, who launches experiments."""

    def __init__(self, name: str = "ada") -> None:
        self.user = make_user(name)
        found = Dataset.objects.filter(name="Addition").first()
        self.dataset = found or make_dataset(self.user)
        self.policy = Policy.objects.filter(name="Tiny").first() or make_policy(self.user)

    def config(self, names: tuple[str, ...] = ("topr", "ppo"), **changes: Any) -> ExperimentConfig:
        values: dict[str, Any] = {
            "dataset_id": self.dataset.pk,
            "policy_id": self.policy.pk,
            "algorithms": [{"label": name, "algorithm": name} for name in names],
            "seeds": [0, 1],
        }
        return ExperimentConfig.model_validate(values | changes)

    def launch(
        self, names: tuple[str, ...] = ("topr", "ppo"), *, title: str = "First", **changes: Any
    ) -> Experiment:
        return experiment_launch(owner=self.user, name=title, config=self.config(names, **changes))


def job_of(experiment: Experiment, role: str, label: str = "", seed: int = 0) -> Job:
    """Return the only job of a role, of one run where a label is given."""
    found = experiment.needs.filter(role=role)
    if label:
        found = found.filter(run__label=label, run__seed=seed)
    return Job.objects.get(pk__in=found.values("job"))


def kinds_needed(experiment: Experiment) -> dict[str, int]:
    """Return the number of jobs by role."""
    needs = ExperimentJob.objects.filter(experiment=experiment)
    pairs = needs.values_list("role", "job").distinct()
    return Counter(role for role, _ in pairs)


def run_until(kind: str, worker: Worker | None = None) -> int:
    """Succeed jobs until one of this kind is claimed; return its id, still running."""
    worker = worker or graphs.make_worker()
    while claimed := claim(worker=worker, labels=["cpu"]):
        if claimed.kind == kind:
            return claimed.job_id
        graphs.succeed(claimed)
    raise AssertionError(f"no {kind} job could be claimed")
