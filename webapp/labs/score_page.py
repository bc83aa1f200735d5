"""The score-field page: a network, its data, a plane through them, and what follows."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from django import forms
from django.http import QueryDict

from algorithms.base import UserError
from algorithms.labs.score_lab import Floats, Plane, field_in, grid_size
from webapp.jobs.models import Job
from webapp.labs import sources
from webapp.labs.cells import Problems, number
from webapp.labs.score_look import Look, Opened, opened

GRID = 41
"""Points a side of the background; arrows stand on every second one."""
PADDING = 0.15
"""How far a plane reaches beyond nearly all data, in their spread."""
ROUGH = 0.25
"""Difference between two ways of integrating, of the map's span, above which it means little."""
BACKGROUNDS = {
    "length": "length of the score in the plane",
    "density": "log density along lines",
    "indicator": "σ‖score‖, the indicator of what is outside the data",
    "none": "nothing",
}
UNITS = {"raw": "the environment's", "normalised": "the network's (normalised)"}
PLACE = "errors-score"
"""Id of the place for what is wrong with the network or its data."""


class RangeInput(forms.NumberInput):
    """A slider."""

    input_type = "range"


class PlaneForm(forms.Form):
    """Network, plane, noise level, and how it is drawn."""

    score = forms.ChoiceField(label="Score network")
    x = forms.ChoiceField(label="Across")
    y = forms.ChoiceField(label="Up")
    held = forms.ChoiceField(
        label="The others are held at",
        choices=[("median", "the data's medians"), ("row", "a row of the data")],
    )
    row = forms.IntegerField(label="Row", min_value=0, required=False)
    units = forms.ChoiceField(label="Units", choices=list(UNITS.items()))
    background = forms.ChoiceField(label="Background", choices=list(BACKGROUNDS.items()))
    level = forms.IntegerField(label="Noise level σ", min_value=0, widget=RangeInput)


@dataclass
class ScorePage:
    """Everything chosen on the page, and what follows from it."""

    data: QueryDict
    jobs: Sequence[Job]
    form: PlaneForm
    problems: Problems = field(default_factory=Problems)
    job: Job | None = None
    opened: Opened | None = None
    look: Look | None = None
    background: str = "length"

    @property
    def query(self) -> str:
        """The address that restores the page."""
        return self.data.urlencode()

    @property
    def sigma(self) -> float | None:
        """The noise level, in normalised units."""
        return self.look.level if self.look else None

    @property
    def smallest(self) -> float | None:
        """The smallest noise level."""
        return self.opened.levels[-1] if self.opened else None

    @property
    def density_is_rough(self) -> bool:
        """Whether the two ways of integrating differ by so much that neither says anything."""
        return self.look is not None and self.look.density.gap_max > ROUGH * self.look.density.span

    @property
    def typed(self) -> list[tuple[str, str, str]]:
        """Name, id and text of the inputs for values that are held."""
        names = self.opened.coordinates.names if self.opened else ()
        return [(name, f"v{at}", self.data.get(f"v{at}", "")) for at, name in enumerate(names)]


def open_score_page(asked: QueryDict) -> ScorePage:
    """Return the page of an address: what is chosen there, or the newest network."""
    jobs = sources.finished("train_score")
    data = asked.copy()
    job = sources.chosen(jobs, asked.get("score"))
    page = ScorePage(data, jobs, PlaneForm(data))
    page.form.fields["score"].choices = [(one.pk, sources.label_of(one)) for one in jobs]  # type: ignore[attr-defined]  # a ChoiceField
    if job is None:
        return page
    page.job, data["score"] = job, str(job.pk)
    try:
        page.opened = opened(job)
    except UserError as error:
        page.problems.add(PLACE, str(error))
        return page
    _fill(page, page.opened)
    page.look = _look(page, page.opened)
    return page


def _fill(page: ScorePage, one: Opened) -> None:
    """Give the form its choices, and the address what it does not say."""
    axes = [(str(place), name) for place, name in enumerate(one.coordinates.names)]
    for name in ("x", "y"):
        page.form.fields[name].choices = axes  # type: ignore[attr-defined]  # a ChoiceField
    page.form.fields["level"].widget.attrs["max"] = len(one.levels) - 1
    nearest = int(np.abs(np.log(one.levels) - np.log(0.2)).argmin())
    defaults = {
        "x": "0", "y": str(min(1, len(axes) - 1)), "held": "median", "row": "0", "units": "raw",
        "background": "length", "level": str(nearest),
    }  # fmt: skip
    for name, value in defaults.items():
        if name not in page.data:
            page.data[name] = value


def _look(page: ScorePage, one: Opened) -> Look | None:
    """Return what is asked for; None where something is wrong, told at its place."""
    if not page.form.is_valid():
        return None
    asked = page.form.cleaned_data
    axes = int(asked["x"]), int(asked["y"])
    if axes[0] == axes[1]:
        page.form.add_error("y", "Choose another dimension than across.")
    if asked["level"] >= len(one.levels):
        page.form.add_error("level", f"The network has {len(one.levels)} noise levels.")
    held = _held(page, one, asked)
    if held is None or not page.form.is_valid() or page.problems:
        return None
    side = grid_size(one.stored.model, GRID)
    xs, ys = (_reach(one, axis, side) for axis in axes)
    plane = Plane(axes, held, xs, ys)
    level = one.levels[asked["level"]]
    page.background = asked["background"]
    found = field_in(one.stored.model, plane, level)
    return Look(plane, one.coordinates, level, found, raw=asked["units"] == "raw")


def _held(page: ScorePage, one: Opened, asked: dict[str, object]) -> Floats | None:
    """Return the point that the plane goes through, normalised."""
    held = np.median(one.rows, axis=0).astype(np.float64)
    if asked["held"] == "row":
        wanted = asked["row"]
        if not isinstance(wanted, int) or wanted >= one.view.total:
            page.form.add_error("row", f"The data set has rows 0 to {one.view.total - 1:,}.")
            return None
        held = one.rows[one.view.nearest(wanted)].astype(np.float64)
    for place, (_, target, text) in enumerate(page.typed):
        if text.strip():
            try:
                value = number(text)
            except ValueError as error:
                page.problems.add(target, str(error))
                continue
            held[place] = (value - one.coordinates.offset[place]) / one.coordinates.factor[place]
    return held


def _reach(one: Opened, axis: int, side: int) -> Floats:
    """Return places along an axis: an action's bounds, or nearly all data and some beyond."""
    low, high = -1.0, 1.0
    if axis < one.coordinates.states:
        low, high = (float(edge) for edge in np.quantile(one.rows[:, axis], [0.005, 0.995]))
    pad = PADDING * (high - low) or 1.0
    return np.linspace(low - pad, high + pad, side)
