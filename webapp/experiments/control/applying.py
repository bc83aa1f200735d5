"""Compared groups of an experiment of the control laboratory: policy, correction, axis values."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from algorithms.catalogue import CONTROL_ALGORITHMS, CORRECTIONS
from webapp.experiments import axes as axis_rules
from webapp.experiments.axes import AxisValue
from webapp.experiments.choices import ControlChoice
from webapp.experiments.control.choices import CorrectionChoice, GivenPolicy

if TYPE_CHECKING:
    from webapp.experiments.control.config import ControlConfig

SECTIONS = ("settings", "score", "inverse_dynamics", "evaluate")
"""Parts of the config whose fields may be axes, besides `params`, `correction` and the data set."""
SOURCES = ("dataset_id",)
_OF_NETWORKS = ("score", "inverse_dynamics")
_OF_INDICATOR = "evaluate.ood_level"


@dataclass(frozen=True)
class Group:
    """One compared group: all of it but the seed."""

    policy: ControlChoice | GivenPolicy
    """Learned, or given."""
    place: tuple[str, int]
    """Where the config names the policy: (`algorithms`, 0)."""
    correction: CorrectionChoice
    values: Mapping[str, AxisValue]
    """Those of the axes that make a difference to it."""
    label: str
    """Name in legends and tables: `TD3+BC + CDSA, noise_level = 0.2`."""
    policy_label: str
    """The same of what is learned alone, whatever corrects it: for titles."""

    @property
    def algorithm(self) -> str:
        """File name of the algorithm; empty for a given policy."""
        return self.policy.algorithm if isinstance(self.policy, ControlChoice) else ""


def groups(
    config: "ControlConfig", sources: axis_rules.SourceNames | None = None
) -> Iterator[Group]:
    """Yield every compared group, policies in the order of the config.

    Args:
        sources: what labels call data sets; left out, they are told by id.
    """
    names = axis_rules.short_names(list(config.axes))
    chosen: list[tuple[str, int, ControlChoice | GivenPolicy]] = [
        *(("algorithms", number, one) for number, one in enumerate(config.algorithms)),
        *(("policies", number, one) for number, one in enumerate(config.policies)),
    ]
    for where, number, policy in chosen:
        for correction in config.corrections:
            title = f"{policy.label} + {correction.name}" if correction.correction else policy.label
            paths = [path for path in config.axes if applies(path, policy, correction)]
            for values in axis_rules.combinations(config.axes, paths):
                learned = {path: v for path, v in values.items() if _changes_training(path)}
                yield Group(
                    policy=policy,
                    place=(where, number),
                    correction=correction,
                    values=values,
                    label=axis_rules.label(title, values, names, sources),
                    policy_label=axis_rules.label(policy.label, learned, names, sources),
                )


def applies(path: str, policy: ControlChoice | GivenPolicy, correction: CorrectionChoice) -> bool:
    """Whether the values of an axis make different runs of a policy acting in one way."""
    section, _, rest = path.partition(".")
    field = rest.partition(".")[0]
    trains, corrects = isinstance(policy, ControlChoice), bool(correction.correction)
    match section:
        case "params":
            return (
                isinstance(policy, ControlChoice)
                and field in CONTROL_ALGORITHMS[policy.algorithm].params.model_fields
            )
        case "correction":
            return corrects and field in CORRECTIONS[correction.correction].params.model_fields
        case "settings":
            return trains
        case "evaluate":
            return corrects or path != _OF_INDICATOR
        case "dataset_id":
            return trains or corrects
    assert section in _OF_NETWORKS  # the config has refused other axes
    return corrects


def _changes_training(path: str) -> bool:
    return path.partition(".")[0] in ("dataset_id", "settings", "params")


def runs_of(config: "ControlConfig") -> int:
    """Return how many runs the config makes, without listing more than their groups' axes."""
    total = 0
    chosen: tuple[ControlChoice | GivenPolicy, ...] = (*config.algorithms, *config.policies)
    for policy in chosen:
        seeds = len(config.seeds) if isinstance(policy, ControlChoice) else 1
        for correction in config.corrections:
            cells = 1
            for path, values in config.axes.items():
                if applies(path, policy, correction):
                    cells *= len(values)
            total += cells * seeds
    return total
