"""What the template of the compare page of experiments in control shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from algorithms.base import Metric
from algorithms.catalogue import CONTROL_ALGORITHMS
from algorithms.environments.grounds import GROUNDS
from algorithms.evaluation.risk import tail_size
from algorithms.shared.control_metrics import CONTROL_EVAL_METRICS, CONTROL_TRAIN_METRICS
from webapp.results import selectors
from webapp.results.choice import MAX_RUNS, compact
from webapp.results.compare import MetricFamily
from webapp.results.compare_page import AXIS_WORDS, Option
from webapp.results.control.choice import ControlChoice
from webapp.results.control.comparison import ControlComparison, Variant
from webapp.results.control.figures import has_noise, logged, shown_metric
from webapp.results.control.maps import sensitivity_axes
from webapp.results.control.measures import COMPARED
from webapp.results.control.names import words_of
from webapp.results.control.table import ControlRow, ControlTable, control_table
from webapp.results.control.trajectories import watchable
from webapp.results.curves import XAxis
from webapp.results.groups import ABSENT, ConfigDifference, Group, config_differences
from webapp.results.paired import Verdict
from webapp.results.selectors import PickerExperiment

CURVE_AXES = (XAxis.STEPS, XAxis.SECONDS)


def metric_families() -> tuple[MetricFamily, ...]:
    """Return every metric that a training of a policy for control logs, evaluations first."""
    own = [
        MetricFamily(algorithm.title, algorithm.metrics)
        for algorithm in CONTROL_ALGORITHMS.values()
        if algorithm.metrics
    ]
    return (
        MetricFamily("Evaluation on tuning seeds", CONTROL_EVAL_METRICS),
        MetricFamily("Training", CONTROL_TRAIN_METRICS),
        *own,
    )


def metric_names() -> list[str]:
    """Return the names that the metric selector knows."""
    return [metric.name for family in metric_families() for metric in family.metrics]


def outcome_names() -> list[str]:
    """Return the figures that differences can be of."""
    return [metric.name for metric in COMPARED]


@dataclass(frozen=True)
class Picking:
    """The list of runs to choose from."""

    chosen: frozenset[int]
    picker: Sequence[PickerExperiment]
    search: str

    @property
    def unlisted(self) -> str:
        """Chosen runs that the list does not show, so that choosing others keeps them."""
        listed = {run.pk for one in self.picker for label in one.labels for run in label.runs}
        return compact(sorted(self.chosen - listed))


def picking(run_ids: Sequence[int], search: str) -> Picking:
    """Return the list of runs to choose from; 2 queries."""
    return Picking(frozenset(run_ids), selectors.picker(search, run_ids), search)


@dataclass(frozen=True)
class ControlPage:
    """The compare page of experiments in control."""

    found: ControlComparison
    table: ControlTable
    picking: Picking

    @property
    def choice(self) -> ControlChoice:
        """What was chosen."""
        return self.found.choice

    @property
    def query(self) -> str:
        """The query string that restores the page."""
        return self.choice.query()

    @property
    def families(self) -> tuple[MetricFamily, ...]:
        """Metrics of learning curves: those that were logged."""
        known = logged(self.found)
        shown = [
            MetricFamily(one.title, tuple(m for m in one.metrics if m.name in known))
            for one in metric_families()
        ]
        return tuple(one for one in shown if one.metrics)

    @property
    def metric(self) -> str:
        """The one that is drawn."""
        return shown_metric(self.found)

    @property
    def axes(self) -> list[Option]:
        """What curves can be drawn against."""
        return [Option(str(axis), AXIS_WORDS[axis]) for axis in CURVE_AXES]

    @property
    def outcomes(self) -> tuple[Metric, ...]:
        """Figures that differences can be of."""
        return COMPARED

    @property
    def rows(self) -> list["ShownRow"]:
        """Rows of the table."""
        return [ShownRow(row, self.table) for row in self.table.rows]

    @property
    def level(self) -> str:
        """The level of the tails in words."""
        return f"{100 * self.choice.alpha:g}%"

    @property
    def tail_words(self) -> str:
        """How many episodes the tails have."""
        sizes = sorted(
            {tail_size(row.episodes, self.choice.tail) for row in self.table.rows if row.episodes}
        )
        return " or ".join(map(str, sizes))

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
        return found

    @property
    def has_curves(self) -> bool:
        """Whether something was trained."""
        return bool(self.found.trained)

    @property
    def has_noise(self) -> bool:
        """Whether evaluations differ in the noise on the policy's actions."""
        return has_noise(self.found)

    @property
    def has_datasets(self) -> bool:
        """Whether policies of several data sets are compared."""
        return len({one.dataset for one in self.found.evaluated if one.dataset}) > 1

    @cached_property
    def sensitivity(self) -> tuple[list[Option], str, str]:
        """What the sensitivity map can be over, and what it is over."""
        offered, across, down = sensitivity_axes(self.found)
        return [Option(axis, words_of(axis)) for axis in offered], across, down

    @property
    def has_sensitivity(self) -> bool:
        """Whether corrected policies differ in two settings."""
        return bool(self.sensitivity[1] and self.sensitivity[2])

    @property
    def watchable(self) -> list[Variant]:
        """What kept episodes can be drawn of."""
        return watchable(self.found)

    @property
    def watched(self) -> Variant | None:
        """What they are drawn of."""
        chosen = [one for one in self.watchable if one.key == self.choice.watched]
        return next(iter([*chosen, *self.watchable]), None)

    @property
    def draws_states(self) -> bool:
        """Whether kept episodes are drawn one at a time, as states over time."""
        first = self.watched.first if self.watched else None
        return first is not None and first.environment not in GROUNDS

    @property
    def kept_numbers(self) -> range:
        """Places of the episodes to choose from."""
        first = self.watched.runs[0] if self.watched else None
        kept = first.config.get("evaluate", {}).get("keep_trajectories", 0) if first else 0
        return range(int(kept))

    @property
    def trained(self) -> list[Group]:
        """Groups whose settings are compared."""
        return list(self.found.groups)

    @cached_property
    def settings(self) -> list[ConfigDifference]:
        """The settings in which the groups that have them differ."""
        return [
            one
            for one in config_differences(self.found.groups)
            if len(set(one.values) - {ABSENT}) > 1 and not one.path.startswith("recipe.")
        ]


@dataclass(frozen=True)
class ShownRow:
    """One row of the table, with words and looks."""

    row: ControlRow
    table: ControlTable

    @property
    def group(self) -> Group:
        """The group it is about."""
        return self.row.variant.group

    @property
    def verdict_class(self) -> str:
        """How the verdict looks: good, bad, or neither."""
        change = self.row.change
        if (
            change is None
            or change.verdict is Verdict.UNDECIDED
            or self.table.outcome.better is None
        ):
            return ""
        return "chip-good" if str(change.verdict) == self.table.outcome.better else "chip-bad"


def build_page(found: ControlComparison, *, search: str) -> ControlPage:
    """Return the page of a comparison; 2 queries for the list to choose from."""
    return ControlPage(found, control_table(found), picking(found.choice.runs, search))
