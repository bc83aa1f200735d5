"""What was typed into the New experiment page, whatever its family: axes, problems, refusals."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import pydantic
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import QueryDict
from pydantic_core import ErrorDetails

from webapp.experiments import prefill
from webapp.experiments.axes import AxisValue
from webapp.experiments.axis_choices import Choices
from webapp.experiments.config_base import Family
from webapp.experiments.configs import AnyConfig, config_of
from webapp.experiments.draft_parts import Axis, Problem, Row, Section, add_once
from webapp.experiments.forms import AxisForm, QuestionForm, SeedsForm

Loc = tuple[int | str, ...]


class DraftBase(ABC):
    """What was typed so far, and what is wrong with it."""

    family: ClassVar[Family]
    template: ClassVar[str]
    """The form as a fragment."""
    page: ClassVar[str]
    """The page around it."""

    sources: SeedsForm
    rows: list[Row]
    """Compared groups."""
    sections: dict[str, Section]
    """Settings that all of them share, by their part of the config."""

    def __init__(self, data: QueryDict, *, fresh: bool) -> None:
        self.data = data
        self.question = QuestionForm(initial=data.dict()) if fresh else QuestionForm(data)
        self.axis_choices = self.choices()
        self.axes = [
            Axis(key, AxisForm(data, prefix=f"axis{key}", choices=self.axis_choices))
            for key in prefill.keys(data, prefill.AXIS)
        ]
        self.errors: dict[str, list[str]] = {
            name: [] for name in ("", "algorithms", "axes", "curations", "corrections")
        }
        """Errors of no field: of the whole page, or of a list on it."""

    @property
    @abstractmethod
    def extended(self) -> AnyConfig | None:
        """The config that is added to, where the page adds."""

    @abstractmethod
    def choices(self) -> Choices:
        """Return what may be an axis, once the rows are known."""

    @abstractmethod
    def values(self, path: str, text: str) -> tuple[AxisValue, ...]:
        """Return the values of an axis as they were typed.

        Raises:
            ValidationError: a source of that name does not exist.
        """

    @abstractmethod
    def raw(self) -> dict[str, Any]:
        """Return what was asked for, not validated; what cannot be read is left out."""

    @abstractmethod
    def place(self, loc: Loc, message: str) -> None:
        """Put an error of the config at its field."""

    @abstractmethod
    def forms(self) -> Iterator[tuple[str, forms.Form]]:
        """Yield every form that a plan needs, and what it is about."""

    def config(self) -> AnyConfig | None:
        """Return what was asked for; None where something is wrong, told at its field."""
        try:
            config = config_of(self.raw())
        except pydantic.ValidationError as failure:
            for error in failure.errors():
                self.place(error["loc"], sentence(error))
            return None
        return None if list(self.problems(launch=False)) else config

    def typed_axes(self) -> dict[str, Any]:
        """Return the axes; what is wrong with one is told at its field."""
        found: dict[str, Any] = {}
        for axis in self.axes:
            if not axis.form.is_valid():
                continue
            path = axis.form.cleaned_data["path"]
            if path in found:
                axis.form.add_error("path", "This setting is an axis already.")
                continue
            try:
                found[path] = self.values(path, axis.form.cleaned_data["values"])
            except ValidationError as error:
                axis.form.add_error("values", error)
        return found

    def place_in_axis(self, path: str, message: str) -> None:
        """Put an error at the axis over a setting, or above the axes."""
        for axis in self.axes:
            if axis.form.is_valid() and axis.form.cleaned_data["path"] == path:
                axis.form.add_error("values", message)
                return
        if not any(axis.form.errors for axis in self.axes):
            self.errors["axes"].append(message)

    def place_in_section(self, name: str, rest: list[int | str], message: str) -> None:
        """Put an error at a setting that all share, or among the sources."""
        if name in self.sections:
            field = "__".join(str(part) for part in rest)
            add_once(self.sections[name].form, field, message)
        else:
            add_once(self.sources, name, message)

    def refuse(self, error: ValidationError) -> None:
        """Take what a service refused to the fields that it names."""
        if not hasattr(error, "error_dict"):
            self.errors[""] += error.messages
            return
        for name, messages in error.message_dict.items():
            loc = tuple(int(part) if part.isdecimal() else part for part in name.split("."))
            for message in messages:
                if name in self.question.fields:
                    self.question.add_error(name, message)
                elif loc[0] == "axes":
                    self.place_in_axis(name.partition(".")[2], message)
                else:
                    self.place(loc, message)

    def problems(self, *, launch: bool) -> Iterator[Problem]:
        """Yield everything that is wrong; `launch` also asks for what the plan does not need."""
        for name, messages in self.errors.items():
            target = f"errors-{name or 'page'}"
            yield from (Problem(target, name.capitalize(), message) for message in messages)
        if launch:
            yield from _problems_of("", self.question)
        for where, form in self.forms():
            yield from _problems_of(where, form)


def _problems_of(where: str, form: forms.Form) -> Iterator[Problem]:
    for field, texts in form.errors.items():
        bound = form[field] if field in form.fields else None
        target = bound.id_for_label if bound else f"errors-{form.prefix}"
        label = ": ".join(filter(None, (where, str(bound.label) if bound else "")))
        yield from (Problem(target, label, str(text)) for text in texts)


def sentence(error: ErrorDetails) -> str:
    """Return one of pydantic's errors as it is shown."""
    if error["type"] == "missing":
        return "This field is required."
    return error["msg"].removeprefix("Value error, ")


def choice_of(row: Row) -> dict[str, Any]:
    """Return a compared algorithm as the config names it."""
    cleaned = row.form.cleaned_data
    params = row.params.cleaned_schema().model_dump() if row.params.is_valid() else {}
    return {
        "label": cleaned["label"],
        "algorithm": row.algorithm,
        "params": params,
        "preset_id": cleaned["preset_id"],
    }


def cleaned(form: SeedsForm) -> Mapping[str, Any]:
    """Return the values of a form of sources, rows by their ids.

    A source that is not chosen keeps the config's default; what is required is then missing.
    """
    form.is_valid()
    found = {name: _ids(value) for name, value in form.cleaned_data.items()}
    return {name: value for name, value in found.items() if value is not None}


def _ids(value: Any) -> Any:
    """Return the id of a chosen row, the ids of several, or a value that is none."""
    if isinstance(value, QuerySet):
        return [row.pk for row in value]
    return getattr(value, "pk", value)
