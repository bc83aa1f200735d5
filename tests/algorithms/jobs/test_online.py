"""The online job: measured lags, what is logged, and resuming bit for bit."""

from collections import Counter
from collections.abc import Mapping
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file

from algorithms.asking import Rewards
from algorithms.base import Stopped, Summary, UserError
from algorithms.catalogue import ALGORITHMS
from algorithms.metrics import EVAL_METRICS, TRAIN_METRICS
from algorithms.online.rollouts import ONLINE_ROLLOUTS
from algorithms.online.schedule import lag
from algorithms.online.settings import Replay, Schedule
from algorithms.settings import LLMSettings
from algorithms.shared.online_metrics import ONLINE_METRICS
from algorithms.specs import OnlineSpec
from tests.algorithms.training.world import (
    GENERATE,
    SAMPLING,
    SETTINGS,
    Recorder,
    World,
    train_spec,
)

FRESH = {metric.name for metric in ONLINE_METRICS if metric.name.startswith(("rollout", "gener"))}
FRESH -= {"generator_version", "rollout_logprob_gap"}
ONCE = Replay()
DELAYED = Schedule(sync_interval=2, sync_offset=1)


def online_spec(
    algorithm: str = "reinforce",
    *,
    schedule: Schedule = DELAYED,
    replay: Replay = ONCE,
    prompts_per_step: int = 4,
    **settings: object,
) -> OnlineSpec:
    """Return the spec of a short job; keywords change its settings. An answer of one digit pays."""
    return OnlineSpec(
        algorithm=algorithm,
        settings=LLMSettings.model_validate(SETTINGS.model_dump() | settings),
        generate=GENERATE,
        prompts_per_step=prompts_per_step,
        schedule=schedule,
        replay=replay,
        rewards=Rewards(incorrect=0.5),
        sampling=SAMPLING,
    )


def run(
    world: World, name: str, spec: OnlineSpec, reporter: Recorder | None = None, **extra: str
) -> Summary:
    inputs = {"policy": "policy", "dataset": "dataset", "eval_dataset": "dataset"} | extra
    return world.run(name, "online", spec, reporter=reporter, **inputs)


def lags(world: World, name: str) -> list[dict[str, int]]:
    rows: list[dict[str, int]] = pq.read_table(world.folder / name / "lags.parquet").to_pylist()
    return rows


def rollouts(world: World, name: str) -> list[dict[str, Any]]:
    path = world.folder / name / "rollouts.parquet"
    rows: list[dict[str, Any]] = pq.read_table(path, schema=ONLINE_ROLLOUTS).to_pylist()
    return rows


def same(world: World, first: str, second: str) -> bool:
    one, other = (load_file(world.folder / n / "model.safetensors") for n in (first, second))
    return all(torch.equal(value, other[name]) for name, value in one.items())


@pytest.mark.parametrize("pair", [(1, 0), (3, 0), (1, 2), (2, 3), (300, 199)])
def test_the_measured_lag_of_every_completion_is_the_formulas(
    world: World, pair: tuple[int, int]
) -> None:
    schedule = Schedule(sync_interval=pair[0], sync_offset=pair[1])
    reporter = Recorder()
    run(world, "out", online_spec(schedule=schedule, steps=8, evaluate_every=0), reporter)
    expected = [lag(batch, schedule) for batch in range(1, 9)]
    assert [(row["step"], row["lag"], row["completions"]) for row in lags(world, "out")] == [
        (step, value, 16) for step, value in enumerate(expected)
    ]
    assert [reporter.points[step]["lag_max"] for step in range(8)] == expected
    assert [reporter.points[step]["lag_mean"] for step in range(8)] == expected


def test_on_policy_ratios_are_exactly_1_and_those_of_older_completions_are_not(
    world: World,
) -> None:
    fresh, stale = Recorder(), Recorder()
    run(world, "a", online_spec(schedule=Schedule(), steps=4), fresh)
    run(world, "b", online_spec(schedule=Schedule(sync_interval=4), steps=4), stale)
    assert [fresh.points[step]["ratio_max"] for step in range(4)] == [1.0] * 4
    assert stale.points[0]["ratio_max"] == 1.0
    assert all(stale.points[step]["ratio_max"] != 1.0 for step in (1, 2, 3))


def test_everything_declared_is_logged_and_what_is_new_only_where_something_was_written(
    world: World,
) -> None:
    reporter = Recorder()
    run(world, "out", online_spec(), reporter)
    declared = {m.name for m in (*TRAIN_METRICS, *ONLINE_METRICS, *ALGORITHMS["reinforce"].metrics)}
    evaluations = {metric.name for metric in EVAL_METRICS}
    for step in range(6):
        logged = set(reporter.points[step]) - evaluations
        assert logged <= declared
        assert logged >= {m.name for m in ONLINE_METRICS} - FRESH - {"rollout_logprob_gap"}
        # With an offset of 1 the last batch is written before the last but one update.
        assert (logged >= FRESH) == (step < 5)
        assert bool(logged & FRESH) == (step < 5)
    assert [reporter.points[step]["buffer_size"] for step in range(6)] == [16.0] * 5 + [0.0]
    assert [reporter.points[step]["generator_version"] for step in range(6)] == [0, 0, 2, 2, 4, 4]
    assert 0 < reporter.points[0]["rollout_invalid_share"] < 1


def test_the_summary_counts_generation_and_lags(world: World) -> None:
    summary = run(world, "out", online_spec())
    assert (summary["steps"], summary["samples"], summary["completions"]) == (6, 96, 96)
    assert summary["lag_mean"] == sum(lag(batch, DELAYED) for batch in range(1, 7)) / 6
    assert summary["lag_max"] == 2
    assert float(summary["generation_tokens"]) >= 96
    assert float(summary["seconds"]) > float(summary["generation_seconds"]) > 0
    names = {path.name for path in (world.folder / "out").iterdir()}
    assert {"model.safetensors", "history.json", "lags.parquet", "first_batch.parquet"} <= names


def test_the_seed_decides_what_is_written_and_learned(world: World) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        run(world, name, online_spec(steps=3).model_copy(update={"seed": seed}))
    assert same(world, "a", "b")
    assert not same(world, "a", "c")


REPLAY = Replay(buffer="priority", reuse_cooldown=1, priority_decay=0.5, priority_noise=0.3)


@pytest.mark.parametrize(
    ("spec", "share"),
    [
        (online_spec(), 0.05),
        (online_spec(schedule=Schedule(sync_interval=3, sync_offset=2)), 0.6),
        (online_spec(schedule=Schedule(sync_interval=300, sync_offset=199)), 0.3),
        (online_spec("topr", schedule=Schedule(sync_interval=4, max_staleness=2)), 0.8),
        (online_spec(replay=REPLAY, prompts_per_step=3), 0.7),
        (online_spec("opmd"), 0.4),
    ],
)
def test_a_stopped_job_resumes_to_the_same_bits(
    world: World, spec: OnlineSpec, share: float
) -> None:
    whole, second = Recorder(), Recorder()
    run(world, "whole", spec, whole)
    first = Recorder(stop_after=int(share * whole.asked))
    with pytest.raises(Stopped):
        run(world, "part", spec, first)
    checkpoints = world.folder / "part.checkpoints"
    assert list(checkpoints.glob("step-*"))
    (world.folder / "part").rmdir()
    run(world, "part", spec, second)
    assert same(world, "whole", "part")
    assert lags(world, "whole") == lags(world, "part")
    assert rollouts(world, "whole") == rollouts(world, "part")
    timed = {"tokens_per_s", "generation_tokens_per_s"}
    for step, metrics in second.points.items():
        expected = {k: v for k, v in whole.points[step].items() if k not in timed}
        found = {k: v for k, v in metrics.items() if k not in timed}
        assert found == {k: v for k, v in expected.items() if k in found}
        assert set(expected) - set(found) <= {m.name for m in EVAL_METRICS}


class Killed(Exception):  # noqa: N818 - what the test does to the job
    """Nothing is saved any more."""


class Killer(Recorder):
    """A reporter that ends the job without a warning after some updates."""

    def log(
        self, step: int, metrics: Mapping[str, float], *, samples: int, tokens: int, seconds: float
    ) -> None:
        if step == 5:
            raise Killed
        super().log(step, metrics, samples=samples, tokens=tokens, seconds=seconds)


def test_a_killed_job_goes_on_from_its_last_checkpoint_to_the_same_bits(world: World) -> None:
    spec = online_spec(schedule=Schedule(sync_interval=3, sync_offset=2), steps=8)
    run(world, "whole", spec)
    with pytest.raises(Killed):
        run(world, "part", spec, Killer())
    (world.folder / "part").rmdir()
    second = Recorder()
    run(world, "part", spec, second)
    assert min(second.points) == 4
    assert same(world, "whole", "part")
    assert lags(world, "whole") == lags(world, "part")
    assert rollouts(world, "whole") == rollouts(world, "part")


def test_a_reference_is_read_for_every_new_completion_and_kept_in_the_buffer(world: World) -> None:
    own, other = Recorder(), Recorder()
    params = {"params": {"reference_kl": "k3", "reference_kl_coefficient": 0.1}}
    spec = online_spec("grpo").model_copy(update=params)
    run(world, "own", spec, own)
    world.train("trained", train_spec("sft", steps=2), dataset="dataset")
    run(world, "other", spec, other, reference="trained")
    assert own.points[0]["kl_reference"] == 0
    assert own.points[3]["kl_reference"] > 0
    assert other.points[0]["kl_reference"] > 0
    with pytest.raises(Stopped):
        run(world, "part", spec, Recorder(stop_after=int(0.6 * own.asked)))
    (world.folder / "part").rmdir()
    run(world, "part", spec)
    assert same(world, "own", "part")


def test_a_staleness_limit_holds_for_every_completion(world: World) -> None:
    schedule = Schedule(sync_interval=1, sync_offset=4, max_staleness=2)
    summary = run(world, "out", online_spec(schedule=schedule, steps=8))
    assert max(row["lag"] for row in lags(world, "out")) == 2
    assert float(summary["dropped_completions"]) == float(summary["completions"]) - 8 * 16 > 0


def test_replay_learns_again_from_what_has_rested(world: World) -> None:
    reporter = Recorder()
    spec = online_spec(schedule=Schedule(), replay=REPLAY, prompts_per_step=3)
    run(world, "out", spec, reporter)
    shares = [reporter.points[step]["replayed_share"] for step in range(6)]
    assert shares[:2] == [0, 0]
    # The second update finds what rests, the third what the first one learned from.
    assert shares[2] == 0.25
    assert [reporter.costs[step][0] for step in (1, 2, 3)] == [12, 24, 40]


def test_every_completion_is_kept_with_the_updates_that_learned_from_it(world: World) -> None:
    spec = online_spec(schedule=Schedule(), replay=REPLAY, prompts_per_step=3)
    summary = run(world, "out", spec)
    rows = rollouts(world, "out")
    assert len(rows) == summary["kept_completions"] == summary["completions"]
    learned = Counter((step, step - row["version"]) for row in rows for step in row["steps"])
    assert learned == {(row["step"], row["lag"]): row["completions"] for row in lags(world, "out")}
    assert any(len(row["steps"]) > 1 for row in rows)
    for row in rows:
        assert row["lag"] == (row["steps"][0] - row["version"] if row["steps"] else None)
        assert len(row["logprobs"]) == len(row["tokens"])
        assert (row["reward"] == 1) == (row["grade"] == "correct")


def test_completions_are_by_prompt_and_counted_through_all_batches(world: World) -> None:
    run(world, "out", online_spec(schedule=Schedule(), epochs=2, batch_size=32, prompts_per_step=8))
    rows = rollouts(world, "out")
    ids = [row["prompt_id"] for row in rows]
    assert len([key for key, _ in groupby(ids)]) == len(set(ids)) == 40
    for _, own in groupby(rows, key=itemgetter("prompt_id")):
        found = list(own)
        assert [row["sample"] for row in found] == list(range(8))
        assert [row["batch"] for row in found] == sorted(row["batch"] for row in found)
        assert all(row["version"] == row["batch"] - 1 for row in found)


@pytest.mark.parametrize(("megabytes", "batches"), [("0.015", {1, 3, 5}), ("0", set())])
def test_how_much_is_kept_is_bounded_and_changes_nothing_else(
    world: World, monkeypatch: pytest.MonkeyPatch, megabytes: str, batches: set[int]
) -> None:
    run(world, "all", online_spec())
    monkeypatch.setenv("LAB_ONLINE_ROLLOUTS_MIB", megabytes)
    # A row is 200 bytes and 16 per token of the longest completion: 6 batches of 16 rows of 264
    # bytes are 0.024 MiB.
    assert GENERATE.sampling.max_new_tokens == 4
    summary = run(world, "some", online_spec())
    assert summary["kept_completions"] == 16 * len(batches)
    assert (world.folder / "some" / "rollouts.parquet").exists() == bool(batches)
    if batches:
        kept = [row for row in rollouts(world, "all") if row["batch"] in batches]
        drop = {"sample"}
        assert [{k: v for k, v in row.items() if k not in drop} for row in kept] == [
            {k: v for k, v in row.items() if k not in drop} for row in rollouts(world, "some")
        ]
    assert same(world, "all", "some")


def test_a_pass_asks_every_prompt_once(world: World) -> None:
    spec = online_spec(epochs=2, batch_size=32, prompts_per_step=8)
    summary = run(world, "out", spec)
    assert summary["steps"] == 10


def test_what_does_not_fit_together_is_refused_with_a_way_out(world: World, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="set batch_size to 20"):
        online_spec(prompts_per_step=5)
    with pytest.raises(ValidationError, match="raise capacity"):
        online_spec(replay=Replay(buffer="priority", capacity=8))
    with pytest.raises(UserError, match="learns from references"):
        run(world, "sft", online_spec("sft"))
    with pytest.raises(UserError, match="pairs of a better"):
        run(world, "dpo", online_spec("dpo"))
    with pytest.raises(UserError, match="set devices to 1"):
        run(world, "two", online_spec(devices=2))
    with pytest.raises(UserError, match="Lower prompts_per_step"):
        run(world, "many", online_spec(prompts_per_step=41, batch_size=164))
