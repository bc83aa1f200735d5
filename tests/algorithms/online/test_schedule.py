"""Versions and lags: the vectors of papers/group_relative_reinforce.md, 2.2 and 7.8."""

import pytest

from algorithms.online.schedule import lag, never_syncs, preview, version, warnings
from algorithms.online.settings import REGIMES, Schedule


def schedule(interval: int, offset: int, staleness: int | None = None) -> Schedule:
    return Schedule(sync_interval=interval, sync_offset=offset, max_staleness=staleness)


def versions(one: Schedule, steps: int) -> list[int]:
    return [version(batch, one) for batch in range(1, steps + 1)]


def test_periodic_batches_1_to_20_are_of_version_0_and_the_next_20_of_version_20() -> None:
    assert versions(schedule(20, 0), 40) == [0] * 20 + [20] * 20


def test_delayed_versions_follow_10_updates_behind() -> None:
    one = schedule(1, 10)
    assert versions(one, 13) == [0] * 11 + [1, 2]
    assert [lag(batch, one) for batch in range(1, 15)] == [*range(11), 10, 10, 10]


def test_an_offset_within_an_interval_gives_a_sawtooth() -> None:
    one = schedule(5, 3)
    assert versions(one, 18) == [0] * 8 + [5] * 5 + [10] * 5
    assert [lag(batch, one) for batch in range(1, 19)] == [*range(8), *[3, 4, 5, 6, 7] * 2]


def test_300_and_199_never_synchronise_within_160_updates() -> None:
    one = schedule(300, 199)
    assert versions(one, 160) == [0] * 160
    assert never_syncs(one, 160)
    assert not never_syncs(one, 500)


@pytest.mark.parametrize(
    ("interval", "offset", "mean"), [(1, 0, 0.0), (20, 0, 9.5), (1, 10, 9.65625), (300, 199, 79.5)]
)
def test_mean_lags_over_160_updates_are_the_papers(interval: int, offset: int, mean: float) -> None:
    one = schedule(interval, offset)
    assert sum(lag(batch, one) for batch in range(1, 161)) / 160 == mean


@pytest.mark.parametrize("interval", [1, 2, 5, 7, 300])
@pytest.mark.parametrize("offset", [0, 1, 3, 10, 199])
def test_the_loop_of_the_clock_gives_the_versions_of_the_formula(
    interval: int, offset: int
) -> None:
    one = schedule(interval, offset)
    assert [step.version for step in preview(one, 60)] == versions(one, 60)
    assert sum(step.written for step in preview(one, 60)) == 60


def test_a_staleness_limit_makes_the_generator_take_over_weights_beside_the_schedule() -> None:
    made = list(preview(schedule(20, 0, 10), 40))
    assert [step.version for step in made] == [0] * 11 + [11] * 9 + [20] * 11 + [31] * 9
    assert sum(step.written for step in made) == 40


def test_what_waits_too_long_in_the_queue_is_dropped_and_written_again() -> None:
    made = list(preview(schedule(1, 10, 5), 30))
    assert max(step.lag for step in made) <= 5
    # The five of version 0 that are left after six updates; from then on the queue is shorter.
    assert {step.update: step.dropped for step in made if step.dropped} == {7: 5}
    assert [step.lag for step in made[6:25]] == [5] * 19
    assert sum(step.written for step in made) == 35


def test_a_schedule_that_never_synchronises_is_warned_of_and_others_are_not() -> None:
    [only] = warnings(schedule(300, 199), 160)
    assert "never takes over trained weights within 160 updates" in only
    assert warnings(schedule(20, 0), 160) == []
    assert warnings(schedule(1, 0), 1) == []
    assert warnings(schedule(300, 0, 10), 160) == []  # the limit makes it take over weights
    assert warnings(schedule(20, 0, 10), 40) == []
    [stale] = warnings(schedule(1, 10, 5), 30)
    assert "batches would be dropped because they are more than 5 updates old" in stale


def test_the_named_regimes_are_those_of_the_paper() -> None:
    named = {name: schedule(*pair) for name, pair in REGIMES.items()}
    assert [lag(batch, named["on_policy"]) for batch in (1, 2, 160)] == [0, 0, 0]
    assert lag(20, named["periodic"]) == 19
    assert lag(160, named["delayed"]) == 10
    assert never_syncs(named["offline"], 2000)
