"""What the pages of studies show, prepared for their templates."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from algorithms.base import Metric
from algorithms.evaluation.claims.decision import Verdict
from webapp.studies.bandit import is_done
from webapp.studies.claim_schema import Measure
from webapp.studies.cost import Cost, cost_of
from webapp.studies.facts import MISSING, Facts, load_facts
from webapp.studies.figure_schema import FigureSpec
from webapp.studies.figures import titles
from webapp.studies.judge import Judged
from webapp.studies.library import Scale, StudyFile, study_files
from webapp.studies.methods import methods_text
from webapp.studies.results import StudyResult, TableRow, load_result, table_rows
from webapp.studies.texts import about_text, estimate_text, verdict_text
from webapp.studies.values import metric_of

CHIPS = {
    Verdict.HOLDS: "chip-good",
    Verdict.FAILS: "chip-bad",
    Verdict.UNDECIDED: "",
}


@dataclass(frozen=True)
class ClaimLine:
    """One claim as the page shows it."""

    judged: Judged
    chip: str
    verdict: str
    estimate: str
    about: str

    @property
    def runs(self) -> str:
        """Its runs for the address of Compare."""
        return ",".join(map(str, self.judged.runs))


@dataclass(frozen=True)
class PanelView:
    """One plot of a figure."""

    number: int
    title: str


@dataclass(frozen=True)
class FigureView:
    """One figure and its plots."""

    spec: FigureSpec
    panels: tuple[PanelView, ...]
    has_paper: bool


@dataclass(frozen=True)
class ScaleBadge:
    """One scale of a study in the list."""

    name: str
    state: str
    """missing, running, failed, done, or why it cannot run."""
    text: str
    verdicts: tuple[tuple[str, str], ...] = ()
    """Chip class and words, such as ("chip-good", "5 hold")."""


@dataclass(frozen=True)
class ListRow:
    """One study in the list."""

    file: StudyFile
    scales: tuple[ScaleBadge, ...]


@dataclass(frozen=True)
class StudyPage:
    """The page of one study at one scale."""

    result: StudyResult
    claims: tuple[ClaimLine, ...]
    figures: tuple[FigureView, ...]
    table: tuple[TableRow, ...]
    metrics: tuple[Metric, ...]
    cost: Cost | None
    differences: tuple[str, ...]
    methods: str

    @property
    def done(self) -> int:
        """Jobs whose artifact is there."""
        return self.result.facts.states["succeeded"]

    @property
    def total(self) -> int:
        """All planned jobs."""
        return len(self.result.plan.nodes)

    @property
    def is_playing(self) -> bool:
        """Whether it is a bandit that has not come to its end."""
        return not is_done(self.result.played)

    @property
    def state(self) -> str:
        """One word for all jobs together."""
        return state_of(self.result.facts)

    @property
    def summary(self) -> str:
        """The scale in one sentence."""
        if not self.result.scale:
            return "A bandit: exact gradients on full batches, computed at once."
        return self.result.study.profiles[self.result.scale].summary  # type: ignore[index]

    @property
    def empty(self) -> str:
        """What an empty plot says."""
        return "No finished run yet: press Reproduce." if self.result.scale else "Being computed."

    @property
    def run_ids(self) -> str:
        """Every run, for the address of Compare."""
        return ",".join(map(str, self.result.run_ids))


def state_of(facts: Facts) -> str:
    """Return one word for the jobs of a study at one scale."""
    states = facts.states
    for state in ("running", "queued", "failed", "cancelled", "waiting"):
        if states[state]:
            return state
    if states[MISSING]:
        return MISSING
    return "succeeded"


def study_page(file: StudyFile, scale: str, *, seconds: float = 0.0) -> StudyPage:
    """Return the page of a study at one scale.

    Args:
        seconds: how long a bandit is played on first.

    Raises:
        UserError: it cannot be planned.
    """
    result = load_result(file, scale, seconds=seconds)
    study = result.study
    profile = study.profiles.get(scale)  # type: ignore[call-overload]  # a bandit has none
    return StudyPage(
        result=result,
        claims=tuple(_line(one) for one in result.claims),
        figures=tuple(_figure(spec, published=result.is_published_scale) for spec in study.figures),
        table=tuple(table_rows(result)),
        metrics=tuple(metric_of(Measure(metric=name)) for name in study.table.metrics),
        cost=cost_of(result.facts, profile) if profile is not None else None,
        differences=(*study.differences, *(profile.differences if profile else ())),
        methods=methods_text(result),
    )


def _line(one: Judged) -> ClaimLine:
    return ClaimLine(
        one,
        CHIPS[one.decision.verdict],
        verdict_text(one),
        estimate_text(one),
        about_text(one),
    )


def _figure(spec: FigureSpec, *, published: bool) -> FigureView:
    panels = tuple(PanelView(number, title) for number, title in enumerate(titles(spec)))
    return FigureView(spec, panels, bool(spec.paper) and published)


def study_list() -> list[ListRow]:
    """Return every study with what its scales have come to; a few queries for each scale begun."""
    return [ListRow(file, tuple(_badges(file))) for file in study_files().values()]


def _badges(file: StudyFile) -> list[ScaleBadge]:
    if file.study is None:
        return []
    if file.study.bandit is not None:
        result = load_result(file, "")
        if not is_done(result.played):
            return [ScaleBadge("exact", MISSING, "computed when it is opened")]
        return [ScaleBadge("exact", "succeeded", "computed", _counts(result.claims))]
    return [_badge(file, scale) for scale in file.scales.values()]


def _badge(file: StudyFile, scale: Scale) -> ScaleBadge:
    if scale.plan is None:
        return ScaleBadge(scale.name, "failed", "cannot be planned")
    if scale.plan.missing_recipes:
        missing = ", ".join(scale.plan.missing_recipes)
        return ScaleBadge(scale.name, MISSING, f"recipe not installed: {missing}")
    facts = load_facts(scale.plan)
    state, done = state_of(facts), facts.states["succeeded"]
    if done == 0 and state == MISSING:
        return ScaleBadge(scale.name, MISSING, f"{len(scale.plan.nodes)} jobs, none yet")
    text = f"{done} of {len(scale.plan.nodes)} jobs"
    return ScaleBadge(scale.name, state, text, _counts(load_result(file, scale.name).claims))


def _counts(claims: Sequence[Judged]) -> tuple[tuple[str, str], ...]:
    counted = Counter(one.decision.verdict for one in claims)
    words = {Verdict.HOLDS: "hold", Verdict.FAILS: "do not hold", Verdict.UNDECIDED: "undecided"}
    return tuple((CHIPS[one], f"{counted[one]} {words[one]}") for one in Verdict if counted[one])
