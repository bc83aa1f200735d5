"""The converter from Schema to form: what a page shows must read back as the same settings."""

from collections.abc import Mapping
from typing import Any, Literal

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from algorithms import sources, specs
from algorithms.base import Schema
from algorithms.catalogue import ALGORITHMS
from algorithms.settings import LLMSettings
from tests.webapp.posted import posted
from webapp.schema_fields import label_of, number_text, range_text
from webapp.schema_forms import SchemaForm, form_values, schema_form

SCHEMAS: Mapping[str, type[Schema]] = {
    **{name: algorithm.params for name, algorithm in ALGORITHMS.items()},
    **{
        shared.__name__: shared
        for shared in (
            LLMSettings,
            specs.GenerateSpec,
            specs.GradeSpec,
            specs.EvaluateSpec,
            sources.ArithmeticSource,
            sources.TinyLlama,
        )
    },
}


class Inner(Schema):
    """A nested group."""

    share: float = Field(0.5, ge=0, lt=1)
    """A share < 1."""


class Example(Schema):
    """One field of every supported type."""

    rate: float = Field(3e-4, gt=0, le=1)
    """Peak rate."""
    cap: float | None = Field(None, ge=0)
    """Empty is no cap."""
    count: int = Field(7, ge=1)
    mode: Literal["fast_mode", "slow_mode"] = "fast_mode"
    level: Literal[1, 2] | None = None
    enabled: bool = True
    sure: bool | None = None
    text: str = ""
    maybe: str | None = None
    inner: Inner = Inner()


def _posted(form: SchemaForm) -> QueryDict:
    return posted("".join(str(form[name]) for name in form.fields))


def _round_trip(value: Schema, *, prefix: str = "") -> Schema:
    kind = schema_form(type(value), prefix=prefix, initial=value)
    form = kind(_posted(kind()))
    assert form.is_valid(), form.errors
    return form.cleaned_schema()


@pytest.mark.parametrize("name", SCHEMAS)
def test_defaults_survive_the_form(name: str) -> None:
    value = SCHEMAS[name]()
    assert _round_trip(value, prefix="p") == value


@pytest.mark.parametrize(
    ("name", "preset"),
    [(name, preset) for name, algorithm in ALGORITHMS.items() for preset in algorithm.presets],
)
def test_presets_of_the_papers_survive_the_form(name: str, preset: str) -> None:
    algorithm = ALGORITHMS[name]
    value = algorithm.params.model_validate(dict(algorithm.presets[preset]))
    assert _round_trip(value) == value


@given(
    st.builds(
        Example,
        rate=st.floats(0, 1, exclude_min=True),
        cap=st.none() | st.floats(0, 1e30),
        count=st.integers(1, 2**40),
        mode=st.sampled_from(["fast_mode", "slow_mode"]),
        level=st.sampled_from([None, 1, 2]),
        enabled=st.booleans(),
        sure=st.sampled_from([None, True, False]),
        text=st.text("ab <&\"'é ", max_size=9),
        maybe=st.none() | st.text("ab<", min_size=1, max_size=9),
        inner=st.builds(Inner, share=st.floats(0, 1, exclude_max=True)),
    )
)
def test_any_value_survives_the_form_and_an_address(value: Example) -> None:
    assert _round_trip(value) == value
    form = schema_form(Example, prefix="p")(form_values(Example, value, prefix="p"))
    assert form.is_valid(), form.errors
    assert form.cleaned_schema() == value


def _form(**changed: str) -> SchemaForm:
    kind = schema_form(Example)
    data = _posted(kind())
    for name, text in changed.items():
        data[name] = text
    return kind(data)


def test_an_empty_number_is_none_and_zero_is_zero() -> None:
    empty, zero = _form(cap=""), _form(cap="0")
    assert empty.is_valid()
    assert zero.is_valid()
    assert empty.cleaned_schema().model_dump()["cap"] is None
    assert zero.cleaned_schema().model_dump()["cap"] == 0


def test_small_numbers_are_shown_as_people_write_them() -> None:
    assert 'value="3e-4"' in str(schema_form(Example)()["rate"])


def test_what_a_person_typed_is_shown_again_beside_the_error() -> None:
    form = _form(rate="0.0003", count="0")
    assert not form.is_valid()
    assert 'value="0.0003"' in str(form["rate"])
    assert form.errors == {"count": ["Enter a number at least 1."]}


def test_errors_of_nested_settings_land_at_their_field() -> None:
    form = _form(inner__share="1", rate="2")
    assert not form.is_valid()
    assert form.errors == {
        "inner__share": ["Enter a number between 0 and 1, without 1."],
        "rate": ["Enter a number between 0 and 1, without 0."],
    }


def test_one_unreadable_field_does_not_hide_the_errors_of_others() -> None:
    form = _form(count="many", rate="-1")
    assert not form.is_valid()
    assert set(form.errors) == {"count", "rate"}


def test_rules_about_several_fields_are_told_in_words() -> None:
    kind = schema_form(LLMSettings)
    data = _posted(kind())
    data["micro_batch_size"] = "256"
    form = kind(data)
    assert not form.is_valid()
    assert form.errors == {"__all__": ["Micro batch size must not exceed batch size."]}


def test_only_valid_forms_give_settings() -> None:
    with pytest.raises(ValueError, match="has errors"):
        _form(rate="nan").cleaned_schema()


def test_help_carries_the_docstring_and_the_range_and_is_escaped() -> None:
    form = schema_form(Example)()
    fields = form.fields
    shown = form["rate"].as_field_group()
    assert "Peak rate. Between 0 and 1, without 0." in shown
    assert fields["inner__share"].help_text.startswith("A share &lt; 1.")
    assert fields["rate"].widget.attrs["max"] == "1"
    assert fields["count"].widget.attrs["min"] == "1"
    assert "max" not in fields["count"].widget.attrs


def test_nested_settings_are_groups_with_a_title() -> None:
    own, inner = schema_form(Example)().groups
    assert [field.name for field in own.fields][:2] == ["rate", "cap"]
    assert (inner.title, [field.name for field in inner.fields]) == ("Inner", ["inner__share"])


def test_fields_that_are_left_out_keep_their_defaults() -> None:
    kind = schema_form(Example, without=["inner", "text"])
    assert not [name for name in kind.base_fields if name.startswith(("inner", "text"))]
    form = kind(_posted(kind()))
    assert form.is_valid(), form.errors
    assert form.cleaned_schema() == Example()


def test_a_type_without_a_form_field_is_refused_by_name() -> None:
    class Odd(Schema):
        table: dict[str, int] = {}

    with pytest.raises(TypeError, match="table: no form field can show"):
        schema_form(Odd)


@pytest.mark.parametrize(
    ("value", "text"),
    [(3e-4, "3e-4"), (2.5e-5, "2.5e-5"), (0.001, "0.001"), (1.0, "1"), (0.0, "0"), (-0.5, "-0.5"),
     (123456.0, "123456"), (2e6, "2e6"), (20, "20")],
)  # fmt: skip
def test_numbers_are_written_short(value: float, text: str) -> None:
    assert number_text(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_written_number_reads_back_exactly(value: float) -> None:
    assert float(number_text(value)) == value


@pytest.mark.parametrize(
    ("limits", "text"),
    [({}, ""), ({"ge": 0}, "at least 0"), ({"gt": 0}, "more than 0"), ({"le": 2}, "at most 2"),
     ({"lt": 2}, "less than 2"), ({"ge": 0, "le": 1}, "between 0 and 1"),
     ({"ge": 1, "le": 65536}, "between 1 and 65,536"), ({"gt": 1e-7}, "more than 1e-7")],
)  # fmt: skip
def test_ranges_are_words(limits: dict[str, Any], text: str) -> None:
    class Limited(Schema):
        x: float = Field(0, **limits)

    assert range_text(Limited.model_fields["x"]) == text


def test_labels_are_words() -> None:
    assert [label_of(n) for n in ("clip_norm", "timeout_s")] == ["Clip norm", "Timeout (s)"]
