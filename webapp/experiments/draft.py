"""The New experiment page as it was typed: forms that become one ExperimentConfig, or errors."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.http import QueryDict

from webapp.experiments import prefill
from webapp.experiments.axes import AxisValue
from webapp.experiments.axis_choices import SECTION_TITLES, Choices, axis_choices, axis_values
from webapp.experiments.config import ExperimentConfig
from webapp.experiments.configs import family_of
from webapp.experiments.draft_base import DraftBase, Loc, choice_of, cleaned
from webapp.experiments.draft_parts import (
    RECIPE_SETTINGS,
    CurationRow,
    Problem,
    Row,
    add_once,
    curation_of,
    place_in_row,
    recipe_of,
    row_of,
    section_of,
)
from webapp.experiments.forms import SeedsForm
from webapp.experiments.source_forms import SourcesForm


class Draft(DraftBase):
    """What was typed so far; with `extends`, only what is added to that config."""

    family = "language"
    template = "experiments/_new_form.html"
    page = "experiments/new.html"

    def __init__(
        self, data: QueryDict, *, fresh: bool = False, extends: ExperimentConfig | None = None
    ) -> None:
        self.base = extends
        self.sources: SeedsForm = SeedsForm(data) if extends else SourcesForm(data)
        names = () if extends else SECTION_TITLES
        self.recipe = None if extends else recipe_of(data)
        own = {RECIPE_SETTINGS: self.recipe.settings} if self.recipe else {}
        self.shared = {name: section_of(name, data) for name in names}
        """Settings that every recipe has, by their part of the config."""
        self.sections = own | self.shared
        self.rows = [row for key in prefill.keys(data, prefill.ROW) if (row := row_of(data, key))]
        self.curations = [curation_of(data, key) for key in prefill.keys(data, prefill.CURATION)]
        self._valid_rows: list[Row] = []
        self._valid_curations: list[CurationRow] = []
        super().__init__(data, fresh=fresh)

    @property
    def extended(self) -> ExperimentConfig | None:
        """The config that is added to."""
        return self.base

    def choices(self) -> Choices:
        """Return what may be an axis."""
        names = (row.algorithm for row in self.rows)
        return axis_choices(names, recipe=self.recipe.name if self.recipe else "")

    def values(self, path: str, text: str) -> tuple[AxisValue, ...]:
        """Return the values of an axis as they were typed."""
        return axis_values(path, text)

    @property
    def reads_reference(self) -> bool:
        """Whether an algorithm, as it is set or as an axis may set it, reads a reference."""
        by_axis = any(str(axis.form["path"].value()).startswith("params.") for axis in self.axes)
        return any(row.may_read_reference(by_axis=by_axis) for row in self.rows)

    def raw(self) -> dict[str, Any]:
        """Return what was asked for, not validated."""
        self._valid_rows = [row for row in self.rows if row.form.is_valid()]
        curations = [(one, raw) for one in self.curations if (raw := one.raw()) is not None]
        self._valid_curations = [one for one, _ in curations]
        found = self.base.model_dump() if self.base else {}
        given = list(found.get("algorithms", ())) + [choice_of(row) for row in self._valid_rows]
        found |= {
            name: s.form.cleaned_schema() for name, s in self.shared.items() if s.form.is_valid()
        }
        found |= {**self._recipe(), **cleaned(self.sources), "algorithms": given}
        axes = self.typed_axes()
        if self.base is None:
            found |= {"axes": axes, "curations": [values for _, values in curations]}
        return found

    def _recipe(self) -> dict[str, Any]:
        if self.recipe is None:
            return {}
        form = self.recipe.settings.form
        settings = form.cleaned_schema().model_dump() if form.is_valid() else {}
        asked = self.data.get("recipe", "")
        name = asked if family_of(asked) == self.family else self.recipe.name
        return {"recipe": name, RECIPE_SETTINGS: settings}

    def place(self, loc: Loc, message: str) -> None:
        """Put an error of the config at its field."""
        kept = len(self.base.algorithms) if self.base else 0
        match loc:
            case ("curations", int(number), *rest) if self._valid_curations:
                self._valid_curations[number].place(rest, message)
            case ("algorithms", int(number), *rest) if number >= kept and self._valid_rows:
                place_in_row(self._valid_rows[number - kept], rest, message)
            case ("axes", str(path), *_):
                self.place_in_axis(path, message)
            case ("algorithms" | "axes" | "curations" as name, *_):
                self.errors[name].append(message)
            case ("recipe", *_) if self.recipe:
                add_once(self.recipe.form, "recipe", message)
            case (str(name), *rest):
                self.place_in_section(name, rest, message)

    def problems(self, *, launch: bool) -> Iterator[Problem]:
        """Yield everything that is wrong; `launch` also asks for what the plan does not need."""
        for one in self.curations:
            target = f"errors-{one.steps.prefix}"
            yield from (Problem(target, "Curation", message) for message in one.steps.errors)
        yield from super().problems(launch=launch)

    def forms(self) -> Iterator[tuple[str, forms.Form]]:
        """Yield every form that a plan needs, and what it is about."""
        yield "", self.sources
        if self.recipe:
            yield "", self.recipe.form
        for row in self.rows:
            yield self.data.get(f"row{row.key}-label", ""), row.form
            yield self.data.get(f"row{row.key}-label", ""), row.params
        for one in self.curations:
            where = self.data.get(f"cur{one.key}-name", "Curation")
            yield where, one.form
            for step in one.steps.rows:
                yield f"{where}, {step.title.lower()}", step.form
        for axis in self.axes:
            yield "Axis", axis.form
        for section in self.sections.values():
            yield section.title, section.form
