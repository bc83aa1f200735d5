"""What the page of one job of the control laboratory shows: curves, and what episodes came to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import plotly.graph_objects as go
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from algorithms.base import Metric
from algorithms.environments.grounds import GROUNDS
from algorithms.environments.table import ENVIRONMENTS
from algorithms.evaluation.risk import Risk, risk_of, tail_size
from algorithms.metrics import metric_by_name
from webapp.jobs.events import events_of
from webapp.jobs.models import Job, MetricPoint
from webapp.results import selectors
from webapp.results.control import trajectories
from webapp.results.control.choice import ControlChoice, Shape, parse_control
from webapp.results.control.comparison import Variant, correction_title
from webapp.results.control.episodes import Episodes, episodes_of, trajectories_of
from webapp.results.control.trajectories import Watched
from webapp.results.curves import XAxis, band
from webapp.results.figures import learning_curve, return_distribution
from webapp.results.figures.learning_curve import CurveGroup, Look, Mark, SeedCurve
from webapp.results.figures.palette import figure
from webapp.results.figures.return_distribution import Panel, Returns
from webapp.results.groups import Group
from webapp.results.outcomes import OutcomesMissing
from webapp.results.rows import CONTROL_EVALUATION, ArtifactRow, JobRow, RunRow

FIRST = (
    "eval_return_mean", "behaviour_return", "dsm_loss_heldout", "inverse_loss_heldout", "loss",
)  # fmt: skip
"""Metrics in the order in which one is shown unasked."""


@dataclass(frozen=True)
class EvaluationPage:
    """What one evaluation came to, at the chosen level."""

    job: Job
    episodes: Episodes
    risk: Risk
    choice: ControlChoice
    kept: int
    """Episodes whose every step is kept."""

    @property
    def level(self) -> str:
        """The level of the tails in words."""
        return f"{100 * self.choice.alpha:g}%"

    @property
    def tail(self) -> int:
        """Episodes in the tail."""
        return tail_size(len(self.episodes), self.choice.tail)

    @property
    def correction(self) -> str:
        """The correction in words."""
        return correction_title(self.job.spec.get("correction", ""))

    @property
    def environment(self) -> str:
        """The environment in words."""
        known = ENVIRONMENTS.get(self.episodes.environment)
        return known.title if known else self.episodes.environment

    @property
    def normalized(self) -> float | None:
        """Mean normalised return."""
        column = self.episodes.columns.get("normalized_return")
        return None if column is None else float(column.mean())

    @property
    def draws_states(self) -> bool:
        """Whether kept episodes are drawn one at a time."""
        return self.episodes.environment not in GROUNDS

    @property
    def numbers(self) -> range:
        """Places of kept episodes."""
        return range(self.kept)


@require_safe
def job_results(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the curves of a training, or the episodes of an evaluation: a part of a job's page."""
    job = get_object_or_404(Job, pk=pk)
    if job.kind != CONTROL_EVALUATION:
        found = metrics_of(job)
        context = {"job": job, "metrics": found, "chosen": _chosen(request, found)}
        return render(request, "results/control/_training.html", context)
    artifact = selectors.artifact_row(job)
    if artifact is None:
        return render(request, "results/control/_evaluation.html", {"job": job})
    try:
        evaluation = _evaluation(job, artifact, choice_of(request, job))
    except OutcomesMissing as error:
        return render(request, "results/control/_evaluation.html", {"job": job, "error": error})
    context = {"job": job, "evaluation": evaluation, "query": evaluation.choice.query()}
    return render(request, "results/control/_evaluation.html", context)


def choice_of(request: HttpRequest, job: Job) -> ControlChoice:
    """Return what is chosen on the page of an evaluation; the job's own level unless said."""
    query = request.GET.copy()
    own = {"alpha": "tail", "tail": "tail_convention", "quantile": "quantile_method"}
    for key, field in own.items():
        query.setdefault(key, str(job.spec.get(field, "")))
    return parse_control(query, (), ())


def _evaluation(job: Job, artifact: ArtifactRow, choice: ControlChoice) -> EvaluationPage:
    episodes = episodes_of(artifact)
    risk = risk_of(episodes.returns, choice.tail, seed=int(job.spec.get("seed", 0)))
    return EvaluationPage(job, episodes, risk, choice, len(trajectories_of(artifact)))


def metrics_of(job: Job) -> list[Metric]:
    """Return the metrics that a training has logged, those worth a first look first; 1 query."""
    names = MetricPoint.objects.filter(job=job).values_list("name", flat=True).distinct()
    found = sorted(names, key=lambda name: (FIRST.index(name) if name in FIRST else 99, name))
    return [metric_by_name(name) for name in found]


def _chosen(request: HttpRequest, found: list[Metric]) -> str:
    asked = request.GET.get("metric", "")
    names = [metric.name for metric in found]
    return asked if asked in names else next(iter(names), "")


@require_safe
def job_figure(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """Return a plot of a job's page as Plotly JSON."""
    job = get_object_or_404(Job, pk=pk)
    if name not in FIGURES:
        raise Http404(f"there is no plot {name}")
    return HttpResponse(FIGURES[name](request, job).to_json(), content_type="application/json")


def curve_figure(request: HttpRequest, job: Job) -> go.Figure:
    """Return one metric of a training, alarms marked."""
    chosen = _chosen(request, metrics_of(job))
    columns = selectors.metric_points([job.pk], chosen) if chosen else {}
    if job.pk not in columns:
        return figure([])
    points = columns[job.pk]
    curve = points.curve(int(job.spec.get("seed", 0)), XAxis.STEPS)
    marks = tuple(
        Mark(points.place(event.step, XAxis.STEPS), f"{event.title} at step {event.step:,}")
        for event in events_of(Q(job=job))
    )
    group = CurveGroup(
        name=job.title,
        algorithm=job.spec.get("algorithm", ""),
        variant=0,
        seeds=(SeedCurve(curve, "", marks),),
        band=band([curve]),
    )
    metric = metric_by_name(chosen)
    log_y = request.GET.get("log") == "1"
    return learning_curve.draw([group], metric, Look(log_y=log_y), notes=[metric.help])


def returns_figure(request: HttpRequest, job: Job) -> go.Figure:
    """Return how the returns of an evaluation are distributed."""
    artifact = selectors.artifact_row(job)
    if artifact is None:
        return figure([])
    choice = choice_of(request, job)
    try:
        found = _evaluation(job, artifact, choice)
    except OutcomesMissing as error:
        return figure([], meta={"empty": str(error)})
    row = Returns(
        name=job.title,
        algorithm="",
        variant=0,
        values=found.episodes.returns,
        var=found.risk.var.value,
        cvar=found.risk.cvar.value,
        is_corrected=True,
    )
    panel = Panel("", (row,))
    return return_distribution.draw([panel], ecdf=choice.shape is Shape.ECDF, level=found.level)


def trajectories_figure(request: HttpRequest, job: Job) -> go.Figure:
    """Return the kept episodes of an evaluation."""
    artifact = selectors.artifact_row(job)
    if artifact is None:
        return figure([])
    try:
        episodes, kept = episodes_of(artifact), trajectories_of(artifact)
    except OutcomesMissing as error:
        return figure([], meta={"empty": str(error)})
    if not kept:
        return figure([])
    alone = Watched(
        _variant(job, artifact, episodes), _run(job, artifact), episodes.environment, kept
    )
    ground = GROUNDS.get(episodes.environment)
    if ground is not None:
        return trajectories.paths_figure([alone], ground)
    return trajectories.states_figure([alone], choice_of(request, job).episode)


def _run(job: Job, artifact: ArtifactRow) -> RunRow:
    evaluate = JobRow(job.pk, job.state, artifact, job.kind)
    return RunRow(job.pk, 0, "", job.title, "", 0, {}, None, evaluate, {})


def _variant(job: Job, artifact: ArtifactRow, episodes: Episodes) -> Variant:
    """Return a job's evaluation as a group of itself."""
    run = _run(job, artifact)
    group = Group(job.pk, job.title, "", 0, (run,), 0, mixed=False)
    corrected = job.spec.get("correction", "")
    return Variant(group, "", "", corrected, {}, {job.pk: episodes}, "")


FIGURES: Mapping[str, Callable[[HttpRequest, Job], go.Figure]] = {
    "curve": curve_figure,
    "returns": returns_figure,
    "trajectories": trajectories_figure,
}
