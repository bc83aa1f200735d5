"""The control laboratory's New experiment page as typed: forms that become a ControlConfig."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.http import QueryDict

from algorithms.catalogue import CONTROL_ALGORITHMS, CORRECTIONS
from webapp.experiments import prefill
from webapp.experiments.axes import AxisValue
from webapp.experiments.axis_choices import Choices, axis_values, paths_of
from webapp.experiments.control.config import ControlConfig
from webapp.experiments.control.forms import ControlSourcesForm
from webapp.experiments.control.parts import (
    TITLES,
    CorrectionRow,
    correction_of,
    given_of,
    row_of,
    section_of,
    section_schema,
)
from webapp.experiments.control.prefill import CORRECTION, dataset_names
from webapp.experiments.draft_base import DraftBase, Loc, choice_of, cleaned
from webapp.experiments.draft_parts import RecipeForm, Row, place_in_row
from webapp.experiments.forms import SeedsForm
from webapp.experiments.recipes import load

_NO_AXES = frozenset({"score.params.variables"})


class ControlDraft(DraftBase):
    """What was typed so far; with `extends`, only what is added to that config."""

    family = "control"
    template = "experiments/control/_form.html"
    page = "experiments/control/new.html"

    def __init__(
        self, data: QueryDict, *, fresh: bool = False, extends: ControlConfig | None = None
    ) -> None:
        self.base = extends
        self.sources: SeedsForm = SeedsForm(data) if extends else ControlSourcesForm(data)
        self.recipe = load("control")
        self.recipe_form = RecipeForm(initial={"recipe": "control"})
        self.sections = {} if extends else {name: section_of(name, data) for name in TITLES}
        self.rows = [row for key in prefill.keys(data, prefill.ROW) if (row := row_of(data, key))]
        found = (correction_of(data, key) for key in prefill.keys(data, CORRECTION))
        self.corrections = [one for one in found if one]
        self._placed: dict[str, list[Row | CorrectionRow]] = {}
        super().__init__(data, fresh=fresh)

    @property
    def extended(self) -> ControlConfig | None:
        """The config that is added to."""
        return self.base

    def choices(self) -> Choices:
        """Return (group, [(dotted path, label)]) of every setting that may be an axis."""
        own = {
            path: f"{label} ({path.removeprefix('params.')})"
            for row in self.rows
            if row.algorithm
            for path, label in paths_of(CONTROL_ALGORITHMS[row.algorithm].params, "params")
        }
        correcting = {
            path: label
            for one in self.corrections
            if one.correction
            for path, label in paths_of(CORRECTIONS[one.correction].params, "correction")
        }
        groups: Choices = [("Corrections", list(correcting.items()))] if correcting else []
        if own:
            groups.append(("Hyperparameters of the algorithms", list(own.items())))
        for name, title in TITLES.items():
            paths = paths_of(section_schema(name), name)
            groups.append((title, [(path, text) for path, text in paths if path not in _NO_AXES]))
        groups.append(("What it starts from", [("dataset_id", "Data set")]))
        return groups

    def values(self, path: str, text: str) -> tuple[AxisValue, ...]:
        """Return the values of an axis as they were typed."""
        return axis_values(path, text, dataset_names)

    def raw(self) -> dict[str, Any]:
        """Return what was asked for, not validated."""
        valid = [row for row in self.rows if row.form.is_valid()]
        self._placed = {
            "algorithms": [row for row in valid if row.algorithm],
            "policies": [row for row in valid if not row.algorithm],
            "corrections": [one for one in self.corrections if one.form.is_valid()],
        }
        asked: dict[str, Any] = self.base.model_dump() if self.base else {"recipe": "control"}
        for name, section in self.sections.items():
            if section.form.is_valid():
                asked[name] = section.form.cleaned_schema().model_dump()
        asked.update(cleaned(self.sources))
        for name, rows in self._placed.items():
            asked[name] = [*asked.get(name, ()), *map(_raw_of, rows)]
        axes = self.typed_axes()
        return asked if self.base else asked | {"axes": axes}

    def place(self, loc: Loc, message: str) -> None:
        """Put an error of the config at its field."""
        match loc:
            case ("algorithms" | "policies" | "corrections" as name, int(number), *rest):
                self._place_in_list(name, number, rest, message)
            case ("axes", str(path), *_):
                self.place_in_axis(path, message)
            case ("algorithms" | "axes" | "corrections" as name, *_):
                self.errors[name].append(message)
            case (str(name), *rest):
                self.place_in_section(name, rest, message)

    def _place_in_list(self, name: str, number: int, rest: list[int | str], message: str) -> None:
        kept = len(getattr(self.base, name)) if self.base else 0
        rows = self._placed.get(name, [])
        if not kept <= number < kept + len(rows):
            self.errors["algorithms" if name == "policies" else name].append(message)
            return
        row = rows[number - kept]
        if isinstance(row, CorrectionRow):
            row.place(rest, message)
        else:
            place_in_row(row, rest, message)

    def forms(self) -> Iterator[tuple[str, forms.Form]]:
        """Yield every form that a plan needs, and what it is about."""
        yield "", self.sources
        for row in self.rows:
            yield self.data.get(f"row{row.key}-label", ""), row.form
            yield self.data.get(f"row{row.key}-label", ""), row.params
        for one in self.corrections:
            where = self.data.get(f"cor{one.key}-name", "") or "Correction"
            yield where, one.form
            yield where, one.params
        for axis in self.axes:
            yield "Axis", axis.form
        for section in self.sections.values():
            yield section.title, section.form


def _raw_of(row: Row | CorrectionRow) -> dict[str, Any]:
    if isinstance(row, CorrectionRow):
        return row.raw()
    return choice_of(row) if row.algorithm else given_of(row)
