"""Two processes and one: the same training, and nothing left of it when one dies or is stopped."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest
import torch
from safetensors.torch import load_file

from algorithms.base import (
    CorruptArtifactError,
    JobContext,
    NonFiniteLossError,
    ProcessLostError,
    Stopped,
    UserError,
)
from algorithms.catalogue import ALGORITHMS
from algorithms.specs import TrainSpec
from algorithms.training import lessons
from algorithms.training.distributed import visible_devices
from algorithms.training.failures import RankError, Told
from algorithms.training.launch import launch
from tests.algorithms.training.several import POINTS, Trainings, broken
from tests.algorithms.training.world import Recorder, World, train_spec

SHORT = {"steps": 4, "evaluate_every": 0, "checkpoint_every": 2}
SPECS: dict[str, TrainSpec] = {
    "topr": train_spec("topr", **SHORT),
    "token mean": train_spec("grpo", **SHORT, micro_batch_size=3),
    "selection": train_spec("m2po", **SHORT, batch_size=7, micro_batch_size=4),
    "one prompt": train_spec("opmd", **SHORT, batch_size=4, micro_batch_size=2),
    "reference": train_spec("cispo", **SHORT, micro_batch_size=5),
    "adafactor": train_spec("topr", **SHORT, optimizer="adafactor", weight_decay=0.1),
    "adapters": train_spec("rec", **SHORT, lora_rank=2, gradient_checkpointing=True),
    "padded": train_spec("dpo", **SHORT, packing="padded", micro_batch_size=2),
    "rounded": train_spec("opmd", **SHORT, precision="bfloat16", share_prompts=True),
    "resumed": train_spec("topr", **SHORT),
    "skipped": train_spec("broken", **SHORT, max_skipped_steps=1),
}
EXACT = [name for name in SPECS if name != "rounded"]
TIMES = {"tokens_per_s"}


@pytest.fixture(scope="module")
def alone(
    shared_world: World, tmp_path_factory: pytest.TempPathFactory
) -> tuple[World, Mapping[str, Recorder]]:
    """Return what one process makes of all of them."""
    world = World(tmp_path_factory.mktemp("alone"))
    for artifact in ("policy", "graded", "dataset"):
        (world.folder / artifact).symlink_to(shared_world.folder / artifact)
    recorders = {name: Recorder() for name in SPECS}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lessons, "ALGORITHMS", {**ALGORITHMS, "broken": broken()})
        for name, spec in SPECS.items():
            world.train(name, spec, reporter=recorders[name])
    return world, recorders


@pytest.fixture(scope="module")
def together(shared_world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of what two processes make of all of them.

    One of them continues from a checkpoint that one process wrote.
    """
    folder = tmp_path_factory.mktemp("together")
    world = World(folder)
    inputs = {"policy": "policy", "rollouts": "graded", "eval_dataset": "dataset"}
    for artifact in inputs.values():
        (folder / artifact).symlink_to(shared_world.folder / artifact)
    with pytest.raises(Stopped):
        world.train("resumed", SPECS["resumed"], reporter=Recorder(stop_after=2))
    (folder / "resumed").rmdir()
    recorder = Recorder()
    context = JobContext(
        inputs={role: folder / name for role, name in inputs.items()},
        output=folder,
        checkpoints=folder,
        reporter=recorder,
    )
    launch("tests.algorithms.training.several", Trainings(trainings=SPECS), context, count=2)
    assert ranks_left() == []
    return folder


def ranks_left() -> list[psutil.Process]:
    """Return the processes of trainings that are still there."""
    return [
        process
        for process in psutil.Process().children(recursive=True)
        if any(part.endswith((".train_rank", ".several")) for part in process.cmdline())
    ]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def without_times(points: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in points.items() if name not in TIMES}


@pytest.mark.parametrize("name", EXACT)
def test_two_processes_train_the_policy_that_one_trains(
    alone: tuple[World, Mapping[str, Recorder]], together: Path, name: str
) -> None:
    expected, found = weights(alone[0].folder / name), weights(together / name)
    start = weights(together / "policy")
    assert expected.keys() == found.keys()
    assert any(not torch.allclose(start[k], w, atol=1e-4) for k, w in expected.items())
    for key, weight in expected.items():
        torch.testing.assert_close(found[key], weight, rtol=0, atol=1e-5, msg=key)


@pytest.mark.parametrize("name", EXACT)
def test_two_processes_report_what_one_reports(
    alone: tuple[World, Mapping[str, Recorder]], together: Path, name: str
) -> None:
    told = json.loads((together / name / POINTS).read_text())
    expected = alone[1][name]
    first = 2 if name == "resumed" else 0
    assert [int(step) for step in told["points"]] == list(range(first, 5))
    for step, metrics in told["points"].items():
        found, wanted = without_times(metrics), without_times(expected.points[int(step)])
        assert found == pytest.approx(wanted, rel=1e-3, abs=1e-5), step
    histograms = "ratio_histograms.parquet"
    assert (together / name / histograms).is_file()


def test_a_rounded_training_starts_from_the_same_numbers(
    alone: tuple[World, Mapping[str, Recorder]], together: Path
) -> None:
    """Products of other heights are rounded in other places: equal to bfloat16's precision."""
    told = json.loads((together / "rounded" / POINTS).read_text())
    found, wanted = told["points"]["0"], alone[1]["rounded"].points[0]
    for name in ("loss", "entropy", "grad_norm", "length_mean", "effective_positive_share"):
        assert found[name] == pytest.approx(wanted[name], rel=2e-2, abs=1e-3), name


def test_the_second_process_continues_what_one_process_began(together: Path) -> None:
    told = json.loads((together / "resumed" / POINTS).read_text())
    assert "info: Resumed from the checkpoint of step 2." in told["messages"]


def test_a_loss_that_is_no_number_in_one_process_is_skipped_by_both(together: Path) -> None:
    told = json.loads((together / "skipped" / POINTS).read_text())
    counted = [told["points"][str(step)]["skipped_steps"] for step in range(4)]
    assert counted == [0, 0, 1, 1]
    assert "loss" not in told["points"]["2"]


class StopsAt(Recorder):
    """Asks to stop once a step was logged."""

    def should_stop(self) -> bool:
        return 2 in self.points


def test_a_stopped_training_leaves_a_checkpoint_that_one_process_continues(
    world: World, alone: tuple[World, Mapping[str, Recorder]]
) -> None:
    reporter = StopsAt()
    spec = train_spec("topr", steps=4000, evaluate_every=0, devices=2)
    with pytest.raises(Stopped, match="its checkpoint is kept"):
        world.train("out", spec, reporter=reporter)
    assert ranks_left() == []
    [folder] = sorted((world.folder / "out.checkpoints").glob("step-*"))[-1:]
    reached = json.loads((folder / "state.json").read_text())["position"]["step"]
    assert 2 < reached < 4000
    shutil.rmtree(world.folder / "out")
    longer = train_spec("topr", steps=reached + 2, evaluate_every=0)
    second = Recorder()
    world.train("out", longer, reporter=second)
    assert min(second.points) == reached
    world.train("whole", longer)
    expected = weights(world.folder / "whole")
    for key, weight in weights(world.folder / "out").items():
        torch.testing.assert_close(weight, expected[key], rtol=0, atol=1e-4, msg=key)


class Killer(Recorder):
    """Kills the second process once a step was logged, and looks at it before."""

    environment: dict[str, str]
    group: int = 0

    def log(
        self, step: int, metrics: Mapping[str, float], *, samples: int, tokens: int, seconds: float
    ) -> None:
        super().log(step, metrics, samples=samples, tokens=tokens, seconds=seconds)
        if step == 2:
            [second] = [each for each in ranks_left() if each.cmdline()[-1] == "1"]
            self.environment, self.group = second.environ(), os.getpgid(second.pid)
            second.kill()


def test_a_process_that_dies_ends_the_training_and_is_named(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_JOB", "7-1@test")
    killer = Killer()
    spec = train_spec("topr", steps=4000, evaluate_every=0, devices=2)
    with pytest.raises(ProcessLostError, match=r"Of the 2 processes .* process 2 was killed by"):
        world.train("out", spec, reporter=killer)
    assert ranks_left() == []
    assert max(killer.points) < 4000
    assert killer.environment["LAB_JOB"] == "7-1@test"
    assert killer.group == os.getpgid(0)


@pytest.mark.parametrize(
    "error",
    [
        UserError("too long"),
        CorruptArtifactError("a file is short"),
        Stopped("at step 3"),
        MemoryError("no room"),
        NonFiniteLossError(7, "gradient"),
    ],
)
def test_what_a_process_raises_is_raised_where_it_was_started(error: Exception) -> None:
    message = json.loads(json.dumps(Told.of(error).message()))
    raised = Told(**message["end"]).error()
    assert type(raised) is type(error)
    assert str(raised) == str(error)


def test_errors_without_a_meaning_keep_their_traceback_and_consequences_are_known() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        _ = 1 / int(torch.zeros(()))
    told = Told.of(caught.value)
    assert isinstance(told.error(), RankError)
    assert "Traceback" in str(told.error())
    assert told.kind == "other"
    lost = RuntimeError("[gloo/transport/tcp/pair.cc:538] Connection closed by peer")
    assert Told.of(lost).kind == "left alone"


def test_fewer_gpus_than_devices_are_named_before_anything_starts(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(UserError, match=r"2 devices, and this worker has 1 GPU. Set devices"):
        world.train("out", train_spec("topr", devices=2))


def test_each_process_sees_one_of_the_gpus_that_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3,6,7")
    assert visible_devices(3) == ["2", "3", "6"]
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert visible_devices(2) == ["0", "1"]
