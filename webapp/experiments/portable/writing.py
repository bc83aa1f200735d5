"""An experiment of the database as a document: its sources by what makes them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from algorithms.base import Schema, UserError
from algorithms.control_specs import (
    CollectSpec,
    ImportPolicySpec,
    TrainBehaviourSpec,
    TransitionsSpec,
)
from algorithms.specs import DatasetSpec, PolicySpec, TrainSpec
from webapp.catalogue.models import Preset
from webapp.curation.selectors import trainable_name
from webapp.datasets.models import Dataset
from webapp.experiments.configs import AnyConfig
from webapp.experiments.models import Experiment
from webapp.experiments.portable.document import (
    DatasetEntry,
    Document,
    JobEntry,
    PolicyEntry,
    RolloutsEntry,
    WarmStart,
)
from webapp.experiments.portable.references import references, with_names
from webapp.experiments.portable.text import dump
from webapp.experiments.selectors import clone_config
from webapp.jobs.models import Job, JobInput
from webapp.policies.models import Policy

S = TypeVar("S", bound=Schema)
_WARM_START_ROLES = {"policy", "dataset", "eval_dataset"}
_SHORT = 12
"""Characters of a fingerprint in the name of a job."""


def experiment_yaml(experiment: Experiment) -> str:
    """Return the file of an experiment.

    Raises:
        UserError: it was made by a version whose settings this one does not know.
    """
    document = document_of(
        clone_config(experiment),
        name=experiment.name,
        question=experiment.question,
        tags=experiment.tags,
    )
    return document_yaml(document)


def document_yaml(document: Document) -> str:
    """Return a document as YAML; empty tables and settings that say nothing are left out."""
    data = document.model_dump(mode="json", exclude_none=False)
    for table in ("datasets", "policies", "rollouts", "jobs"):
        data[table] = {name: _said(entry) for name, entry in data[table].items()}
    return dump({key: value for key, value in data.items() if value not in ({}, [], "")})


def _said(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if value not in (None, "", {})}


def document_of(
    config: AnyConfig, *, name: str = "", question: str = "", tags: Iterable[str] = ()
) -> Document:
    """Return a config with its sources as a document.

    Raises:
        UserError: a source does not exist any more, or is of an older version.
    """
    raw = config.model_dump(mode="json")
    found = references(raw)
    writer = _Writer(_rows(Dataset, found["datasets"]), _rows(Policy, found["policies"]))
    writer.read_rollouts(found["rollouts"])
    presets = Preset.objects.in_bulk(found["presets"])
    names = {**writer.names, "presets": {pk: row.name for pk, row in presets.items()}}
    return Document(
        name=name,
        question=question,
        tags=tuple(tags),
        datasets=writer.datasets(),
        policies=writer.policies(),
        rollouts=writer.rollouts,
        jobs=writer.jobs,
        config=with_names(raw, names),
    )


def _rows(model: type[Dataset] | type[Policy], ids: list[int]) -> dict[int, Any]:
    rows = model.objects.select_related("job").in_bulk(ids)
    if lost := [pk for pk in ids if pk not in rows]:
        kind = model._meta.verbose_name  # noqa: SLF001 - public
        raise UserError(f"The {kind} {lost[0]} does not exist any more.")
    return {pk: rows[pk] for pk in ids}


@dataclass
class _Writer:
    """Entries of a document by the ids of their rows."""

    dataset_rows: Mapping[int, Dataset]
    policy_rows: Mapping[int, Policy]
    names: dict[str, dict[int, str]] = field(init=False)
    rollouts: dict[str, RolloutsEntry] = field(default_factory=dict)
    jobs: dict[str, JobEntry] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [row.name for row in self.dataset_rows.values()]
        self.names = {
            "datasets": {
                pk: row.name if names.count(row.name) == 1 else str(row)
                for pk, row in self.dataset_rows.items()
            },
            "policies": {pk: row.name for pk, row in self.policy_rows.items()},
            "rollouts": {},
        }

    def read_rollouts(self, ids: list[int]) -> None:
        """Take sets of completions that a config names."""
        rows = Job.objects.prefetch_related("curated_sets").in_bulk(ids)
        for pk in ids:
            if pk not in rows:
                raise UserError(f"The completions of job {pk} do not exist any more.")
            name = trainable_name(rows[pk])[:120]
            self.names["rollouts"][pk] = name
            self.rollouts[name] = RolloutsEntry(job=self._job(rows[pk]))

    def datasets(self) -> dict[str, DatasetEntry]:
        """Return the datasets; those that policies were warm-started on among them."""
        return {
            self.names["datasets"][pk]: self._dataset(row) for pk, row in self.dataset_rows.items()
        }

    def _dataset(self, row: Dataset) -> DatasetEntry:
        about, job = row.description, row.job
        match job.kind:
            case "upload":
                return DatasetEntry(upload=job.spec["sha256"], description=about)
            case "collect" | "transitions" | "leave_out" if _inputs(job):
                return DatasetEntry(job=self._job(job), description=about)
            case "collect":
                return DatasetEntry(collect=_spec(job, CollectSpec), description=about)
            case "transitions":
                return DatasetEntry(transitions=_spec(job, TransitionsSpec), description=about)
        return DatasetEntry(source=_spec(job, DatasetSpec).source, description=about)

    def policies(self) -> dict[str, PolicyEntry]:
        """Return the policies: a source and a warm start where that is all, else their jobs."""
        return {row.name: self._policy(row) for row in self.policy_rows.values()}

    def _policy(self, row: Policy) -> PolicyEntry:
        about = row.description
        if row.checkpoint is not None:
            return PolicyEntry(job=f"{self._job(row.job)}@{row.checkpoint}", description=about)
        if row.job.kind == "policy":
            return PolicyEntry(source=_spec(row.job, PolicySpec).source, description=about)
        inputs = {role: edge.source for role, edge in _inputs(row.job).items()}
        if row.job.kind == "train_behaviour":
            learned = _spec(row.job, TrainBehaviourSpec)
            return PolicyEntry(train_behaviour=learned, description=about)
        if row.job.kind == "control_policy" and not inputs:
            taken = _spec(row.job, ImportPolicySpec)
            return PolicyEntry(control_policy=taken, description=about)
        dataset = self._named(inputs.get("dataset"))
        plain = set(inputs) == _WARM_START_ROLES and inputs["dataset"] == inputs["eval_dataset"]
        if plain and dataset and inputs["policy"].kind == "policy":
            spec = _spec(row.job, TrainSpec)
            start = WarmStart(**dict(spec), dataset=dataset)
            source = _spec(inputs["policy"], PolicySpec).source
            return PolicyEntry(source=source, warm_start=start, description=about)
        return PolicyEntry(job=self._job(row.job), description=about)

    def _named(self, job: Job | None) -> str | None:
        """Return how the document calls the rows that a job made."""
        found = (
            self.names["datasets"][pk]
            for pk, row in self.dataset_rows.items()
            if job is not None and row.job_id == job.pk
        )
        return next(found, None)

    def _job(self, job: Job) -> str:
        """Take a job and everything it needs into the document; return its name there."""
        name = f"{job.kind}-{job.fingerprint[:_SHORT]}"
        if name not in self.jobs:
            inputs = {role: self._read(edge) for role, edge in _inputs(job).items()}
            self.jobs[name] = JobEntry(kind=job.kind, spec=job.spec, inputs=inputs)
        return name

    def _read(self, edge: JobInput) -> str:
        """Return what a job reads: another job, or what that kept after some updates."""
        name = self._job(edge.source)
        return name if edge.checkpoint is None else f"{name}@{edge.checkpoint}"


def _inputs(job: Job) -> dict[str, JobInput]:
    edges = JobInput.objects.filter(job=job).select_related("source").order_by("role")
    return {edge.role: edge for edge in edges}


def _spec(job: Job, kind: type[S]) -> S:
    try:
        return kind.model_validate(job.spec)
    except ValueError as error:
        raise UserError(f"Job {job.pk} was told something of an older version: {error}") from error
