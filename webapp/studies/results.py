"""Everything that a study has come to at one scale: what pages, files and the terminal show."""

from collections.abc import Sequence
from dataclasses import dataclass

from webapp.results.statistics import MeanCI, mean_ci
from webapp.studies.bandit import PlayedChoice, judge_bandit, play
from webapp.studies.cells import Cell
from webapp.studies.claim_schema import Measure
from webapp.studies.facts import Facts, load_facts
from webapp.studies.judge import Judged, judge
from webapp.studies.library import StudyFile
from webapp.studies.pilot import PilotResult, pilot_result
from webapp.studies.planning import PILOT, StudyPlan
from webapp.studies.schema import PUBLISHED, Study
from webapp.studies.services import plan_at
from webapp.studies.values import measured


@dataclass(frozen=True)
class TableRow:
    """One compared group in the study's table."""

    cell: Cell
    variant: int
    """0 for the first group of its look, 1 for the next...: same colour, other dashes."""
    figures: tuple[MeanCI | None, ...]
    """One per metric of the table, over the finished seeds."""
    paper: tuple[float | None, ...]
    """The paper's numbers, at the paper profile."""
    finished: int
    planned: int
    runs: tuple[int, ...]

    @property
    def has_paper(self) -> bool:
        """Whether the paper's numbers stand beside."""
        return any(value is not None for value in self.paper)


@dataclass(frozen=True)
class StudyResult:
    """A study at one scale, judged."""

    file: StudyFile
    study: Study
    scale: str
    """Empty for a bandit: it has one size."""
    plan: StudyPlan
    facts: Facts
    claims: tuple[Judged, ...]
    pilot: PilotResult | None
    played: tuple[PlayedChoice, ...] = ()
    """Of a bandit."""

    @property
    def name(self) -> str:
        """The study's name."""
        return self.file.name

    @property
    def is_published_scale(self) -> bool:
        """Whether published numbers lie beside ours."""
        return self.scale == PUBLISHED[self.study.family]

    @property
    def cells(self) -> list[Cell]:
        """Compared groups of all experiments but the pilot, in order."""
        return [
            cell for key, one in self.plan.experiments.items() if key != PILOT for cell in one.cells
        ]

    @property
    def run_ids(self) -> list[int]:
        """Every run that has a page."""
        return self.facts.run_ids(self.cells)


def load_result(file: StudyFile, scale: str, *, seconds: float = 0.0) -> StudyResult:
    """Return a study with its verdicts; a query for each curve that a claim is about, and 2.

    Args:
        seconds: how long a bandit is played on before it is told how far it is.

    Raises:
        UserError: it cannot be planned at this scale.
    """
    if file.study is not None and file.study.bandit is not None:
        plan = StudyPlan({})
        played = play(file.study.bandit, seconds)
        claims = tuple(judge_bandit(file.study, played))
        return StudyResult(file, file.study, "", plan, Facts(plan, {}, {}), claims, None, played)
    plan = plan_at(file, scale)
    assert file.study is not None  # it has a plan
    facts = load_facts(plan)
    profile = file.study.profiles[scale]  # type: ignore[index]  # a name of PROFILES
    return StudyResult(
        file=file,
        study=file.study,
        scale=scale,
        plan=plan,
        facts=facts,
        claims=tuple(judge(file.study, facts)),
        pilot=pilot_result(file.study, profile, facts),
    )


def variants_of(cells: Sequence[Cell]) -> dict[tuple[str, str], int]:
    """Return how often the look of each group came before it, by experiment and label."""
    seen: dict[tuple[str, str], list[str]] = {}
    found = {}
    for cell in cells:
        before = seen.setdefault((cell.experiment, cell.look), [])
        if cell.label not in before:
            before.append(cell.label)
        found[cell.experiment, cell.label] = before.index(cell.label)
    return found


def table_rows(result: StudyResult) -> list[TableRow]:
    """Return the study's table: a row per compared group of every experiment."""
    metrics = result.study.table.metrics
    variants = variants_of(result.cells)
    return [
        _row(result, cell, metrics, variants[cell.experiment, cell.label]) for cell in result.cells
    ]


def _row(result: StudyResult, cell: Cell, metrics: Sequence[str], variant: int) -> TableRow:
    found = [measured(result.facts, cell, Measure(metric=name)) for name in metrics]
    printed = result.study.table.paper.get(cell.label, {}) if result.is_published_scale else {}
    return TableRow(
        cell=cell,
        variant=variant,
        figures=tuple(
            mean_ci(list(one.by_seed.values())) if one.by_seed else None for one in found
        ),
        paper=tuple(printed.get(name) for name in metrics),
        finished=max((len(one.by_seed) for one in found), default=0),
        planned=len(cell.runs),
        runs=tuple(result.facts.run_ids([cell])),
    )
