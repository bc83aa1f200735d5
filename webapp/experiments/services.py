"""What people do with experiments: preview, launch, extend, cancel, retry, prioritise, delete."""

from collections.abc import Sequence
from uuid import UUID, uuid4

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone

from algorithms.base import UserError
from webapp.accounts.models import User
from webapp.accounts.permissions import require_owner
from webapp.experiments import needs, preview
from webapp.experiments.configs import AnyConfig
from webapp.experiments.control.config import ControlConfig
from webapp.experiments.control.sources import find_control_sources
from webapp.experiments.extension import new_runs
from webapp.experiments.models import Experiment
from webapp.experiments.planner import plan
from webapp.experiments.rows import add_runs
from webapp.experiments.sources import FoundSources, find_sources
from webapp.experiments.states import derive
from webapp.jobs.bulk import jobs_cancel
from webapp.jobs.services import jobs_resume
from webapp.jobs.states import ACTIVE, JobState
from webapp.policies.models import Policy


def sources_of(config: AnyConfig) -> FoundSources:
    """Return the rows that a config names.

    Raises:
        ValidationError: one does not exist; the field that names it is told.
    """
    if isinstance(config, ControlConfig):
        return find_control_sources(config)
    return find_sources(config)


def experiment_preview(*, config: AnyConfig) -> preview.PlanPreview:
    """Return what launching this config would run and compute, and what exists already.

    Raises:
        ValidationError: a dataset or policy does not exist.
    """
    sources = sources_of(config)
    return preview.preview(config, plan(config, sources.fingerprints), sources)


@transaction.atomic
def experiment_launch(
    *,
    owner: User,
    name: str,
    config: AnyConfig,
    question: str = "",
    tags: Sequence[str] = (),
    priority: int = 0,
    launch_key: UUID | None = None,
    cloned_from: Experiment | None = None,
) -> Experiment:
    """Return the launched experiment: its runs, and jobs that are new or shared with others.

    Args:
        launch_key: made with the form; launching twice with one key returns the first experiment.

    Raises:
        ValidationError: name, tags, or a dataset or policy that does not exist.
        PermissionDenied: somebody else used the launch key.
    """
    experiment = Experiment(
        owner=owner,
        name=" ".join(name.split()),
        question=question.strip(),
        tags=_clean_tags(tags),
        recipe=config.recipe,
        config=config.model_dump(mode="json"),
        priority=priority,
        launch_key=launch_key or uuid4(),
        cloned_from=cloned_from,
    )
    if (launched := _launched(experiment)) is not None:
        return launched
    experiment.full_clean(validate_unique=False, validate_constraints=False)
    sources = sources_of(config)
    try:
        with transaction.atomic():
            experiment.save(force_insert=True)
    except IntegrityError:
        # The other click's transaction was first; it has committed by now.
        if (launched := _launched(experiment)) is not None:
            return launched
        raise
    add_runs(experiment, plan(config, sources.fingerprints).runs, sources)
    return experiment


def _launched(experiment: Experiment) -> Experiment | None:
    found = Experiment.objects.filter(launch_key=experiment.launch_key).first()
    if found is not None and found.owner_id != experiment.owner_id:
        raise PermissionDenied("This launch key belongs to someone else's experiment.")
    return found


def _clean_tags(tags: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(tag for text in tags if (tag := " ".join(text.split()))))


@transaction.atomic
def experiment_update(
    *, experiment: Experiment, user: User, name: str, question: str, tags: Sequence[str]
) -> Experiment:
    """Return the experiment with another name, question and tags; its runs stay as they are.

    Raises:
        ValidationError: the name is empty or too long, or a tag is.
        PermissionDenied: it belongs to someone else.
    """
    experiment = _locked(experiment, user)
    experiment.name = " ".join(name.split())
    experiment.question = question.strip()
    experiment.tags = _clean_tags(tags)
    experiment.full_clean(validate_unique=False, validate_constraints=False)
    experiment.save(update_fields=["name", "question", "tags"])
    return experiment


@transaction.atomic
def experiment_extend(*, experiment: Experiment, config: AnyConfig, user: User) -> Experiment:
    """Return the experiment with the runs added that the larger config has more.

    Args:
        config: the experiment's own with algorithms, seeds or axis values added.

    Raises:
        UserError: it was cancelled, nothing is added, or something else than an addition changed.
        PermissionDenied: it belongs to someone else.
    """
    experiment = _locked(experiment, user)
    if experiment.cancelled_at is not None:
        raise UserError(f"“{experiment}” was cancelled: retry it first, or clone it.")
    sources = sources_of(config)
    added = new_runs(experiment, config, plan(config, sources.fingerprints))
    experiment.config = config.model_dump(mode="json")
    experiment.save(update_fields=["config"])
    add_runs(experiment, added, sources)
    return experiment


@transaction.atomic
def experiment_cancel(*, experiment: Experiment, user: User) -> needs.CancelReport:
    """Cancel an experiment; jobs that others need go on, and the report names them.

    Raises:
        UserError: it was cancelled before, or has ended.
        PermissionDenied: it belongs to someone else.
    """
    experiment = _locked(experiment, user)
    if experiment.cancelled_at is not None:
        raise UserError(f"“{experiment}” was cancelled before.")
    states = set(experiment.needs.values_list("job__state", flat=True))
    if not states & ACTIVE:
        state = derive(states).label.lower()
        raise UserError(f"“{experiment}” has ended ({state}): there is nothing to cancel.")
    experiment.cancelled_at = timezone.now()
    experiment.save(update_fields=["cancelled_at"])
    stopped, kept = needs.split_active(experiment)
    jobs_cancel(jobs=stopped)
    needs.refresh_priorities([entry.job.pk for entry in kept])
    return needs.CancelReport(stopped=tuple(stopped), kept=tuple(kept))


@transaction.atomic
def experiment_retry_failed(*, experiment: Experiment, user: User) -> int:
    """Try again what failed or was cancelled, nothing else; return the number of jobs.

    Raises:
        UserError: nothing failed and nothing was cancelled.
        PermissionDenied: it belongs to someone else.
    """
    experiment = _locked(experiment, user)
    was_cancelled = experiment.cancelled_at is not None
    experiment.cancelled_at = None
    experiment.save(update_fields=["cancelled_at"])
    jobs = list(needs.jobs_of(experiment))
    ended = [job for job in jobs if job.state in {JobState.FAILED, JobState.CANCELLED}]
    if not ended and not was_cancelled:
        raise UserError(f"Nothing of “{experiment}” failed: there is nothing to retry.")
    jobs_resume(jobs=jobs)
    needs.refresh_priorities([job.pk for job in jobs])
    return len(ended)


@transaction.atomic
def experiment_set_priority(*, experiment: Experiment, priority: int, user: User) -> None:
    """Run the experiment's jobs earlier (higher) or later than those of others.

    A job that several live experiments need has the highest of their priorities.

    Raises:
        UserError: the number is outside -100..100.
        PermissionDenied: it belongs to someone else.
    """
    if not -100 <= priority <= 100:
        raise UserError(f"A priority lies between -100 and 100, not {priority}.")
    experiment = _locked(experiment, user)
    experiment.priority = priority
    experiment.save(update_fields=["priority"])
    needs.refresh_priorities([job.pk for job in needs.jobs_of(experiment)])


@transaction.atomic
def experiment_delete(*, experiment: Experiment, user: User) -> None:
    """Delete an experiment and its runs; jobs and artifacts stay until they are pruned.

    Raises:
        UserError: jobs are active, or a policy was made from one of its runs; it says which.
        PermissionDenied: it belongs to someone else.
    """
    experiment = _locked(experiment, user)
    if experiment.cancelled_at is None:
        active, _ = needs.split_active(experiment)
        if active:
            raise UserError(
                f"{len(active)} jobs of “{experiment}” have not ended: cancel it first."
            )
    elsewhere = needs.trainings_elsewhere(experiment)
    trained = experiment.needs.filter(needs.IS_TRAINING).values("job")
    made = Policy.objects.filter(job__in=trained).exclude(job__in=elsewhere)
    names = sorted(set(made.values_list("name", flat=True)))
    if names:
        listed = ", ".join(f"“{name}”" for name in names)
        raise UserError(f"{listed} came from a run of “{experiment}”: delete that policy first.")
    experiment.delete()


def _locked(experiment: Experiment, user: User) -> Experiment:
    """Return the row as it is now, locked until the transaction ends; the person may change it."""
    require_owner(user, experiment)
    return Experiment.objects.select_for_update().get(pk=experiment.pk)
