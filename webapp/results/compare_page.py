"""What the template of the compare page shows, with nothing left to decide."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from algorithms.base import Metric
from algorithms.metrics import OUTCOME_METRICS
from webapp.results import compare, selectors
from webapp.results.choice import MAX_RUNS, Choice, compact
from webapp.results.compare import Comparison, MetricFamily
from webapp.results.comparison import FinalRow, FinalTable
from webapp.results.curves import XAxis
from webapp.results.groups import ConfigDifference, Group, GroupBy
from webapp.results.iterations import IterationTable, iteration_table
from webapp.results.kept import keeps
from webapp.results.paired import Difference, Verdict
from webapp.results.selectors import PickerExperiment
from webapp.results.statistics import MeanCI, t_quantile

AXIS_WORDS = {
    XAxis.STEPS: "optimizer steps",
    XAxis.SAMPLES: "completions",
    XAxis.TOKENS: "tokens",
    XAxis.SECONDS: "seconds of training",
    XAxis.TOTAL: "seconds of generation and training",
}
GROUP_WORDS = {
    GroupBy.LABEL: "configuration",
    GroupBy.ALGORITHM: "algorithm",
    GroupBy.RUN: "nothing: every run by itself",
}


@dataclass(frozen=True)
class Option:
    """An entry of a selector."""

    value: str
    label: str


@dataclass(frozen=True)
class Page:
    """The compare page."""

    found: Comparison
    table: FinalTable
    settings: Sequence[ConfigDifference]
    picker: Sequence[PickerExperiment]
    search: str
    benchmarks: Mapping[int, str]
    """Names of further datasets that the runs are evaluated on."""
    iterations: IterationTable
    """The chosen outcome by iteration, of runs that have several."""

    @property
    def has_kept(self) -> bool:
        """Whether policies that runs kept on their way are evaluated."""
        return any(keeps(run) for run in self.found.runs)

    @property
    def choice(self) -> Choice:
        """What was chosen."""
        return self.found.choice

    @property
    def query(self) -> str:
        """The query string that restores the page."""
        return self.choice.query()

    @property
    def families(self) -> tuple[MetricFamily, ...]:
        """Metrics to choose from."""
        return compare.families()

    @property
    def outcomes(self) -> tuple[Metric, ...]:
        """Final figures that differences can be of."""
        return OUTCOME_METRICS

    @property
    def columns(self) -> tuple[Metric, ...]:
        """Final figures that some group has: the columns of the table of every run."""
        return self.table.outcomes

    @property
    def main_columns(self) -> tuple[Metric, ...]:
        """Those of the table of groups, which is to fit beside the differences."""
        return main_figures(self.table)

    @property
    def axes(self) -> list[Option]:
        """What curves can be drawn against."""
        return [Option(str(axis), AXIS_WORDS[axis]) for axis in XAxis]

    @property
    def groupings(self) -> list[Option]:
        """How runs can be grouped."""
        return [Option(str(by), GROUP_WORDS[by]) for by in GroupBy]

    @property
    def trained(self) -> list[Group]:
        """Groups whose settings are compared."""
        return self.found.trained

    @property
    def chosen(self) -> frozenset[int]:
        """Ids of the chosen runs."""
        return frozenset(self.choice.runs)

    @property
    def runs_text(self) -> str:
        """The chosen runs as an address writes them."""
        return compact(self.choice.runs)

    @property
    def unlisted(self) -> str:
        """Chosen runs that the list does not show, so that choosing others keeps them."""
        listed = {run.pk for one in self.picker for label in one.labels for run in label.runs}
        return compact(sorted(self.chosen - listed))

    @property
    def rows(self) -> list["TableRow"]:
        """Rows of the final table."""
        return [TableRow(row, self.table) for row in self.table.rows]

    @property
    def warnings(self) -> list[str]:
        """What a reader must know before the numbers."""
        found = list(self.table.warnings)
        if self.choice.dropped:
            found.append(
                f"{self.choice.dropped} runs are left out: at most {MAX_RUNS} are drawn at once."
            )
        if self.found.missing:
            found.append(f"{self.found.missing} of the chosen runs do not exist any more.")
        mixed = [group.name for group in self.found.groups if group.mixed]
        if mixed:
            found.append(
                f"Not only seeds differ within {', '.join(mixed)}: the interval there is over "
                "configurations too."
            )
        return found

    @property
    def seeds_hint(self) -> str:
        """What few seeds mean for the intervals; empty where there are enough."""
        counts = [row.evaluated for row in self.table.rows if not row.group.is_base]
        fewest = min(counts, default=0)
        if fewest not in {2, 3}:
            return ""
        here, more = t_quantile(fewest - 1), t_quantile(fewest)
        return (
            f"With {fewest} seeds an interval reaches {here:.1f} standard errors to each side; "
            f"with {fewest + 1} it would be {more:.1f}."
        )


ASIDE = frozenset({"cut_off_share", "repetitive_share", "tokens_mean"})
"""Figures that only every run's table shows, where there are many."""
FEW = 5


def main_figures(table: FinalTable) -> tuple[Metric, ...]:
    """Return the figures of the table of groups."""
    found = table.outcomes
    if len(found) <= FEW:
        return found
    return tuple(metric for metric in found if metric.name not in ASIDE)


@dataclass(frozen=True)
class TableRow:
    """One row of the final table, with the words for its difference."""

    final: FinalRow
    table: FinalTable

    @property
    def cells(self) -> list[MeanCI | None]:
        """Its figures, in the order of the main columns."""
        return self.final.cells(main_figures(self.table))

    @property
    def group(self) -> Group:
        """The group it is about."""
        return self.final.group

    @property
    def difference(self) -> Difference | None:
        """Its difference to the reference."""
        return self.final.difference

    @property
    def verdict_class(self) -> str:
        """How the verdict looks: good, bad, or neither."""
        verdict = self.difference.verdict if self.difference else Verdict.UNDECIDED
        if verdict is Verdict.UNDECIDED or self.table.outcome.better is None:
            return ""
        return "chip-good" if str(verdict) == self.table.outcome.better else "chip-bad"


def build_page(found: Comparison, *, search: str) -> Page:
    """Return the page of a comparison; 2 queries for the list to choose from, 1 for benchmarks."""
    return Page(
        found=found,
        table=compare.table(found),
        settings=compare.differing_settings(found),
        picker=selectors.picker(search, found.choice.runs),
        search=search,
        benchmarks=selectors.benchmarks(found.runs),
        iterations=iteration_table(found),
    )
