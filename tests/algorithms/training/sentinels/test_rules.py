"""Each sentinel on figures worked out by hand: silent, raised, and raised once."""

import pytest

from algorithms.base import Event, NonFiniteLossError
from algorithms.training.sentinels.rules import RULES, Memory
from algorithms.training.sentinels.watch import Watch
from algorithms.watching import SENTINELS, Sentinels
from tests.algorithms.training.world import Recorder

Figures = list[dict[str, float]]


def told(figures: Figures, **settings: object) -> list[tuple[str, int]]:
    """Return what a watch raises over steps 0, 1, 2..."""
    recorder = Recorder()
    watch = Watch(Sentinels.model_validate(settings), recorder, {})
    for step, one in enumerate(figures):
        watch.see(step, one)
    return [(event.sentinel, event.step) for event in recorder.events]


def values(name: str, *numbers: float) -> Figures:
    return [{name: number} for number in numbers]


FAULTS: list[tuple[str, Figures, int]] = [
    ("ratio_explosion", values("log_ratio_max", 0.0, 19.9, 20.1, 300.0), 2),
    ("entropy_collapse", values("entropy", 2.0, 0.11, 0.09, 0.01), 2),
    ("length_collapse", values("eval_tokens_mean", 8.0, 2.1, 1.9), 2),
    ("length_collapse", values("eval_tokens_mean", 8.0, 31.0, 33.0), 2),
    ("all_negative", values("positive_share", 0.0, 0.0, 0.1, 0.0, 0.0, 0.0, 0.0), 5),
    ("invalid_share", values("eval_invalid_share", 0.1, 0.5, 0.51, 0.9), 2),
    ("throughput_stall", values("tokens_per_s", *[100.0] * 10, 10.1, 9.9), 11),
]


@pytest.mark.parametrize(("sentinel", "figures", "step"), FAULTS)
def test_a_fault_is_raised_once_where_it_begins(sentinel: str, figures: Figures, step: int) -> None:
    assert told(figures) == [(sentinel, step)]
    assert told(figures, **{sentinel: "off"}) == []


def test_what_goes_away_and_comes_back_is_raised_again() -> None:
    figures = values("log_ratio_max", 30.0, 30.0, 1.0, 30.0)
    assert told(figures) == [("ratio_explosion", 0), ("ratio_explosion", 3)]


def test_a_policy_that_is_invalid_from_the_beginning_raises_nothing() -> None:
    assert told(values("eval_invalid_share", 0.8, 0.9, 0.95)) == []


def test_speeds_of_the_first_steps_are_not_judged() -> None:
    assert told(values("tokens_per_s", *[100.0] * 9, 1.0)) == []


@pytest.mark.parametrize(
    ("sentinel", "figures", "setting"),
    [
        ("ratio_explosion", values("log_ratio_max", 5.0), {"log_ratio_limit": 4.0}),
        ("entropy_collapse", values("entropy", 1.0, 0.4), {"entropy_floor": 0.5}),
        ("length_collapse", values("eval_tokens_mean", 3.0, 7.0), {"length_factor": 2.0}),
        ("all_negative", values("positive_share", 0.0), {"all_negative_batches": 1}),
        ("invalid_share", values("eval_invalid_share", 0.0, 0.2), {"invalid_limit": 0.1}),
        ("throughput_stall", values("tokens_per_s", *[9.0] * 10, 4.0), {"stall_factor": 2.0}),
    ],
)
def test_limits_are_settings(sentinel: str, figures: Figures, setting: dict[str, float]) -> None:
    assert told(figures) == []
    assert told(figures, **setting) == [(sentinel, len(figures) - 1)]


def test_memory_that_a_checkpoint_kept_goes_on() -> None:
    memory: Memory = {}
    first = Watch(Sentinels(), Recorder(), memory)
    first.see(0, {"entropy": 2.0})
    first.see(1, {"entropy": 0.05})
    recorder = Recorder()
    again = Watch(Sentinels(), recorder, dict(memory))
    again.see(2, {"entropy": 0.04})
    assert recorder.events == []  # told before
    again.see(3, {"entropy": 0.5})
    again.see(4, {"entropy": 0.04})
    assert [event.step for event in recorder.events] == [4]


def test_only_stop_ends_the_training() -> None:
    recorder = Recorder()
    watch = Watch(Sentinels(ratio_explosion="stop"), recorder, {})
    watch.see(0, {"log_ratio_max": 1.0, "positive_share": 0.0})
    watch.see(1, {"log_ratio_max": 100.0})
    assert watch.alarm == Event(
        sentinel="ratio_explosion",
        step=1,
        text="The largest log(pi/mu) of a completion is 100 nats; the limit is 20.",
        value=100.0,
        limit=20.0,
        action="stop",
    )
    assert watch.non_finite(2, NonFiniteLossError(2)) is False
    assert [event.sentinel for event in recorder.events] == ["ratio_explosion", "non_finite"]


def test_every_sentinel_has_a_rule_or_is_told() -> None:
    assert set(SENTINELS) == {*RULES, "non_finite"}
