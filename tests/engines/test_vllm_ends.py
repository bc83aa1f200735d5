"""Nothing of vLLM outlives its job, however that ends: no process, so no GPU memory either."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from algorithms.asking import Sampling, VLLMSettings
from algorithms.base import Stopped
from algorithms.specs import GenerateSpec
from tests.algorithms.training.world import Recorder, World
from tests.workers.fake_runner import write_fake_runner
from workers import guard, runners
from workers.child import Child

pytestmark = [pytest.mark.vllm, pytest.mark.slow, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
ENDLESS = """
import os, sys
from pathlib import Path
sys.path.insert(0, {root!r})
import torch
from algorithms.asking import Sampling, VLLMSettings
from algorithms.training.policy import load_policy
from algorithms.training.requests import Request
from algorithms.training.rollout_vllm import complete
folder = Path({folder!r})
policy = load_policy(folder, torch.device("cpu"))
[tokens] = policy.encode_prompts(["1+2="])
complete(
    folder, policy, [Request("p", n, tokens) for n in range(200_000)],
    sampling=Sampling(max_new_tokens=16), settings=VLLMSettings(enforce_eager=True),
    seed=0, precision="float32",
)
"""
CORE, WORKER = "VLLM::EngineCore", "VLLM::Worker"


def wait_for(names: set[str], pid: int) -> list[psutil.Process]:
    """Return everything below a process, once processes of these names are among it."""
    deadline = time.monotonic() + 240
    while True:
        family: list[psutil.Process] = psutil.Process(pid).children(recursive=True)
        if names <= {word.strip() for word in map(_title, family)}:
            return family
        assert time.monotonic() < deadline, [_title(one) for one in family]
        time.sleep(0.2)


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def all_gone(family: list[psutil.Process], timeout_s: float = 30) -> bool:
    _, left = psutil.wait_procs(family, timeout=timeout_s)
    return not left


@pytest.fixture
def lone(shared_world: World) -> Iterator[subprocess.Popen[bytes]]:
    """A process that samples without end and that no worker watches."""
    code = ENDLESS.format(root=str(ROOT), folder=str(shared_world.folder / "policy"))
    process = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    yield process
    guard.end_group(process.pid)
    process.wait()


def test_the_engine_dies_with_a_job_that_is_killed_where_no_worker_watches(
    lone: subprocess.Popen[bytes],
) -> None:
    family = wait_for({CORE, WORKER}, lone.pid)
    os.kill(lone.pid, signal.SIGKILL)
    lone.wait()
    assert all_gone(family)


def test_a_worker_finds_the_engine_by_the_mark_of_its_job_and_ends_it(
    shared_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = ENDLESS.format(root=str(ROOT), folder=str(shared_world.folder / "policy"))
    write_fake_runner(tmp_path, code)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setattr("django.conf.settings.BASE_DIR", tmp_path)
    monkeypatch.setattr("django.conf.settings.LAB_FORK_RUNNERS", True)
    runners.end_server()
    child = Child(os.getpid(), 7, "generate")
    try:
        while child.pid is None:
            assert child.wait(1.0) is None
        family = wait_for({CORE, WORKER}, child.pid)
        marked = {_title(psutil.Process(pid)).strip() for pid in guard.carriers(child.marker)}
        assert {CORE, WORKER} <= marked
    finally:
        child.end()
        runners.end_server()
    assert guard.carriers(child.marker) == []
    assert all_gone(family)


def test_a_wish_to_stop_is_obeyed_while_the_engine_starts(world: World) -> None:
    spec = GenerateSpec(
        engine="vllm", sampling=Sampling(max_new_tokens=4), vllm=VLLMSettings(enforce_eager=True)
    )
    before = set(psutil.Process().children(recursive=True))
    started = time.monotonic()
    with pytest.raises(Stopped):
        world.run(
            "x",
            "generate",
            spec,
            policy="policy",
            dataset="dataset",
            reporter=Recorder(stop_after=8),
        )
    assert time.monotonic() - started < 20
    assert set(psutil.Process().children(recursive=True)) <= before
