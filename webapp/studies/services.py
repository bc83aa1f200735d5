"""Reproducing a study: queue what is missing, and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID, uuid5

from django.db import transaction

from algorithms.base import UserError
from webapp.accounts.models import User
from webapp.experiments.models import Experiment
from webapp.experiments.planner import plan as plan_of
from webapp.experiments.portable.services import sources_import
from webapp.experiments.portable.text import dump
from webapp.experiments.rows import add_runs
from webapp.experiments.services import experiment_launch, experiment_retry_failed, sources_of
from webapp.jobs.models import Job
from webapp.jobs.states import JobState
from webapp.studies.facts import Facts, load_facts
from webapp.studies.library import StudyFile
from webapp.studies.planning import PlannedExperiment, StudyPlan

NAMESPACE = UUID("0c7f43b8-3f6c-4d53-9b0c-7a1e1f0d8a55")
ENDED_BADLY = {JobState.FAILED.value, JobState.CANCELLED.value}


@dataclass(frozen=True)
class Reproduced:
    """What pressing Reproduce did."""

    queued: int
    """Jobs that were not there before, or had failed or been cancelled, and run now."""
    found: int
    """Jobs that were there, finished or on their way."""
    experiments: tuple[Experiment, ...]
    """Those that hold the study's runs, this person's own."""

    @property
    def sentence(self) -> str:
        """The same in words."""
        if not self.queued:
            return f"Nothing is missing: all {self.found} jobs are there or on their way."
        jobs = "1 job is" if self.queued == 1 else f"{self.queued} jobs are"
        return f"{jobs} queued; {self.found} were there or on their way."


def plan_at(file: StudyFile, scale: str) -> StudyPlan:
    """Return a study's plan at one scale.

    Raises:
        UserError: the file, or this scale of it, does not make sense, or there is none.
    """
    if file.study is None:
        raise UserError(f"studies/{file.name}.yaml cannot be read. {file.problem}")
    if scale not in file.scales:
        known = ", ".join(file.scales) or "none: it is computed at once"
        raise UserError(f"{file.name} has no scale {scale}. Its scales: {known}.")
    plan = file.scales[scale].plan
    if plan is None:
        raise UserError(f"{file.name} cannot be planned at {scale}: {file.scales[scale].problem}")
    return plan


@transaction.atomic
def study_reproduce(*, owner: User, file: StudyFile, scale: str) -> Reproduced:
    """Launch what is missing of a study at one scale; doing it again queues nothing.

    Jobs are found by fingerprint, whoever ran them. Datasets and policies are made where they are
    missing. A run that was deleted comes back; what failed or was cancelled is tried again.

    Raises:
        UserError: the study cannot be planned, or a recipe is not installed.
    """
    plan = plan_at(file, scale)
    if plan.missing_recipes:
        missing = ", ".join(plan.missing_recipes)
        raise UserError(f"{file.name} needs recipes that are not installed: {missing}.")
    before = load_facts(plan)
    experiments = [
        experiment
        for planned in plan.experiments.values()
        if (experiment := _ensure(owner, file.name, scale, planned=planned, before=before))
        is not None
    ]
    return _counted(plan, before, tuple(experiments))


def launch_key(owner: User, name: str, scale: str, planned: PlannedExperiment) -> UUID:
    """Return the key under which a person's experiment of a study is found again.

    Other settings, and other versions of the code, make another experiment; other names of data
    sets do not.
    """
    by_id = plan_of(planned.config, replace(planned.sources.fingerprints, names={}))
    prints = sorted(
        f"{run.label} {run.seed} {role} {node.fingerprint}"
        for run in by_id.runs
        for role, node in run.nodes.items()
    )
    return uuid5(NAMESPACE, "\n".join([str(owner.pk), name, scale, planned.key, *prints]))


def _ensure(
    owner: User, name: str, scale: str, *, planned: PlannedExperiment, before: Facts
) -> Experiment | None:
    """Return the person's experiment; None where another's has every run, finished."""
    key = launch_key(owner, name, scale, planned)
    experiment = Experiment.objects.filter(launch_key=key).first()
    if experiment is None:
        if _is_complete(planned, before):
            return None
        return _launch(owner, key, scale, planned)
    _restore_runs(owner, experiment, planned)
    states = set(
        Job.objects.filter(pk__in=experiment.needs.values("job")).values_list("state", flat=True)
    )
    if states & ENDED_BADLY or experiment.cancelled_at is not None:
        experiment_retry_failed(experiment=experiment, user=owner)
    return experiment


def _is_complete(planned: PlannedExperiment, facts: Facts) -> bool:
    if facts.remaining(planned.nodes):
        return False
    return all(run.run_id is not None for cell in planned.cells for run in facts.runs_of(cell))


def _launch(owner: User, key: UUID, scale: str, planned: PlannedExperiment) -> Experiment:
    document = planned.document
    found = sources_import(owner=owner, text=dump(document.model_dump(mode="json")))
    return experiment_launch(
        owner=owner,
        name=f"{document.name}, {scale}"[:160],
        question=document.question,
        tags=[*document.tags, scale],
        config=found.config,
        launch_key=key,
    )


def _restore_runs(owner: User, experiment: Experiment, planned: PlannedExperiment) -> None:
    """Add the runs that were deleted from an experiment, and their jobs."""
    there = set(experiment.runs.values_list("label", "seed"))
    if all((run.label, run.seed) in there for run in planned.plan.runs):
        return
    found = sources_import(owner=owner, text=dump(planned.document.model_dump(mode="json")))
    sources = sources_of(found.config)
    runs = plan_of(found.config, sources.fingerprints).runs
    add_runs(experiment, [run for run in runs if (run.label, run.seed) not in there], sources)


def _counted(plan: StudyPlan, before: Facts, experiments: tuple[Experiment, ...]) -> Reproduced:
    was_there = {
        fingerprint: row.state not in ENDED_BADLY for fingerprint, row in before.jobs.items()
    }
    now: Mapping[str, str] = dict(
        Job.objects.filter(fingerprint__in=[node.fingerprint for node in plan.nodes]).values_list(
            "fingerprint", "state"
        )
    )
    queued = [one for one in now if not was_there.get(one, False)]
    return Reproduced(len(queued), len(now) - len(queued), experiments)
