"""The learner: evaluations, metrics, stopping, and resuming bit for bit after a SIGKILL."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from algorithms.base import NonFiniteLossError, Stopped, UserError
from algorithms.catalogue import ALGORITHMS
from algorithms.metrics import EVAL_METRICS, TRAIN_METRICS
from tests.algorithms.training.world import Recorder, World, regrade, train_spec

EVALUATIONS = {metric.name for metric in EVAL_METRICS}
RATIOS = {"ratio_mean", "ratio_max", "kl_behaviour"}


def weights(world: World, name: str) -> dict[str, torch.Tensor]:
    return load_file(world.folder / name / "model.safetensors")


def equal(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(
        torch.equal(value, second[name]) for name, value in first.items()
    )


def history(world: World, name: str) -> list[dict[str, float]]:
    """Return the evaluations without their times, which no two runs share."""
    text = (world.folder / name / "history.json").read_text()
    evaluations = json.loads(text)["evaluations"]
    return [{k: v for k, v in entry.items() if k != "seconds"} for entry in evaluations]


@pytest.mark.parametrize("name", ["reinforce", "ppo", "tis", "positives", "topr"])
def test_a_training_logs_exactly_the_declared_metrics_at_every_step(
    world: World, name: str
) -> None:
    reporter = Recorder()
    world.train("out", train_spec(name), reporter=reporter)
    declared = {metric.name for metric in (*TRAIN_METRICS, *ALGORITHMS[name].metrics)}
    declared -= {"kl_reference"}
    declared = {name for name in declared if not name.startswith("source_")}
    assert set(reporter.points) == set(range(7))
    for step, metrics in reporter.points.items():
        trained = declared if step < 6 else set()
        assert set(metrics) == trained | (EVALUATIONS if step % 3 == 0 else set())


def test_the_first_update_has_a_ratio_of_exactly_one(world: World) -> None:
    reporter = Recorder()
    world.train("out", train_spec("topr"), reporter=reporter)
    first, second = reporter.points[0], reporter.points[1]
    assert (first["ratio_mean"], first["ratio_max"], first["kl_behaviour"]) == (1, 1, 0)
    assert second["ratio_max"] != 1


def test_points_carry_what_the_weights_have_cost_so_far(world: World) -> None:
    reporter = Recorder()
    summary = world.train("out", train_spec("topr"), reporter=reporter)
    assert reporter.costs[0] == (0, 0, 0.0)
    assert [cost[0] for _, cost in sorted(reporter.costs.items())] == [16 * s for s in range(7)]
    assert reporter.costs[6][1] == summary["tokens"]
    seconds = [cost[2] for _, cost in sorted(reporter.costs.items())]
    assert seconds == sorted(seconds)


def test_the_summary_and_the_history_hold_the_last_evaluation(world: World) -> None:
    summary = world.train("out", train_spec("topr"))
    last = history(world, "out")[-1]
    assert (summary["steps"], summary["samples"]) == (6, 96)
    assert set(summary) >= EVALUATIONS
    assert all(summary[name] == last[name] for name in EVALUATIONS)
    assert [entry["step"] for entry in history(world, "out")] == [0, 3, 6]


def test_without_an_interval_only_the_end_is_evaluated(world: World) -> None:
    world.train("out", train_spec("topr", evaluate_every=0, steps=2))
    assert [entry["step"] for entry in history(world, "out")] == [2]


def test_the_seed_decides_the_result_and_repeats_it(world: World) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        world.train(name, train_spec("topr", seed=seed))
    assert equal(weights(world, "a"), weights(world, "b"))
    assert not equal(weights(world, "a"), weights(world, "c"))


def test_fine_tuning_on_references_learns_them_and_stops_when_good_enough(world: World) -> None:
    spec = train_spec(
        "sft", steps=400, learning_rate=1e-2, evaluate_every=20, stop_at_accuracy=0.25
    ).model_copy(update={"eval_split": "train"})
    reporter = Recorder()
    summary = world.train("out", spec, reporter=reporter, dataset="dataset")
    assert float(summary["eval_sampled_accuracy"]) >= 0.25
    assert int(summary["steps"]) < 400
    assert not RATIOS & set(reporter.points[0])
    assert reporter.points[int(summary["steps"]) - 1]["loss"] < 0.5 * reporter.points[0]["loss"]


def test_an_accuracy_that_is_never_reached_is_said_at_the_end(world: World) -> None:
    reporter = Recorder()
    world.train("out", train_spec("topr", steps=2, stop_at_accuracy=1.0), reporter=reporter)
    assert any("still below the 1.000 to stop at" in message for message in reporter.messages)


def test_to_stop_at_an_accuracy_needs_samples(world: World) -> None:
    with pytest.raises(UserError, match="set evaluate_samples"):
        world.train("out", train_spec("topr", stop_at_accuracy=0.5, evaluate_samples=0))


def test_a_learning_rate_that_explodes_ends_with_the_step_and_no_artifact(world: World) -> None:
    spec = train_spec("reinforce", learning_rate=1.0, steps=400, clip_norm=1e9, evaluate_every=0)
    broken = spec.model_copy(update={"params": ALGORITHMS["reinforce"].params().model_dump()})
    regrade(copy_of(world, "graded", "worse"), "worse", every=2)
    scale_rewards(world, "worse", 1e38)
    with pytest.raises(NonFiniteLossError, match="not a finite number at step"):
        world.train("out", broken, rollouts="worse")
    assert list((world.folder / "out").iterdir()) == []


def copy_of(world: World, name: str, target: str) -> World:
    shutil.copytree(world.folder / name, world.folder / target)
    return world


def scale_rewards(world: World, name: str, factor: float) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    path = world.folder / name / "rollouts.parquet"
    table = pq.read_table(path)
    scaled = pc.multiply(table["reward"], pa.scalar(factor, pa.float32()))
    table = table.set_column(table.schema.get_field_index("reward"), "reward", scaled)
    pq.write_table(table, path)


@pytest.mark.parametrize("after", [0, 1, 4, 5, 9])
def test_a_stopped_training_resumes_to_the_same_bits(world: World, after: int) -> None:
    spec = train_spec("topr")
    whole, first, second = Recorder(), Recorder(stop_after=after), Recorder()
    world.train("whole", spec, reporter=whole)
    with pytest.raises(Stopped):
        world.train("again", spec, reporter=first)
    (world.folder / "again").rmdir()
    world.train("again", spec, reporter=second)
    assert any("Resumed from the checkpoint" in message for message in second.messages)
    assert equal(weights(world, "again"), weights(world, "whole"))
    assert history(world, "again") == history(world, "whole")
    for step, metrics in whole.points.items():
        both = first.points.get(step, {}) | second.points.get(step, {})
        assert {k: v for k, v in both.items() if k != "tokens_per_s"} == {
            k: v for k, v in metrics.items() if k != "tokens_per_s"
        }


CHILD = """
import sys
from pathlib import Path
from tests.algorithms.training.world import Recorder, World, train_spec

class Slow(Recorder):
    def log(self, step, metrics, **cost):
        super().log(step, metrics, **cost)
        with Path(sys.argv[2]).open("a") as marker:
            marker.write(f"{step}\\n")

World(Path(sys.argv[1])).train("killed", train_spec("topr", steps=4000), reporter=Slow())
"""


def last_step(marker: Path) -> int:
    """Return the last step that was written down completely; 0 for none."""
    lines = marker.read_text().splitlines(keepends=True) if marker.exists() else []
    return max((int(line) for line in lines if line.endswith("\n")), default=0)


def test_a_killed_training_ends_bit_for_bit_like_one_never_killed(world: World) -> None:
    marker = world.folder / "step"
    command = [sys.executable, "-c", CHILD, str(world.folder), str(marker)]
    root = Path(__file__).parents[3]
    with subprocess.Popen(command, cwd=root, env=os.environ | {"PYTHONPATH": str(root)}) as child:
        while last_step(marker) < 25:
            assert child.poll() is None, "the child ended by itself"
            time.sleep(0.01)
        child.send_signal(signal.SIGKILL)
    reached = last_step(marker)
    shutil.rmtree(world.folder / "killed")
    spec = train_spec("topr", steps=reached + 5)
    reporter = Recorder()
    world.train("killed", spec, reporter=reporter)
    world.train("whole", spec)
    assert min(reporter.points) >= 20
    assert equal(weights(world, "killed"), weights(world, "whole"))
    resumed = {entry["step"]: entry for entry in history(world, "killed")}
    assert resumed.items() <= {entry["step"]: entry for entry in history(world, "whole")}.items()
