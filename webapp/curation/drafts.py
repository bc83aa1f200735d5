"""Steps of a curation as they were typed: forms that become one CurateSpec, or errors.

In a form, `{prefix}-step` lists the steps' keys in order; the values of a step are named
`{prefix}s{key}-...`, its kind `{prefix}s{key}-op`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pydantic
from django.http import QueryDict

from algorithms.curation.pipeline import StepError
from algorithms.curation.steps import STEPS, TITLES, CurateSpec
from webapp.schema_forms import SchemaForm, form_values, schema_form

MAX_STEPS = 20


@dataclass(frozen=True)
class StepRow:
    """One step of the stack."""

    prefix: str
    """Of the stack it belongs to."""
    key: str
    op: str
    form: SchemaForm

    @property
    def title(self) -> str:
        """What it is called."""
        return TITLES[self.op]

    @property
    def about(self) -> str:
        """What it does, in a sentence."""
        return (STEPS[self.op].__doc__ or "").split("\n\n")[0]


class StepsDraft:
    """A stack of steps, each with its own errors."""

    def __init__(self, data: QueryDict, prefix: str) -> None:
        self.prefix = prefix
        self.rows = [row for key in keys(data, prefix) if (row := row_of(data, prefix, key))]
        self.errors: list[str] = []
        """Errors of no step: of their order."""

    @property
    def offers(self) -> list[tuple[str, str]]:
        """Every kind of step that can be added, and what it is called."""
        return [(op, TITLES[op]) for op in STEPS]

    def spec(self, seed: int) -> CurateSpec | None:
        """Return what was asked for; None where something is wrong, told at its step."""
        valid = [row.form.is_valid() for row in self.rows]
        if not all(valid):
            return None
        steps = [row.form.cleaned_schema() for row in self.rows]
        try:
            return CurateSpec.model_validate({"steps": steps, "seed": seed})
        except pydantic.ValidationError as failure:
            self.errors += [one["msg"].removeprefix("Value error, ") for one in failure.errors()]
        return None

    def refuse(self, error: StepError) -> None:
        """Put an error at the step that caused it."""
        self.rows[error.step].form.add_error(None, error.reason)


def row_of(data: QueryDict | None, prefix: str, key: str, *, op: str = "") -> StepRow | None:
    """Return a step of the posted values, or a fresh one of a kind; None where there is none."""
    own = f"{prefix}s{key}"
    op = op or (data.get(f"{own}-op", "") if data is not None else "")
    if op not in STEPS:
        return None
    kind = schema_form(STEPS[op], prefix=own, without=("op",))
    return StepRow(prefix, key, op, kind(data) if data is not None else kind())


def keys(data: QueryDict, prefix: str) -> list[str]:
    """Return the keys of the steps, in the order of the page; what is no key is dropped."""
    found = (key for key in data.getlist(f"{prefix}-step") if key.isascii() and key.isdecimal())
    return list(dict.fromkeys(key for key in found if len(key) <= 6))[:MAX_STEPS]


def next_key(data: QueryDict, prefix: str) -> str:
    """Return a key that no step of the data has."""
    return str(max((int(key) for key in keys(data, prefix)), default=-1) + 1)


def steps_data(steps: Sequence[Mapping[str, Any]], prefix: str) -> QueryDict:
    """Return what a browser would post for steps, written as JSON."""
    data = QueryDict(mutable=True)
    for number, step in enumerate(steps):
        own = f"{prefix}s{number}"
        data.appendlist(f"{prefix}-step", str(number))
        op = str(step["op"])
        values = {name: value for name, value in step.items() if name != "op"}
        for name, text in form_values(STEPS[op], values, prefix=own).items():
            data[name] = text
        data[f"{own}-op"] = op
    return data
