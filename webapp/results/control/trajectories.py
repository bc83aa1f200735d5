"""Kept episodes of a policy and of itself, corrected, as a figure."""

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from algorithms.environments.grounds import GROUNDS, Ground, observation_names
from algorithms.evaluation.control import Trajectory
from webapp.results.control.comparison import ControlComparison, Variant
from webapp.results.control.episodes import trajectories_of
from webapp.results.figures import episode_paths, episode_states
from webapp.results.figures.episode_paths import EpisodePath, PathGroup
from webapp.results.figures.episode_states import StateCurve
from webapp.results.figures.palette import figure
from webapp.results.outcomes import OutcomesMissing
from webapp.results.rows import RunRow

MOST_PATHS = 12
"""Episodes of one policy that are drawn."""


@dataclass(frozen=True)
class Watched:
    """Kept episodes of one policy."""

    variant: Variant
    run: RunRow
    environment: str
    kept: tuple[Trajectory, ...]


def watchable(found: ControlComparison) -> list[Variant]:
    """Return the variants whose episodes can be drawn, corrected ones first."""
    return sorted(found.evaluated, key=lambda one: not one.correction)


def watched(found: ControlComparison) -> list[Watched]:
    """Return the kept episodes of the chosen variant, after those of itself uncorrected."""
    offered = watchable(found)
    if not offered:
        return []
    chosen = next((one for one in offered if one.key == found.choice.watched), offered[0])
    run = chosen.runs[0]
    shown = [_watched(chosen, run)]
    before = found.uncorrected(chosen)
    if before is not None and before.episodes:
        key = chosen.seed_key(run)
        same = next((one for one in before.runs if before.seed_key(one) == key), before.runs[0])
        shown.insert(0, _watched(before, same))
    return [one for one in shown if one.kept]


def _watched(variant: Variant, run: RunRow) -> Watched:
    artifact = run.evaluate.artifact if run.evaluate else None
    kept = trajectories_of(artifact) if artifact else ()
    return Watched(variant, run, variant.episodes[run.id].environment, kept[:MOST_PATHS])


def trajectories_figure(found: ControlComparison) -> go.Figure:
    """Return paths from above where observations are places, else states over time."""
    try:
        shown = watched(found)
    except OutcomesMissing as error:
        return figure([], meta={"empty": str(error)})
    if not shown:
        return figure([])
    ground = GROUNDS.get(shown[-1].environment)
    if ground is not None:
        return paths_figure(shown, ground)
    return states_figure(shown, found.choice.episode)


def paths_figure(shown: list[Watched], ground: Ground) -> go.Figure:
    """Return the paths of all kept episodes."""
    groups = [
        PathGroup(
            name=_name(one),
            algorithm=one.variant.group.algorithm,
            variant=one.variant.group.variant,
            is_corrected=bool(one.variant.correction),
            paths=tuple(
                EpisodePath(
                    number=number,
                    places=each.observations[:, list(ground.place)].astype(np.float64),
                    total=float(each.rewards.sum()),
                    danger_steps=int(each.danger.sum()),
                )
                for number, each in enumerate(one.kept, start=1)
            ),
        )
        for one in shown
    ]
    return episode_paths.draw(groups, ground, goal_of(ground, shown[-1].kept[0]))


def states_figure(shown: list[Watched], episode: int) -> go.Figure:
    """Return the observations of one kept episode."""
    curves = [
        StateCurve(
            name=_name(one),
            algorithm=one.variant.group.algorithm,
            variant=one.variant.group.variant,
            is_corrected=bool(one.variant.correction),
            observations=one.kept[episode].observations.astype(np.float64),
            total=float(one.kept[episode].rewards.sum()),
        )
        for one in shown
        if episode < len(one.kept)
    ]
    size = shown[-1].kept[0].observations.shape[1]
    return episode_states.draw(curves, observation_names(shown[-1].environment, size))


def _name(one: Watched) -> str:
    return (
        one.variant.name
        if one.variant.group.is_base
        else f"{one.variant.name}, seed {one.run.seed}"
    )


def goal_of(ground: Ground, trajectory: Trajectory) -> tuple[float, float] | None:
    """Return where the goal of an episode is; None where nothing tells."""
    if ground.goal is not None:
        return ground.goal
    if ground.goal_dimensions is None:
        return None
    x, y = (float(trajectory.observations[0, one]) for one in ground.goal_dimensions)
    return x, y
