"""The score-field page as pictures, and as lines of its exports."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from webapp.labs.score_look import Look, Opened
from webapp.labs.score_page import BACKGROUNDS, ScorePage
from webapp.results.figures import level_losses, score_field
from webapp.results.figures.level_losses import LossLine

DOTS = 1500
"""Rows of the data that are drawn."""


def field_figure(page: ScorePage) -> go.Figure:
    """Return the field in the plane; an empty plot where nothing can be shown."""
    if page.look is None or page.opened is None:
        return level_losses.draw([], [], None)
    look, one = page.look, page.opened
    x, y = look.plane.axes
    rows = one.rows[:: max(1, len(one.rows) // DOTS)].astype(np.float64)
    data = np.stack([look.shown(rows[:, x], 0), look.shown(rows[:, y], 1)], axis=1)
    held = look.plane.held
    here = (
        float(look.shown(held[[x]], 0)[0]),
        float(look.shown(held[[y]], 1)[0]),
    )
    picture = score_field.FieldPicture(
        look.shown(look.plane.xs, 0), look.shown(look.plane.ys, 1), look.arrows, data, here,
        labels=axis_labels(look), background=look.background(page.background),
        background_label=BACKGROUNDS[page.background],
    )  # fmt: skip
    return score_field.draw(picture)


def axis_labels(look: Look) -> tuple[str, str]:
    """Return the names of the two axes with their units."""
    unit = "" if look.raw else ", normalised"
    x, y = (look.coordinates.names[axis] for axis in look.plane.axes)
    return f"{x}{unit}", f"{y}{unit}"


def loss_figure(page: ScorePage) -> go.Figure:
    """Return the denoising losses by level."""
    if page.opened is None:
        return level_losses.draw([], [], None)
    found = page.opened.by_level
    where = "held-out episodes" if page.opened.held_out else "training data"
    lines = [
        LossLine(where, [one.stored for one in found], "blue", "solid", "circle"),
        LossLine("sample of all data", [one.sample for one in found], "orange", "dash", "square"),
        LossLine("floor of a Gaussian", [one.floor for one in found], "ink", "dot", "line-ew"),
    ]
    return level_losses.draw(page.opened.levels, lines, page.sigma)


def field_lines(page: ScorePage) -> Iterator[Sequence[object]]:
    """Yield the head, then a line per point of the plane, in the shown units."""
    look = page.look
    if look is None:
        return
    x, y = (look.coordinates.names[axis] for axis in look.plane.axes)
    yield (
        x, y, f"score_{x}", f"score_{y}", "score_norm_normalised", "log_density_along_lines",
        "sigma", "units",
    )  # fmt: skip
    norms = np.linalg.norm(look.field, axis=-1)
    xs, ys = look.shown(look.plane.xs, 0), look.shown(look.plane.ys, 1)
    units = "raw" if look.raw else "normalised"
    for row, up in enumerate(ys):
        for column, across in enumerate(xs):
            yield (
                float(across), float(up), *(float(part) for part in look.arrows[row, column]),
                float(norms[row, column]), float(look.density.values[row, column]), look.level,
                units,
            )  # fmt: skip


def field_json(page: ScorePage) -> dict[str, Any]:
    """Return the plane with its score, and the losses by level."""
    look, one = page.look, page.opened
    if look is None or one is None or page.job is None:
        return {"problems": page.problems.by_target}
    x, y = (look.coordinates.names[axis] for axis in look.plane.axes)
    return {
        "method": "CDSA, reference design",
        "score_job": page.job.pk,
        "sigma": look.level,
        "units": "raw" if look.raw else "normalised",
        "axes": [x, y],
        "held": _held(look, one),
        "x": look.shown(look.plane.xs, 0).tolist(),
        "y": look.shown(look.plane.ys, 1).tolist(),
        "score": look.arrows.tolist(),
        "log_density_along_lines": look.density.values.tolist(),
        "path_dependence_max": look.density.gap_max,
        "losses": [vars(each) for each in one.by_level],
        "losses_held_out": one.held_out,
    }


def _held(look: Look, one: Opened) -> dict[str, float]:
    """Return what every coordinate is held at, in the environment's units."""
    raw = one.coordinates.offset + one.coordinates.factor * look.plane.held
    return dict(zip(look.coordinates.names, raw.tolist(), strict=True))
