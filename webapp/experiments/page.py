"""What the page of one experiment shows beside its detail: columns of the graph, failures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from algorithms.base import Metric
from algorithms.catalogue import CONTROL_ALGORITHMS
from algorithms.metrics import EVAL_METRICS, OUTCOME_METRICS
from algorithms.shared.control_metrics import CONTROL_EVAL_METRICS, CONTROL_TRAIN_METRICS
from algorithms.shared.online_metrics import ONLINE_GROUP
from algorithms.shared.train_metrics import TRAIN_GROUPS
from webapp.experiments.config_base import Family
from webapp.experiments.configs import family_of
from webapp.experiments.detail import ExperimentDetail, JobCard
from webapp.experiments.plan import Recipe
from webapp.experiments.recipes import RECIPE_NAMES, load
from webapp.jobs.failures import POLICIES
from webapp.jobs.states import ACTIVE, FailureClass, JobState
from webapp.schema_forms import differences

_OUTCOMES = {metric.name: metric for metric in OUTCOME_METRICS}
MANY = 24
"""Nodes of one column drawn singly; of more, those that need attention and a count."""


@dataclass(frozen=True)
class GraphNode:
    """A job of the drawn graph."""

    card: JobCard
    inputs: str
    """Ids of its inputs, for the script that draws the edges."""


@dataclass(frozen=True)
class Column:
    """The jobs at one distance from the start."""

    nodes: Sequence[GraphNode]
    hidden: int
    """Jobs of the column that are not drawn."""


@dataclass(frozen=True)
class Trouble:
    """A failed job, why, and what to do."""

    card: JobCard
    advice: str


@dataclass(frozen=True)
class ExperimentView:
    """A detail, arranged for its page."""

    detail: ExperimentDetail

    @property
    def key(self) -> str:
        """Its id, for addresses put together in the template."""
        return str(self.detail.experiment.pk)

    @property
    def family(self) -> Family:
        """Whether language models or policies for control are compared."""
        return family_of(self.detail.experiment.recipe)

    @property
    def first_metric(self) -> str:
        """Name of the metric that the curve begins with."""
        if self.family == "language":
            return "eval_sampled_accuracy"
        settings = self.detail.experiment.config.get("settings", {})
        return "eval_return_mean" if settings.get("evaluate_every") else "loss"

    @property
    def first_curve(self) -> str:
        """What the curve's address asks for at first: this experiment and its first metric."""
        return f"{self.key}&metric={self.first_metric}"

    @property
    def trains(self) -> bool:
        """Whether any run has a training, so that there are curves."""
        return any(card.train for card in self.detail.runs)

    @property
    def figures(self) -> tuple[Metric, ...]:
        """Final figures of a run of language models, those of its recipe."""
        name = self.detail.experiment.recipe
        names = load(name).figures if name in RECIPE_NAMES else Recipe.figures
        return tuple(_OUTCOMES[one] for one in names)

    @property
    def recipe(self) -> str:
        """Its recipe, with the settings that are not the recipe's defaults."""
        experiment = self.detail.experiment
        if experiment.recipe not in RECIPE_NAMES:
            return experiment.recipe
        recipe = load(experiment.recipe)
        changed = differences(recipe.settings, experiment.config.get("recipe_settings", {}))
        return ", ".join([recipe.title, *(f"{label.lower()} {text}" for label, text in changed)])

    @cached_property
    def columns(self) -> list[Column]:
        """The graph, by level."""
        inputs: dict[int, list[str]] = {}
        for source, target in self.detail.edges:
            inputs.setdefault(target, []).append(str(source))
        return [
            Column(
                nodes=[
                    GraphNode(card, " ".join(inputs.get(card.job.pk, []))) for card in shown(cards)
                ],
                hidden=len(cards) - len(shown(cards)),
            )
            for cards in self.detail.levels
        ]

    @cached_property
    def troubles(self) -> list[Trouble]:
        """The failed jobs."""
        failed = [card for card in self.detail.jobs if card.job.state == JobState.FAILED]
        return [
            Trouble(card, POLICIES[FailureClass(card.job.failure_class)].advice) for card in failed
        ]

    @property
    def is_active(self) -> bool:
        """Whether something still runs or waits to run."""
        return self.detail.state in ACTIVE

    @property
    def can_retry(self) -> bool:
        """Whether something failed or was cancelled."""
        counts = self.detail.counts
        return bool(counts.get(JobState.FAILED, 0) or counts.get(JobState.CANCELLED, 0))

    @property
    def eta_s(self) -> float | None:
        """Seconds until everything has run; None where unknown or nothing runs any more."""
        return self.detail.eta_s if self.is_active else None

    @property
    def counts(self) -> str:
        """How many jobs are in which state, in words."""
        known = [(state, self.detail.counts.get(state, 0)) for state in JobState]
        return ", ".join(f"{number} {state.value}" for state, number in known if number)

    @property
    def done(self) -> int:
        """Jobs that succeeded."""
        return self.detail.counts.get(JobState.SUCCEEDED, 0)


def shown(cards: Sequence[JobCard]) -> Sequence[JobCard]:
    """Return the jobs of a column that are drawn: all, or those that need attention first."""
    if len(cards) <= MANY:
        return cards
    order = {JobState.FAILED.value: 0, JobState.RUNNING.value: 1, JobState.QUEUED.value: 2}
    return sorted(cards, key=lambda card: order.get(card.job.state, len(order)))[:MANY]


def curve_metrics(view: ExperimentView) -> Mapping[str, Sequence[Metric]]:
    """Return the metrics that the page's curve can show under their headings, evaluations first."""
    if view.family == "control":
        names = {card.run.algorithm for card in view.detail.runs}
        own = {
            metric.name: metric
            for name in sorted(names & set(CONTROL_ALGORITHMS))
            for metric in CONTROL_ALGORITHMS[name].metrics
        }
        return {
            "Evaluation on tuning episodes": CONTROL_EVAL_METRICS,
            "Training": CONTROL_TRAIN_METRICS,
            **({"Of the algorithms": tuple(own.values())} if own else {}),
        }
    return {"Evaluation on held-out problems": EVAL_METRICS, **TRAIN_GROUPS, **ONLINE_GROUP}
