"""Compared groups of one experiment of a study: its runs by seed; pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from webapp.experiments import axes as axis_rules
from webapp.experiments.axes import AxisValue
from webapp.experiments.config import ExperimentConfig
from webapp.experiments.configs import AnyConfig
from webapp.experiments.control.config import ControlConfig
from webapp.experiments.plan import RunPlan
from webapp.experiments.portable.references import table_of, written_key
from webapp.studies.claim_schema import BASE

CORRECTION = "correction"
"""Axis of the ways of acting of an experiment of control."""
_SEED = re.compile(r"^(?P<name>.+), seed (?P<seed>\d+)$")


@dataclass(frozen=True)
class Cell:
    """One compared group of one experiment, its runs by seed."""

    experiment: str
    label: str
    group: str
    """Label of its algorithm, `base`, or of control the given policy's."""
    algorithm: str
    axes: Mapping[str, AxisValue]
    runs: Mapping[int, RunPlan]
    look: str = ""
    """What colours it: its algorithm; of control also the name of a given policy."""
    corrects: bool = False
    """Whether its actions are corrected."""

    @property
    def is_fixed(self) -> bool:
        """Whether it is one policy that no seed changes."""
        return not self.algorithm and len(self.runs) == 1


@dataclass(frozen=True)
class Named:
    """How axes are called: of experiments of control data sets by name, `dataset`, not by id."""

    datasets: Mapping[str, int]
    replicate: str = ""
    """Axis whose values are replicates, as seeds are."""
    sources: axis_rules.SourceNames = field(default_factory=dict)
    """What labels of runs call sources."""

    def axes(self, values: Mapping[str, AxisValue]) -> dict[str, AxisValue]:
        """Return axis values as files name them."""
        return {written_key(path): self._value(path, value) for path, value in values.items()}

    def grid(self, axes: Mapping[str, Sequence[AxisValue]]) -> dict[str, Sequence[AxisValue]]:
        """Return all values of axes as files name them."""
        return {
            written_key(path): [self._value(path, one) for one in values]
            for path, values in axes.items()
        }

    def _value(self, path: str, value: AxisValue) -> AxisValue:
        if table_of(path) != "datasets":
            return value
        return next(name for name, number in self.datasets.items() if number == value)


def cells_of(
    experiment: str, config: AnyConfig, runs: Sequence[RunPlan], named: Named
) -> tuple[Cell, ...]:
    """Return compared groups in the order of the plan, the base policy first."""
    if isinstance(config, ControlConfig):
        return _of_control(experiment, config, runs, named)
    known = _groups(config, named.sources)
    found: dict[str, list[RunPlan]] = {}
    for run in runs:
        found.setdefault(run.label, []).append(run)
    return tuple(
        Cell(
            experiment,
            label,
            BASE if not own[0].algorithm else known[label],
            own[0].algorithm,
            own[0].axes,
            {run.seed: run for run in own},
            look=own[0].algorithm,
        )
        for label, own in found.items()
    )


def _groups(config: ExperimentConfig, sources: axis_rules.SourceNames) -> dict[str, str]:
    """Return the algorithm's label by the label of each compared group."""
    names = axis_rules.short_names(list(config.grid))
    return {
        axis_rules.label(choice.label, values, names, sources): choice.label
        for choice in config.algorithms
        for values in axis_rules.cells(config.grid, choice.algorithm)
    }


def _of_control(
    experiment: str, config: ControlConfig, runs: Sequence[RunPlan], named: Named
) -> tuple[Cell, ...]:
    """Return policies, corrected and not; given ones called "X, seed 3" are seeds of X."""
    grid = named.grid(config.grid)
    names = axis_rules.short_names(list(grid))
    replicate, places = named.replicate, list(grid.get(named.replicate, ()))
    corrections = {one.name: bool(one.correction) for one in config.corrections}
    found: dict[str, Cell] = {}
    for run in runs:
        group, seed = _policy(run)
        axes = named.axes(run.axes)
        if replicate in axes:
            seed += 1000 * places.index(axes[replicate])
        correction = str(run.recipe[CORRECTION])
        own = {path: value for path, value in axes.items() if path != replicate}
        title = f"{group} + {correction}" if corrections[correction] else group
        label = axis_rules.label(title, own, names)
        before = found[label].runs if label in found else {}
        found[label] = Cell(
            experiment,
            label,
            group,
            run.algorithm,
            {CORRECTION: correction, **own},
            {**before, seed: run},
            look=run.algorithm or group,
            corrects=corrections[correction],
        )
    return tuple(found.values())


def _policy(run: RunPlan) -> tuple[str, int]:
    name = str(run.recipe["policy"])
    numbered = None if run.algorithm else _SEED.match(name)
    return (name, run.seed) if numbered is None else (numbered["name"], int(numbered["seed"]))
