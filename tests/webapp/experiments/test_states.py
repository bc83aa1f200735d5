"""Derived states: every mixture that can occur."""

import itertools

import pytest

from webapp.experiments.states import derive
from webapp.jobs.states import JobState

W, Q, R, S, F, C = (
    JobState.WAITING,
    JobState.QUEUED,
    JobState.RUNNING,
    JobState.SUCCEEDED,
    JobState.FAILED,
    JobState.CANCELLED,
)


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([], W),
        ([W], W),
        ([S, W], W),
        ([S, S], S),
        ([S, Q, W], Q),
        ([S, R, Q, W], R),
        ([F, R, W], R),
        ([F, Q, W], Q),
        ([S, F, W], F),
        ([F, C, W], F),
        ([S, C, W], C),
        ([S, F], F),
    ],
)
def test_the_state_of_the_whole_follows_from_its_jobs(
    states: list[JobState], expected: JobState
) -> None:
    assert derive(states) == expected


@pytest.mark.parametrize("states", [[], [W], [S, R], [F, Q], [C, C]])
def test_a_cancelled_experiment_is_cancelled_whatever_others_still_run(
    states: list[JobState],
) -> None:
    assert derive(states, cancelled=True) == C


def test_what_had_succeeded_before_the_cancellation_stays_succeeded() -> None:
    assert derive([S, S], cancelled=True) == S


def test_neither_order_nor_number_of_jobs_matters() -> None:
    for mixture in itertools.combinations(JobState, 3):
        expected = derive(mixture)
        for order in itertools.permutations(mixture):
            assert derive([*order, *order]) == expected


def test_states_come_as_stored_text_too() -> None:
    assert derive(["succeeded", "failed"]) == F
