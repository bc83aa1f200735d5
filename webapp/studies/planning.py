"""From a study and a scale to experiments, runs and jobs; pure, no database."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from algorithms.base import UserError
from webapp.experiments.axes import AxisValue
from webapp.experiments.configs import AnyConfig
from webapp.experiments.control.config import ControlConfig
from webapp.experiments.plan import Plan
from webapp.experiments.planner import plan as plan_of
from webapp.experiments.portable.document import Document, JobEntry
from webapp.experiments.portable.nodes import SourceNodes, source_nodes
from webapp.experiments.portable.reading import config_with
from webapp.experiments.portable.references import UnknownNameError, references
from webapp.experiments.recipes import RECIPE_NAMES
from webapp.jobs.graph import Node, closure
from webapp.studies.cells import Cell, Named, cells_of
from webapp.studies.claim_schema import Side
from webapp.studies.fragments import experiment_config, pilot_config
from webapp.studies.schema import Profile, Study

PILOT = "pilot"
"""Key of the experiment that checks the setting."""


class StudyError(UserError):
    """A study's file does not make sense; the message says where."""


@dataclass(frozen=True)
class PlannedExperiment:
    """One experiment of a study at one scale."""

    key: str
    document: Document
    """As a file that travels: exactly the sources that it uses."""
    sources: SourceNodes
    config: AnyConfig
    """With sources by their places in the document."""
    plan: Plan
    replicate: str = ""
    """Of control: axis whose values are replicates."""

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """Every job, sources included, once, inputs before what needs them."""
        return tuple(closure([*self.sources.all, *self.plan.nodes]))

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """Compared groups in the order of the plan, the base policy first."""
        called = self.sources.fingerprints.names
        named = Named(self.sources.numbers.datasets, self.replicate, called)
        return cells_of(self.key, self.config, self.plan.runs, named)

    @cached_property
    def grid(self) -> Mapping[str, Sequence[AxisValue]]:
        """Values of its axes, as cells have them."""
        if not isinstance(self.config, ControlConfig):
            return self.config.grid
        return Named(self.sources.numbers.datasets).grid(self.config.grid)


@dataclass(frozen=True)
class StudyPlan:
    """A study at one scale."""

    experiments: Mapping[str, PlannedExperiment]
    """By key, the pilot included."""
    missing_recipes: tuple[str, ...] = ()
    """Recipes that this installation does not have: their experiments are not planned."""

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """Every job of every experiment, once."""
        return tuple(closure([node for one in self.experiments.values() for node in one.nodes]))

    def cell(self, side: Side, experiment: str) -> Cell:
        """Return the one group that a side of a claim means.

        Raises:
            StudyError: there is none, or several.
        """
        key = side.experiment or experiment
        if key not in self.experiments:
            raise StudyError(f"the experiment {key} is not part of this scale")
        axes = wanted_axes(side, self.experiments[key].grid)
        found = [
            cell
            for cell in self.experiments[key].cells
            if cell.group == side.group and matches(cell, axes)
        ]
        if len(found) != 1:
            wanted = ", ".join([side.group, *(f"{k} = {v}" for k, v in axes.items())])
            known = ", ".join(cell.label for cell in (found or self.experiments[key].cells))
            problem = "means several groups" if found else "is no group"
            raise StudyError(f"{wanted} {problem} of {key}: {known}")
        return found[0]

    def select(
        self, experiment: str, groups: Iterable[str], axes: Mapping[str, AxisValue]
    ) -> list[Cell]:
        """Return the groups that a panel draws; none where the scale leaves the experiment out."""
        planned = self.experiments.get(experiment)
        wanted = tuple(groups)
        return [
            cell
            for cell in (planned.cells if planned else ())
            if (not wanted or cell.group in wanted) and matches(cell, axes)
        ]


def wanted_axes(side: Side, grid: Mapping[str, Sequence[AxisValue]]) -> dict[str, AxisValue]:
    """Return the axis values of a side, places turned into values."""
    numbered = {
        path: grid[path][number]
        for path, number in side.places.items()
        if path in grid and -len(grid[path]) <= number < len(grid[path])
    }
    return {**side.axes, **numbered}


def matches(cell: Cell, axes: Mapping[str, AxisValue]) -> bool:
    """Whether a group lies at these axis values; axes that it does not have are passed over."""
    return all(cell.axes[path] == value for path, value in axes.items() if path in cell.axes)


def plan_profile(name: str, study: Study, scale: str) -> StudyPlan:
    """Return the experiments of a study at one scale.

    Raises:
        StudyError: a config, a source or a claim's side is wrong; it says which.
    """
    profile = study.profiles[scale]  # type: ignore[index]  # a name of PROFILES
    planned: dict[str, PlannedExperiment] = {}
    missing: set[str] = set()
    for key in study.experiments:
        if key in profile.without:
            continue
        config = experiment_config(study, profile, key)
        recipe = str(config.get("recipe", "offline"))
        if recipe not in RECIPE_NAMES:
            missing.add(recipe)
            continue
        planned[key] = _planned(name, study, profile, key=key, config=config)
    if profile.pilot is not None:
        experiment, config = pilot_config(study, profile, profile.pilot)
        if experiment in planned:
            own = profile.model_copy(
                update={
                    "datasets": {**profile.datasets, **profile.pilot.datasets},
                    "policies": {**profile.policies, **profile.pilot.policies},
                }
            )
            planned[PILOT] = _planned(name, study, own, key=PILOT, config=config)
    return StudyPlan(planned, tuple(sorted(missing)))


def _planned(
    name: str, study: Study, profile: Profile, *, key: str, config: Mapping[str, Any]
) -> PlannedExperiment:
    where = f"{name}, experiment {key}"
    try:
        document = Document(
            name=f"{study.title} · {key}"[:160],
            question=study.question,
            tags=("study", name[:40]),
            datasets=profile.datasets,
            policies=profile.policies,
            jobs=profile.jobs,
            config=config,
        )
        sources = source_nodes(document)
        if sources.errors:
            raise StudyError(f"{where}: {sources.errors[0]}")
        document = _with_used_sources(document, config_with(document, sources.numbers), sources)
        sources = source_nodes(document)
        found = config_with(document, sources.numbers)
    except UnknownNameError as error:
        raise StudyError(f"{where}: there is no {error.name!r} under {error.table}") from error
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(map(str, first["loc"]))
        raise StudyError(f"{where}: {path}: {first['msg']}") from error
    planned = plan_of(found, sources.fingerprints)
    replicate = study.replicates.get(key, "")
    return PlannedExperiment(key, document, sources, found, planned, replicate)


def _with_used_sources(document: Document, config: AnyConfig, sources: SourceNodes) -> Document:
    used_ids = references(config.model_dump(mode="json"))
    dataset_ids, policy_ids = used_ids["datasets"], used_ids["policies"]
    numbers = sources.numbers
    policies = {n: p for n, p in document.policies.items() if numbers.policies[n] in policy_ids}
    used = {p.warm_start.dataset for p in policies.values() if p.warm_start is not None}
    datasets = {
        n: d
        for n, d in document.datasets.items()
        if numbers.datasets[n] in dataset_ids or n in used
    }
    entries = [*datasets.values(), *policies.values()]
    wanted = [job for one in entries if (job := getattr(one, "job", None))]
    jobs = _with_inputs(document.jobs, wanted)
    update = {"datasets": datasets, "policies": policies, "jobs": jobs}
    return document.model_copy(update=update)


def _with_inputs(jobs: Mapping[str, JobEntry], wanted: list[str]) -> dict[str, JobEntry]:
    """Return the jobs that are wanted, with all that they need."""
    found: dict[str, JobEntry] = {}
    while wanted:
        name = wanted.pop().partition("@")[0]
        if name in jobs and name not in found:
            found[name] = jobs[name]
            wanted += jobs[name].inputs.values()
    return found
