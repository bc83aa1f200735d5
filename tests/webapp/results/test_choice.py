"""A choice survives its address."""

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from webapp.results.choice import MAX_RUNS, Choice, compact, parse
from webapp.results.compare import metric_names, outcome_names
from webapp.results.curves import XAxis
from webapp.results.groups import GroupBy

choices = st.builds(
    Choice,
    runs=st.sets(st.integers(1, 500), max_size=40).map(lambda ids: tuple(sorted(ids))),
    metric=st.sampled_from(metric_names()),
    axis=st.sampled_from(XAxis),
    smoothing=st.integers(0, 19).map(lambda step: step / 20),
    band=st.booleans(),
    log_y=st.booleans(),
    group=st.sampled_from(GroupBy),
    reference=st.none() | st.integers(1, 500),
    outcome=st.sampled_from(outcome_names()),
)


def read(query: str) -> Choice:
    return parse(QueryDict(query), metric_names(), outcome_names())


@given(choices)
def test_an_address_restores_exactly_what_was_chosen(choice: Choice) -> None:
    assert read(choice.query()) == choice


def test_what_is_not_changed_is_not_in_the_address() -> None:
    assert Choice(runs=(1, 2, 3, 7)).query() == "runs=1-3,7"


def test_a_form_without_a_tick_for_the_band_hides_it() -> None:
    assert read("form=1&run=4").band is False
    assert read("form=1&run=4&band=1").band is True
    assert read("runs=4").band is True


@pytest.mark.parametrize(
    "query",
    [
        "metric=nonsense&x=parsecs&smooth=nan&group=&ref=-1&outcome=DROP",
        "runs=abc,-4,9999999999999999999999,5-3&smooth=1e9",
        "smooth=1.5&band=x&ref=3-4",
    ],
)
def test_nonsense_in_an_address_becomes_the_default(query: str) -> None:
    assert read(query) == Choice()


def test_more_runs_than_can_be_drawn_are_cut_and_counted() -> None:
    choice = read(f"runs=1-{MAX_RUNS + 7}")
    assert (len(choice.runs), choice.dropped) == (MAX_RUNS, 7)


def test_an_enormous_range_is_not_expanded() -> None:
    assert len(read("runs=1-999999999999999999").runs) == MAX_RUNS


def test_ids_are_written_as_ranges() -> None:
    assert compact([1, 2, 3, 5, 8, 9]) == "1-3,5,8-9"
