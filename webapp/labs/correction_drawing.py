"""The correction page as pictures, and as lines of its exports."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from algorithms.environments.grounds import GROUNDS
from webapp.labs.correction_page import CorrectionPage
from webapp.results.figures import correction_path, data_states, palette

DOTS = 1500
"""States of the data that are drawn."""
NOTHING = {"empty": "Choose networks, a policy and a state: the correction is drawn here."}


def path_figure(page: CorrectionPage) -> go.Figure:
    """Return the way of the action, over what the data did near that state."""
    found = page.walked
    if found is None:
        return palette.figure([], meta=NOTHING)
    size = found.path.shape[1]
    axes = page.axes("ax", "ay") if size > 1 else (0, 0)
    chosen = list(axes) if size > 1 and axes[0] != axes[1] else [axes[0]]
    field = None
    if len(chosen) > 1 and found.walk.steps:
        field = found.arrows(axes, found.walk.steps[0].level)
    labels = (f"a{axes[0]}", f"a{axes[1]}")
    picture = correction_path.PathPicture(
        found.path[:, chosen], found.near_actions[:, chosen], labels, field
    )
    return correction_path.draw(picture)


def states_figure(page: CorrectionPage) -> go.Figure:
    """Return states of the data, to choose one from."""
    network = page.network
    if network is None or not page.form.is_valid():
        return palette.figure([], meta=NOTHING)
    axes = page.axes("sx", "sy")
    kept = np.flatnonzero(network.stored.scaling.kept)
    columns = [int(kept[axis]) for axis in axes]
    step = max(1, len(network.rows) // DOTS)
    states = network.view.data.observations[::step][:, columns].astype(np.float64)
    here = None
    if page.observation is not None:
        here = (float(page.observation[columns[0]]), float(page.observation[columns[1]]))
    ground = GROUNDS.get(page.environment)
    danger = ground.danger if ground and tuple(columns) == ground.place else None
    picture = data_states.StatesPicture(
        states, network.view.numbers[::step].tolist(), here,
        (page.names[axes[0]], page.names[axes[1]]), danger,
    )  # fmt: skip
    return data_states.draw(picture)


def walk_lines(page: CorrectionPage) -> Iterator[Sequence[object]]:
    """Yield the head, then a line per correction; the policy's action is number 0."""
    found = page.walked
    if found is None:
        return
    size = range(len(found.walk.start))
    yield (
        "correction", "sigma", *(f"action_part_a{at}" for at in size),
        *(f"state_part_a{at}" for at in size), *(f"a{at}" for at in size), "shift",
        "shift_from_policy", "ood_before", "ood_after",
    )  # fmt: skip
    nothing = [""] * len(size)
    start = found.walk.start.tolist()
    yield (0, "", *nothing, *nothing, *start, 0.0, 0.0, "", _text(found.walk.ood))
    for line in found.lines:
        step = line.step
        yield (
            line.number, step.level, *step.action_part.tolist(), *step.state_part.tolist(),
            *step.action.tolist(), line.shift, line.total, _text(line.before), _text(step.ood),
        )  # fmt: skip


def _text(value: float | None) -> object:
    return "" if value is None else value


def walk_json(page: CorrectionPage) -> dict[str, Any]:
    """Return the correction of one action, whole."""
    found = page.walked
    if found is None:
        return {"problems": page.problems.by_target, "errors": page.form.errors.get_json_data()}
    return {
        "method": "CDSA, reference design",
        "environment": page.environment,
        "jobs": {role: job.pk for role, job in page.chosen.items()},
        "settings": found.asked.spec.correction_params,
        "observation": found.asked.observation.tolist(),
        "policy_action": found.walk.start.tolist(),
        "ood_level": found.asked.spec.ood_level,
        "ood_before": found.walk.ood,
        "corrections": [
            {
                "sigma": line.step.level,
                "action_part": line.step.action_part.tolist(),
                "state_part": line.step.state_part.tolist(),
                "action": line.step.action.tolist(),
                "shift": line.shift,
                "ood_after": line.step.ood,
            }
            for line in found.lines
        ],
        "action": found.walk.action.tolist(),
    }
