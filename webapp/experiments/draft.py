"""The New experiment page as it was typed: forms that become one ExperimentConfig, or errors."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pydantic
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import QueryDict
from pydantic_core import ErrorDetails

from webapp.experiments import prefill
from webapp.experiments.axis_choices import SECTION_TITLES, axis_choices, axis_values
from webapp.experiments.config import ExperimentConfig
from webapp.experiments.draft_parts import (
    RECIPE_SETTINGS,
    Axis,
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
from webapp.experiments.forms import AxisForm, QuestionForm, SeedsForm
from webapp.experiments.source_forms import SourcesForm
from webapp.schema_forms import SEPARATOR

Loc = tuple[int | str, ...]


class Draft:
    """What was typed so far; with `extends`, only what is added to that config."""

    def __init__(
        self, data: QueryDict, *, fresh: bool = False, extends: ExperimentConfig | None = None
    ) -> None:
        self.data = data
        self.base = extends
        self.question = QuestionForm(initial=data.dict()) if fresh else QuestionForm(data)
        self.sources: SeedsForm = SeedsForm(data) if extends else SourcesForm(data)
        names = () if extends else SECTION_TITLES
        self.recipe = None if extends else recipe_of(data)
        own = {RECIPE_SETTINGS: self.recipe.settings} if self.recipe else {}
        self.shared = {name: section_of(name, data) for name in names}
        """Settings that every recipe has, by their part of the config."""
        self.sections = own | self.shared
        self.rows = [row for key in prefill.keys(data, prefill.ROW) if (row := row_of(data, key))]
        self.axis_choices = axis_choices(
            (row.algorithm for row in self.rows),
            recipe=self.recipe.name if self.recipe else "",
        )
        self.axes = [
            Axis(key, AxisForm(data, prefix=f"axis{key}", choices=self.axis_choices))
            for key in prefill.keys(data, prefill.AXIS)
        ]
        self.curations = [curation_of(data, key) for key in prefill.keys(data, prefill.CURATION)]
        self.errors: dict[str, list[str]] = {
            name: [] for name in ("", "algorithms", "axes", "curations")
        }
        """Errors of no field: of the whole page, or of a list on it."""

    @property
    def reads_reference(self) -> bool:
        """Whether an algorithm, as it is set or as an axis may set it, reads a reference."""
        by_axis = any(str(axis.form["path"].value()).startswith("params.") for axis in self.axes)
        return any(row.may_read_reference(by_axis=by_axis) for row in self.rows)

    def config(self) -> ExperimentConfig | None:
        """Return what was asked for; None where something is wrong, told at its field."""
        rows = [row for row in self.rows if row.form.is_valid()]
        curations = [(one, raw) for one in self.curations if (raw := one.raw()) is not None]
        raw = self._raw(rows)
        if not self.base:
            raw["curations"] = [values for _, values in curations]
        try:
            config = ExperimentConfig.model_validate(raw)
        except pydantic.ValidationError as failure:
            for error in failure.errors():
                self._place(error["loc"], _sentence(error), rows, [one for one, _ in curations])
            return None
        return None if list(self.problems(launch=False)) else config

    def _raw(self, rows: list[Row]) -> dict[str, Any]:
        raw = self.base.model_dump() if self.base else {}
        given = list(raw.get("algorithms", ())) + [_choice(row) for row in rows]
        raw |= {
            name: s.form.cleaned_schema() for name, s in self.shared.items() if s.form.is_valid()
        }
        raw |= {**self._recipe(), **_cleaned(self.sources)}
        axes = self._axes()
        return raw | {"algorithms": given} | ({"axes": axes} if not self.base else {})

    def _recipe(self) -> dict[str, Any]:
        if self.recipe is None:
            return {}
        form = self.recipe.settings.form
        settings = form.cleaned_schema().model_dump() if form.is_valid() else {}
        return {"recipe": self.data.get("recipe", ""), RECIPE_SETTINGS: settings}

    def _axes(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for axis in self.axes:
            if not axis.form.is_valid():
                continue
            path = axis.form.cleaned_data["path"]
            if path in found:
                axis.form.add_error("path", "This setting is an axis already.")
                continue
            try:
                found[path] = axis_values(path, axis.form.cleaned_data["values"])
            except ValidationError as error:
                axis.form.add_error("values", error)
        return found

    def _place(
        self, loc: Loc, message: str, rows: list[Row], curations: Sequence[CurationRow] = ()
    ) -> None:
        match loc:
            case ("curations", int(number), *rest) if curations:
                curations[number].place(rest, message)
            case ("algorithms", int(number), *rest) if number >= self._kept:
                place_in_row(rows[number - self._kept], rest, message)
            case ("axes", str(path), *_):
                self._place_in_axis(path, message)
            case ("algorithms" | "axes" | "curations" as name, *_):
                self.errors[name].append(message)
            case (str(name), *rest) if name in self.sections:
                field = SEPARATOR.join(str(part) for part in rest)
                add_once(self.sections[name].form, field, message)
            case ("recipe", *_) if self.recipe:
                add_once(self.recipe.form, "recipe", message)
            case (str(name), *_):
                add_once(self.sources, name, message)

    @property
    def _kept(self) -> int:
        """How many compared groups the extended experiment has."""
        return len(self.base.algorithms) if self.base else 0

    def _place_in_axis(self, path: str, message: str) -> None:
        for axis in self.axes:
            if axis.form.is_valid() and axis.form.cleaned_data["path"] == path:
                axis.form.add_error("values", message)
                return
        if not any(axis.form.errors for axis in self.axes):
            self.errors["axes"].append(message)

    def refuse(self, error: ValidationError) -> None:
        """Take what a service refused to the fields that it names."""
        if not hasattr(error, "error_dict"):
            self.errors[""] += error.messages
            return
        for name, messages in error.message_dict.items():
            for message in messages:
                if name in self.question.fields:
                    self.question.add_error(name, message)
                else:
                    self._place(tuple(name.split(".")), message, [])

    def problems(self, *, launch: bool) -> Iterator[Problem]:
        """Yield everything that is wrong; `launch` also asks for what the plan does not need."""
        for name, messages in self.errors.items():
            target = f"errors-{name or 'page'}"
            yield from (Problem(target, name.capitalize(), message) for message in messages)
        for one in self.curations:
            target = f"errors-{one.steps.prefix}"
            yield from (Problem(target, "Curation", message) for message in one.steps.errors)
        for where, form in self._forms(launch=launch):
            for field, texts in form.errors.items():
                known = field in form.fields
                bound = form[field] if known else None
                target = bound.id_for_label if bound else f"errors-{form.prefix}"
                label = (
                    f"{where}: {bound.label}"
                    if bound and where
                    else bound.label
                    if bound
                    else where
                )
                yield from (Problem(target, str(label), str(text)) for text in texts)

    def _forms(self, *, launch: bool) -> Iterator[tuple[str, forms.Form]]:
        if launch:
            yield "", self.question
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


def _sentence(error: ErrorDetails) -> str:
    if error["type"] == "missing":
        return "This field is required."
    return error["msg"].removeprefix("Value error, ")


def _choice(row: Row) -> dict[str, Any]:
    cleaned = row.form.cleaned_data
    params = row.params.cleaned_schema().model_dump() if row.params.is_valid() else {}
    return {
        "label": cleaned["label"],
        "algorithm": row.algorithm,
        "params": params,
        "preset_id": cleaned["preset_id"],
    }


def _cleaned(form: SeedsForm) -> Mapping[str, Any]:
    form.is_valid()
    found = {name: _ids(value) for name, value in form.cleaned_data.items()}
    # A source that is not chosen keeps the config's default; what is required is then missing.
    return {name: value for name, value in found.items() if value is not None}


def _ids(value: Any) -> Any:
    """Return the id of a chosen row, the ids of several, or a value that is none."""
    if isinstance(value, QuerySet):
        return [row.pk for row in value]
    return getattr(value, "pk", value)
