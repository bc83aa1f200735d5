"""Reading experiments: the list, and what forms and pages need of one."""

from dataclasses import dataclass

import pydantic
from django.db.models import (
    Case,
    CharField,
    Count,
    Exists,
    F,
    FloatField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce

from algorithms.base import UserError
from webapp.experiments.configs import AnyConfig, config_of
from webapp.experiments.models import Experiment, ExperimentJob, Run
from webapp.experiments.states import PRECEDENCE
from webapp.jobs.models import Job
from webapp.jobs.states import JobState

PAGE = 50


@dataclass(frozen=True)
class ExperimentRow:
    """One line of the list of experiments."""

    experiment: Experiment
    state: JobState
    runs: int
    jobs: int
    succeeded: int
    running: int
    failed: int
    progress: float
    """Share of the jobs' work that is done, 0 to 1; running jobs count by their progress."""


@dataclass(frozen=True)
class ExperimentPage:
    """One page of the list."""

    rows: tuple[ExperimentRow, ...]
    total: int
    """Matching experiments on all pages."""
    offset: int
    limit: int

    @property
    def has_more(self) -> bool:
        """Whether there is a next page."""
        return self.offset + len(self.rows) < self.total


def experiment_page(
    *,
    search: str = "",
    tag: str = "",
    owner: str = "",
    state: JobState | None = None,
    offset: int = 0,
    limit: int = PAGE,
) -> ExperimentPage:
    """Return experiments with state and progress, the newest first; 2 queries.

    Args:
        search: words that must all occur in the name, the question, a tag, the owner's name, or a
            label or algorithm of a run.
        tag: only experiments with exactly this tag.
        owner: only experiments of the person with this user name.
        state: only experiments in this state.
    """
    found = _matching(search)
    if tag:
        found = found.filter(tags__contains=[tag])
    if owner:
        found = found.filter(owner__username=owner)
    if state is not None:
        found = with_state(found).filter(Q(("derived_state", state)))
    total = found.count()
    page = with_state(found).select_related("owner").defer("config").order_by("-created_at", "-id")
    rows = tuple(_row(one) for one in page[offset : offset + limit])
    return ExperimentPage(rows=rows, total=total, offset=offset, limit=limit)


def _matching(search: str) -> QuerySet[Experiment]:
    found = Experiment.objects.all()
    for word in search.split():
        runs = Run.objects.filter(Q(label__icontains=word) | Q(algorithm__icontains=word))
        found = found.filter(
            Q(name__icontains=word)
            | Q(question__icontains=word)
            | Q(tags__icontains=word)
            | Q(owner__username__icontains=word)
            | Q(pk__in=runs.values("experiment"))
        )
    return found


def with_state(experiments: QuerySet[Experiment]) -> QuerySet[Experiment]:
    """Annotate counts by job state, `work_running`, `derived_state` by the rules of `states`."""
    # Distinct: runs of one experiment may share a training.
    counts = {
        f"n_{state}": Count("needs__job", filter=Q(needs__job__state=state), distinct=True)
        for state in JobState
    }
    runs = Run.objects.filter(experiment=OuterRef("pk")).order_by()
    n_runs = runs.values("experiment").annotate(n=Count("pk")).values("n")
    counted = experiments.annotate(
        n_jobs=Count("needs__job", distinct=True),
        work_running=_running_work(),
        n_runs=Coalesce(Subquery(n_runs), 0),
        **counts,
    )
    return counted.annotate(derived_state=_state_case())


def _running_work() -> Coalesce:
    """Return the work that running jobs have done, in jobs."""
    needed = ExperimentJob.objects.filter(experiment=OuterRef(OuterRef("pk")), job=OuterRef("pk"))
    running = Job.objects.filter(Exists(needed), state=JobState.RUNNING, progress_total__gt=0)
    fraction = Cast(F("progress_done"), FloatField()) / F("progress_total")
    done = running.order_by().values("state").annotate(done=Sum(fraction)).values("done")
    return Coalesce(Subquery(done), 0.0)


def _state_case() -> Case:
    """Return `states.derive` in SQL, from the same table of precedence."""
    return Case(
        When(n_jobs__gt=0, n_jobs=F(f"n_{JobState.SUCCEEDED}"), then=Value(JobState.SUCCEEDED)),
        When(cancelled_at__isnull=False, then=Value(JobState.CANCELLED)),
        *(When(**{f"n_{state}__gt": 0}, then=Value(state)) for state in PRECEDENCE),
        default=Value(JobState.WAITING),
        output_field=CharField(),
    )


def _row(experiment: Experiment) -> ExperimentRow:
    found = vars(experiment)  # with the annotations of `with_state`
    jobs = found["n_jobs"]
    return ExperimentRow(
        experiment=experiment,
        state=JobState(found["derived_state"]),
        runs=found["n_runs"],
        jobs=jobs,
        succeeded=found["n_succeeded"],
        running=found["n_running"],
        failed=found["n_failed"],
        progress=min(1.0, (found["n_succeeded"] + found["work_running"]) / jobs) if jobs else 0.0,
    )


def tags_used() -> list[str]:
    """Return every tag of an experiment, in alphabetical order; 1 query."""
    rows = Experiment.objects.filter(tags__len__gt=0).values_list("tags", flat=True)
    return sorted({tag for tags in rows for tag in tags})


def clone_config(experiment: Experiment) -> AnyConfig:
    """Return the config of an experiment as a start for another one.

    Raises:
        UserError: it was made by a version whose settings this one does not know.
    """
    try:
        return config_of({"recipe": experiment.recipe, **experiment.config})
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UserError(
            f"“{experiment}” cannot be cloned as it is: {where}: {first['msg']}"
        ) from error
