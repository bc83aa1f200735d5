"""The datasets, policies and rollouts that a config names by id."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.core.exceptions import ValidationError

from webapp.curation.selectors import trainable_jobs
from webapp.datasets import selectors as dataset_selectors
from webapp.datasets.models import Dataset
from webapp.experiments.config import ExperimentConfig
from webapp.experiments.named_ids import named_ids
from webapp.experiments.plan import Sources
from webapp.experiments.planner import rollout_ids, source_ids
from webapp.jobs.models import Job
from webapp.policies import selectors as policy_selectors
from webapp.policies.models import Policy


@dataclass(frozen=True)
class FoundSources:
    """Rows by id, their jobs and artifacts selected with them."""

    datasets: Mapping[int, Dataset]
    policies: Mapping[int, Policy]
    rollouts: Mapping[int, Job] = field(default_factory=dict)

    @property
    def fingerprints(self) -> Sources:
        """What the planner needs to know of them."""
        return Sources(
            datasets={pk: row.job.fingerprint for pk, row in self.datasets.items()},
            policies={pk: row.fingerprint for pk, row in self.policies.items()},
            rollouts={pk: job.fingerprint for pk, job in self.rollouts.items()},
            names={
                "dataset_id": _distinct({pk: row.short for pk, row in self.datasets.items()}),
                "policy_id": _distinct({pk: row.name for pk, row in self.policies.items()}),
            },
        )

    @property
    def jobs(self) -> dict[int, tuple[str, Job]]:
        """Role and job by the job's id."""
        found = {row.job_id: ("dataset", row.job) for row in self.datasets.values()}
        found |= {row.job_id: ("policy", row.job) for row in self.policies.values()}
        return found | {pk: (job.kind, job) for pk, job in self.rollouts.items()}


def _distinct(names: Mapping[int, str]) -> Mapping[int, str]:
    """Return names where no two are the same, else none."""
    return names if len(set(names.values())) == len(names) else {}


def find_sources(config: ExperimentConfig) -> FoundSources:
    """Return the datasets and policies of a config; 2 queries, 3 with given rollouts.

    Raises:
        ValidationError: one does not exist; the field that names it is told.
    """
    dataset_ids, policy_ids = source_ids(config)
    datasets = dataset_selectors.datasets(family="prompts").in_bulk(dataset_ids)
    policies = policy_selectors.policies(family="language").in_bulk(policy_ids)
    given = rollout_ids(config)
    rollouts = trainable_jobs().in_bulk(given) if given else {}
    errors: dict[str, str] = {}
    for name, pk, found in (
        ("dataset_id", config.dataset_id, datasets),
        ("eval_dataset_id", config.eval_dataset_id, datasets),
        ("policy_id", config.policy_id, policies),
        ("reference_policy_id", config.reference_policy_id, policies),
        ("rollouts_id", config.rollouts_id, rollouts),
    ):
        if pk is not None and pk not in found:
            errors[name] = (
                f"{pk} does not exist (any more), or is of another family: choose another."
            )
    for stem, held in (
        ("dataset_id", datasets),
        ("policy_id", policies),
        ("rollouts_id", rollouts),
    ):
        lost_ids = {name: pk for name, pk in named_ids(config, stem).items() if pk not in held}
        errors |= {
            name: f"{pk} does not exist (any more), or is of another family: choose another."
            for name, pk in lost_ids.items()
        }
    if lost := sorted(set(config.benchmarks) - set(datasets)):
        errors["benchmarks"] = f"{', '.join(map(str, lost))}: no such dataset."
    for path, ids, rows in (
        ("dataset_id", dataset_ids, datasets),
        ("policy_id", policy_ids, policies),
    ):
        gone = sorted(set(config.axes.get(path, ())) & (ids - set(rows)), key=str)
        if gone:
            errors[f"axes.{path}"] = f"{', '.join(map(str, gone))}: no such {path[:-3]}."
    if errors:
        raise ValidationError(errors)
    return FoundSources(datasets, policies, rollouts)
