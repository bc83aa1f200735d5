"""YAML to data and back, with lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.experiments.portable.text import YamlError, dump, parse

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=20)
    | st.sampled_from(["3e-4", "1:30", "on", "null", "~", "2024-01-01", "0x1f", "=", "<<", "|\n a"])
)
KEYS = st.text(st.characters(codec="utf-8"), max_size=10).filter(lambda text: text != "<<")
DATA = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3)
)


@given(st.dictionaries(KEYS, DATA, max_size=4))
def test_what_is_written_is_read_back_exactly(data: dict[str, object]) -> None:
    assert parse(dump(data)).data == data


def test_every_value_knows_its_line() -> None:
    parsed = parse("a:\n  b: [1,\n    2]\nc: 3\n")
    assert parsed.line(("a", "b", 1)) == 3
    assert parsed.line(("c",)) == 4
    assert parsed.line(("a", "arithmetic", "b")) == 2  # pydantic's names are passed over
    assert parsed.line(("a", "missing")) == 1


def test_exponents_without_a_dot_are_numbers_and_dates_are_text() -> None:
    assert parse("lr: 3e-4\nday: 2024-01-01\n").data == {"lr": 3e-4, "day": "2024-01-01"}


def test_merged_mappings_are_overridden_by_what_is_beside_them() -> None:
    parsed = parse("base: &b {x: 1, y: 2}\nown: {<<: *b, y: 3}\n")
    assert parsed.data["own"] == {"x": 1, "y": 3}


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "a is given twice"),
        ("a: 1\nb: [1, 2\n", 3, "no YAML"),
        ("a: !!python/object/apply:os.getcwd []\n", 1, "no list and no mapping"),
        ("a: !!binary aGk=\n", 1, "no text, number"),
        ("a: &x [*x]\n", 1, "contains itself"),
        ("? [1]\n: 2\n", 1, "must be a text"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_its_line(text: str, line: int, said: str) -> None:
    with pytest.raises(YamlError, match=said) as refused:
        parse(text)
    assert refused.value.line == line


def test_aliases_that_multiply_are_refused() -> None:
    rows = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(YamlError, match="more than 100,000 values"):
        parse("\n".join(rows))
