"""The histograms of ratios that a training leaves: complete, and the same after a resume."""

import pyarrow.parquet as pq
import pytest

from algorithms.base import Stopped
from algorithms.shared.histograms import BINS, HISTOGRAMS, HISTOGRAMS_FILE
from tests.algorithms.training.world import Recorder, World, train_spec


def test_every_completion_and_token_of_a_batch_is_in_the_histograms(world: World) -> None:
    recorder = Recorder()
    summary = world.train("out", train_spec("topr"), reporter=recorder)
    table = pq.read_table(world.folder / "out" / HISTOGRAMS_FILE)
    assert table.schema.equals(HISTOGRAMS)
    rows = table.to_pylist()
    assert {len(row["counts"]) for row in rows} == {BINS}
    for level, total in (("sequence", 6 * 16), ("token", summary["tokens"])):
        assert sum(sum(row["counts"]) for row in rows if row["level"] == level) == total
    first = [row for row in rows if row["step"] == 0]
    assert len(first) == 4
    for row in first:
        assert row["counts"][BINS // 2] == sum(row["counts"]), "the ratio is 1 before an update"
    positives = sum(
        sum(r["counts"]) for r in first if r["sign"] == "positive" and r["level"] == "sequence"
    )
    assert positives / 16 == recorder.points[0]["positive_share"]


def test_long_trainings_are_measured_a_hundred_times_at_most(world: World) -> None:
    recorder = Recorder()
    world.train("out", train_spec("topr", steps=120, evaluate_every=0), reporter=recorder)
    steps = set(pq.read_table(world.folder / "out" / HISTOGRAMS_FILE)["step"].to_pylist())
    assert steps == set(range(0, 120, 2))
    assert {step for step, m in recorder.points.items() if "log_ratio_p50_negative" in m} == steps


def test_a_resumed_training_leaves_the_same_histograms(world: World) -> None:
    world.train("whole", train_spec("topr"))
    with pytest.raises(Stopped):
        world.train("again", train_spec("topr"), reporter=Recorder(stop_after=9))
    live = world.folder / "again.checkpoints" / HISTOGRAMS_FILE
    assert live.is_file(), "the page of a running job reads it there"
    (world.folder / "again").rmdir()
    world.train("again", train_spec("topr"))
    tables = [pq.read_table(world.folder / name / HISTOGRAMS_FILE) for name in ("whole", "again")]
    assert tables[0].equals(tables[1])
    assert live.stat().st_size > 0


def test_references_have_no_ratios_and_leave_no_histograms(world: World) -> None:
    world.train("out", train_spec("sft", steps=2), dataset="dataset")
    assert not (world.folder / "out" / HISTOGRAMS_FILE).exists()
