"""Comparisons and rollouts."""

from dataclasses import fields
from typing import Annotated, Any, Literal

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from webapp.api.schemas.common import RangeQuery
from webapp.jobs.models import Job
from webapp.results import compare, exports
from webapp.results.choice import Choice
from webapp.results.compare import Comparison
from webapp.results.cost import cost_csv
from webapp.results.curves import Band, XAxis, band
from webapp.results.groups import Group
from webapp.results.iterations import iterations_csv
from webapp.results.kept import kept_csv
from webapp.results.online_rows import CourseFilter
from webapp.results.rollout_file import RowFilter, key_of, matching, open_index, read_rows
from webapp.results.rollout_selectors import (
    EVALUATION_KINDS,
    ONLINE,
    ROLLOUT_KINDS,
    rollout_set,
    rollout_sets,
)
from webapp.results.rows import Points
from webapp.results.views import choice_of

router = Router(tags=["results"])

HEAVY_COLUMNS = frozenset({"tokens", "logprobs", "prompt_tokens"})
COURSE = {field.name for field in fields(CourseFilter)} - {"uses"}


class CompareQuery(Schema):
    """What is compared, in the words of the compare page's address."""

    runs: str = ""
    """Ids of runs: 1-5,9."""
    experiment: list[int] = []
    """Ids of experiments, all of whose runs are compared."""
    metric: str = ""
    x: Literal["steps", "samples", "tokens", "seconds", "total"] = "steps"
    target: float | None = Field(None, ge=0, le=1)
    """Accuracy whose cost is told."""
    smooth: float = Field(0.0, ge=0, lt=1)
    group: Literal["label", "algorithm", "run"] = "label"
    outcome: str = ""
    """The final figure that differences are of."""
    ref: int | None = None
    """A run of the reference group; the base policy unless given."""


CompareIn = Annotated[CompareQuery, Query()]


class RolloutQuery(Schema):
    """Which completions are asked for."""

    grade: Literal["", "correct", "incorrect", "invalid"] = ""
    text: str = Field("", max_length=300)
    regex: bool = False
    min_tokens: int | None = Field(None, ge=0)
    max_tokens: int | None = Field(None, ge=0)
    min_version: int | None = Field(None, ge=0)
    max_version: int | None = Field(None, ge=0)
    min_lag: int | None = Field(None, ge=0)
    max_lag: int | None = Field(None, ge=0)
    step: int | None = Field(None, ge=0)
    """Update that learned from it, from 0; this and the four above are for online trainings."""
    with_tokens: bool = False
    """Send token ids and log-probabilities too."""


@router.get("/compare", response=dict[str, Any])
def comparison(request: HttpRequest, asked: CompareIn) -> dict[str, Any]:
    """Return the final table: means with intervals, differences, and the jobs behind them."""
    found = _load(request, asked)
    return exports.as_json(found, compare.table(found))


@router.get("/compare/series", response=dict[str, Any])
def series(request: HttpRequest, asked: CompareIn) -> dict[str, Any]:
    """Return one metric of every run, and the mean with its 95% band per group."""
    found = _load(request, asked)
    shares = compare.shares_of(found) if found.choice.axis is XAxis.TOTAL else None
    columns = compare.points(found, shares=shares)
    return {
        "metric": found.choice.metric,
        "x": str(found.choice.axis),
        "groups": [_series(group, columns, found.choice) for group in found.trained],
    }


@router.get("/compare/points.csv")
def points_csv(request: HttpRequest, asked: CompareIn) -> HttpResponse:
    """Return the raw points of one metric as CSV."""
    return HttpResponse(exports.points_csv(_load(request, asked)), content_type="text/csv")


@router.get("/compare/cost.csv")
def cost_csv_file(request: HttpRequest, asked: CompareIn) -> HttpResponse:
    """Return what reaching the target accuracy cost each run as CSV."""
    return HttpResponse(cost_csv(_load(request, asked)), content_type="text/csv")


@router.get("/compare/kept.csv")
def kept_csv_file(request: HttpRequest, asked: CompareIn) -> HttpResponse:
    """Return the evaluations of policies that trainings kept on their way as CSV."""
    return HttpResponse(kept_csv(_load(request, asked)), content_type="text/csv")


@router.get("/compare/iterations.csv")
def iterations_csv_file(request: HttpRequest, asked: CompareIn) -> HttpResponse:
    """Return the evaluations after each iteration as CSV."""
    return HttpResponse(iterations_csv(_load(request, asked)), content_type="text/csv")


@router.get("/compare/table.csv")
def table_csv(request: HttpRequest, asked: CompareIn) -> HttpResponse:
    """Return the final table as CSV."""
    table = compare.table(_load(request, asked))
    return HttpResponse(exports.table_csv(table), content_type="text/csv")


@router.get("/compare/table.tex")
def table_tex(request: HttpRequest, asked: CompareIn) -> HttpResponse:
    """Return the final table in LaTeX."""
    table = compare.table(_load(request, asked))
    return HttpResponse(exports.table_latex(table), content_type="text/x-tex")


@router.get("/rollouts", response=list[dict[str, Any]])
def rollouts(
    request: HttpRequest,
    asked: RangeQuery,
    *,
    kind: Literal["rollouts", "evaluations"] = "rollouts",
    search: str = "",
) -> list[dict[str, Any]]:
    """Return sets of completions, the newest first; a set is named by its job."""
    kinds = EVALUATION_KINDS if kind == "evaluations" else (*ROLLOUT_KINDS, ONLINE)
    part = rollout_sets(kinds, search)[asked.offset : asked.offset + asked.limit]
    return [
        {
            "job_id": one.job_id,
            "kind": one.job.kind,
            "title": one.job.title,
            "created_at": one.created_at,
            "summary": one.summary,
        }
        for one in part
    ]


@router.get("/rollouts/{job_id}", response=dict[str, Any])
def rollout_rows(
    request: HttpRequest,
    job_id: int,
    asked: RangeQuery,
    wanted: Annotated[RolloutQuery, Query()],
) -> dict[str, Any]:
    """Return completions of a generate, grade, online or evaluate job, filtered."""
    try:
        artifact = rollout_set(job_id).artifact
    except Job.DoesNotExist:
        raise Http404(f"Job {job_id} has no completions to show.") from None
    rows = matching(
        key_of(artifact),
        RowFilter(
            grade=wanted.grade,
            min_tokens=wanted.min_tokens,
            max_tokens=wanted.max_tokens,
            text=wanted.text,
            is_regex=wanted.regex,
            course=CourseFilter(**wanted.model_dump(include=COURSE)),
        ),
    )
    index = open_index(artifact)
    columns = index.columns if wanted.with_tokens else index.columns - HEAVY_COLUMNS
    part = rows[asked.offset : asked.offset + asked.limit]
    return {
        "items": read_rows(index, part, sorted(columns)),
        "total": int(rows.size),
        "offset": asked.offset,
        "limit": asked.limit,
    }


def _load(request: HttpRequest, asked: CompareQuery) -> Comparison:
    """Return the comparison; the page's own parser reads the address, strictly here.

    Raises:
        ValidationError: no run is named, or a metric or outcome is unknown.
    """
    errors = {}
    for field, given, known in (
        ("metric", asked.metric, compare.metric_names()),
        ("outcome", asked.outcome, compare.outcome_names()),
    ):
        if given and given not in known:
            errors[field] = f"There is no {given}. Known: {', '.join(known)}."
    choice = choice_of(request)
    if not choice.runs:
        errors["runs"] = "Name runs (runs=1-5,9) or experiments (experiment=3)."
    if errors:
        raise ValidationError(errors)
    return compare.load(choice)


def _series(group: Group, columns: dict[int, Points], choice: Choice) -> dict[str, Any]:
    runs = [
        (run, columns[run.train.id])
        for run in group.runs
        if run.train is not None and run.train.id in columns
    ]
    curves = [points.curve(run.seed, choice.axis) for run, points in runs]
    return {
        "name": group.name,
        "algorithm": group.algorithm,
        "mean": _band(band(curves, smoothing=choice.smoothing)),
        "runs": [
            {
                "run": run.id,
                "job": run.train.id if run.train else None,
                "seed": run.seed,
                "steps": points.steps.tolist(),
                "samples": points.samples.tolist(),
                "tokens": points.tokens.tolist(),
                "seconds": points.seconds.tolist(),
                "values": points.values.tolist(),
            }
            for run, points in runs
        ],
    }


def _band(found: Band) -> dict[str, list[float | None]]:
    """Return the band as JSON: null where one seed alone has no interval."""
    columns = {"x": found.x, "mean": found.mean, "low": found.low, "high": found.high}
    as_lists: dict[str, list[float | None]] = {
        name: [None if value != value else value for value in column.tolist()]  # noqa: PLR0124 - NaN
        for name, column in columns.items()
    }
    return as_lists | {"n": found.n.tolist()}
