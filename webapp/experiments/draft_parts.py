"""Pieces of the New experiment page: rows, axes, sections, and where an error belongs."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import QueryDict

from algorithms.catalogue import ALGORITHMS
from webapp.curation.drafts import StepsDraft
from webapp.experiments.axis_choices import HIDDEN, SECTION_TITLES, section_schema
from webapp.experiments.forms import AxisForm, ChoiceForm, CurationForm
from webapp.experiments.plan import Recipe
from webapp.experiments.recipes import RECIPE_NAMES, load
from webapp.experiments.source_fields import offer_sources
from webapp.experiments.summaries import summary
from webapp.schema_forms import SEPARATOR, SchemaForm, differences, schema_form


@dataclass(frozen=True)
class Row:
    """One compared group: its name, and its hyperparameters."""

    key: str
    form: ChoiceForm
    params: SchemaForm
    algorithm: str

    @property
    def open(self) -> bool:
        """Whether its hyperparameters are shown at once."""
        return bool(self.params.errors)

    @property
    def changed(self) -> list[tuple[str, str]]:
        """Hyperparameters that are not the algorithm's defaults; none while they are invalid."""
        valid = self.params.is_valid()
        return differences(self.params.schema, self.params.cleaned_schema()) if valid else []

    def may_read_reference(self, *, by_axis: bool) -> bool:
        """Return whether its loss reads a reference policy.

        Args:
            by_axis: whether an axis may set its hyperparameters otherwise.
        """
        known = ALGORITHMS.get(self.algorithm)
        asks = known.needs_reference if known else None
        if asks is None:
            return False
        return by_axis or (self.params.is_valid() and asks(self.params.cleaned_schema()))


@dataclass(frozen=True)
class Axis:
    """One field that takes several values."""

    key: str
    form: AxisForm


@dataclass(frozen=True)
class CurationRow:
    """One choice among the graded completions: its name and seed, and its steps."""

    key: str
    form: CurationForm
    steps: StepsDraft

    def raw(self) -> dict[str, Any] | None:
        """Return what was asked for; None where a field is wrong."""
        valid = [self.form.is_valid(), *(row.form.is_valid() for row in self.steps.rows)]
        if not all(valid):
            return None
        steps = [row.form.cleaned_schema().model_dump() for row in self.steps.rows]
        return {**self.form.cleaned_data, "steps": steps}

    def place(self, rest: list[int | str], message: str) -> None:
        """Put an error of the config at its field, at a step, or above the steps."""
        match rest:
            case [("name" | "seed") as field, *_]:
                add_once(self.form, str(field), message)
            case ["steps", int(number), *_]:
                self.steps.rows[number].form.add_error(None, message)
            case _:
                self.steps.errors.append(message)


def curation_of(data: QueryDict, key: str) -> CurationRow:
    """Return one curation of the posted values."""
    prefix = f"cur{key}"
    return CurationRow(key, CurationForm(data, prefix=prefix), StepsDraft(data, prefix))


@dataclass(frozen=True)
class Section:
    """Settings that all algorithms share, shown together."""

    name: str
    title: str
    form: SchemaForm
    presets: tuple[str, ...] = ()
    """What its networks may start from, by name."""

    @property
    def summary(self) -> str:
        """Its settings in one line."""
        return (
            summary(self.form.cleaned_schema()) if self.form.is_valid() else "needs your attention"
        )


RECIPE_SETTINGS = "recipe_settings"
"""Part of the config, and prefix in the page, of the recipe's own settings."""


class RecipeForm(forms.Form):
    """Which kind of pipeline; its own settings are a schema form beside it."""

    recipe = forms.ChoiceField(help_text="What is done with the policy, in which order.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["recipe"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(name, load(name).title) for name in RECIPE_NAMES]


@dataclass(frozen=True)
class RecipeChoice:
    """The kind of pipeline, and its own settings."""

    form: RecipeForm
    name: str
    settings: Section

    @property
    def recipe(self) -> Recipe:
        """What it is called and does."""
        return load(self.name)


def recipe_of(data: QueryDict) -> RecipeChoice:
    """Return the recipe of the posted values; the usual one where it is none of this family."""
    asked = data.get("recipe", "")
    known = asked in RECIPE_NAMES and load(asked).family == "language"
    name = asked if known else "offline"
    form = offer_sources(schema_form(load(name).settings, prefix=RECIPE_SETTINGS)(data))
    return RecipeChoice(RecipeForm(data), name, Section(RECIPE_SETTINGS, "Recipe", form))


@dataclass(frozen=True)
class Problem:
    """One thing wrong, and the id of the element that it belongs to."""

    target: str
    where: str
    text: str


def row_of(data: QueryDict, key: str) -> Row | None:
    """Return one compared group of the posted values; None where its algorithm is not installed."""
    algorithm = data.get(f"row{key}-algorithm", "")
    if algorithm not in ALGORITHMS:
        return None
    kind = schema_form(ALGORITHMS[algorithm].params, prefix=f"row{key}p")
    return Row(key, ChoiceForm(data, prefix=f"row{key}"), kind(data), algorithm)


def section_of(name: str, data: QueryDict) -> Section:
    kind = schema_form(section_schema(name), prefix=name, without=HIDDEN.get(name, ()))
    return Section(name, SECTION_TITLES[name], kind(data))


def place_in_row(row: Row, rest: list[int | str], message: str) -> None:
    if rest[:1] == ["params"]:
        add_once(row.params, SEPARATOR.join(str(part) for part in rest[1:]), message)
    else:
        add_once(row.form, "label", message)


def add_once(form: forms.Form, field: str, message: str) -> None:
    """Add an error to a field that has none yet, or to the form where it has no such field."""
    if field not in form.fields:
        form.add_error(None, message)
    elif field not in form.errors:
        form.add_error(field, message)
