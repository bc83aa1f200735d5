"""What can be said of the vLLM engine without vLLM; tests/engines runs it for real."""

import importlib.util
import sys
from pathlib import Path

import pytest
import torch

from algorithms.asking import VLLMSettings
from algorithms.base import UserError
from algorithms.specs import GenerateSpec
from algorithms.training import vllm_process
from algorithms.training.vllm_process import gpu_shares
from tests.algorithms.training.world import World


def test_settings_of_vllm_split_no_fingerprints_of_other_engines() -> None:
    settings = VLLMSettings(tensor_parallel=2)
    assert GenerateSpec(vllm=settings) == GenerateSpec()
    assert GenerateSpec(engine="vllm", vllm=settings).vllm == settings


@pytest.mark.skipif(sys.platform != "linux", reason="vLLM runs on Linux")
@pytest.mark.parametrize(
    ("python", "message"),
    [("", "vLLM is not installed"), ("/nowhere/python", "/nowhere/python cannot be run")],
)
def test_a_worker_without_vllm_says_what_to_do(
    world: World, monkeypatch: pytest.MonkeyPatch, python: str, message: str
) -> None:
    if not python and importlib.util.find_spec("vllm"):
        pytest.skip("vLLM is installed beside these tests")
    monkeypatch.setenv(vllm_process.PYTHON_VARIABLE, python)
    spec = GenerateSpec(engine="vllm", prompts=2)
    with pytest.raises(UserError, match=message) as caught:
        world.run("x", "generate", spec, policy="policy", dataset="dataset")
    assert vllm_process.PYTHON_VARIABLE in str(caught.value)


def test_an_engine_that_breaks_down_is_no_fault_of_the_users(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho it went wrong >&2\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setenv(vllm_process.PYTHON_VARIABLE, str(broken))
    spec = GenerateSpec(engine="vllm", prompts=2)
    with pytest.raises(RuntimeError, match="ended with status 3\nit went wrong"):
        world.run("x", "generate", spec, policy="policy", dataset="dataset")


def test_copies_get_gpus_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert gpu_shares(2, 2) == ["0,1", "2,3"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,6,GPU-x")
    assert gpu_shares(3, 1) == ["4", "5", "6"]
    with pytest.raises(UserError, match="need 6 and this worker has 4"):
        gpu_shares(3, 2)


def test_without_gpus_copies_share_the_cpu_and_no_model_is_spread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert gpu_shares(2, 1) == [None, None]
    with pytest.raises(UserError, match="has no GPU"):
        gpu_shares(1, 2)
