"""Other people's policies: files of Stable-Baselines3, TorchScript, and what is refused."""

import io
import json
import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from algorithms.base import UserError
from algorithms.controllers.files import load_controller
from algorithms.controllers.imported import actor_weights, read_sb3_zip
from algorithms.data.roots import MODEL_ROOTS_VARIABLE
from algorithms.environments.table import POINT_MASS
from tests.algorithms.control.worlds import run

AGENTS = Path(os.environ.get("LAB_SHARED_DATA", "")) / "rl_zoo_agents"
needs_agents = pytest.mark.skipif(
    not AGENTS.is_dir(), reason="LAB_SHARED_DATA names no folder with the trained agents"
)


MARK = Path(tempfile.gettempdir()) / f"offpolicy-lab-was-here-{os.getpid()}"


class Runs:
    """Would run code if it were unpickled."""

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return (Path.touch, (MARK,))


def zipped(path: Path, content: object) -> Path:
    raw = io.BytesIO()
    torch.save(content, raw)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("policy.pth", raw.getvalue())
        archive.writestr("data", json.dumps({"policy_kwargs": {}}))
    return path


def sac_weights() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    shapes = {
        "actor.latent_pi.0": (8, 3),
        "actor.latent_pi.2": (8, 8),
        "actor.mu": (1, 8),
        "actor.log_std": (1, 8),
    }
    found = {f"{n}.weight": torch.randn(s, generator=generator) for n, s in shapes.items()}
    return found | {f"{n}.bias": torch.randn(s[0], generator=generator) for n, s in shapes.items()}


def test_an_actor_acts_as_its_weights_say(tmp_path: Path) -> None:
    state = sac_weights()
    folder = tmp_path / "file"
    folder.mkdir()
    zipped(folder / "policy.zip", state)
    spec = {"source": "sb3", "environment": "Pendulum-v1"}
    run("control_policy", tmp_path / "out", spec, file=folder)
    seen = torch.randn(5, 3, generator=torch.Generator().manual_seed(1))
    hidden = seen
    for layer in ("actor.latent_pi.0", "actor.latent_pi.2"):
        hidden = (hidden @ state[f"{layer}.weight"].T + state[f"{layer}.bias"]).relu()
    mean = hidden @ state["actor.mu.weight"].T + state["actor.mu.bias"]
    actor = load_controller(tmp_path / "out")
    found = actor.act(seen.numpy(), np.arange(5))
    np.testing.assert_allclose(found, 2 * torch.tanh(mean).numpy(), rtol=1e-5)
    drawing = load_controller(tmp_path / "out", stochastic=True)
    drawing.start(list(range(5)), 10)
    drawn = drawing.act(seen.numpy(), np.arange(5))
    drawing.start(list(range(5)), 10)
    assert (drawn != found).any()
    np.testing.assert_array_equal(drawing.act(seen.numpy(), np.arange(5)), drawn)


def test_td3_and_ppo_actors_are_known_by_their_weights() -> None:
    plain = {
        f"actor.mu.{n}.{part}": torch.zeros(shape if part == "weight" else shape[:1])
        for n, shape in ((0, (8, 3)), (2, (8, 8)), (4, (1, 8)))
        for part in ("weight", "bias")
    }
    weights, record = actor_weights(plain, "td3.zip")
    assert set(weights) == {
        f"{name}.{part}" for name in ("hidden.0", "hidden.1", "mean") for part in ("weight", "bias")
    }
    assert (record["layers"], record["squashed"], record["activation"]) == (2, True, "relu")
    with pytest.raises(UserError, match="no actor for continuous actions"):
        actor_weights({"q_net.0.weight": torch.zeros(2, 2)}, "dqn.zip")


def test_a_file_that_carries_code_is_refused_and_not_run(tmp_path: Path) -> None:
    path = zipped(tmp_path / "bad.zip", {"actor.mu.weight": Runs()})
    with pytest.raises(UserError, match="can run code"):
        read_sb3_zip(path)
    assert not MARK.exists()


@pytest.mark.parametrize("content", [b"nothing", b"PK\x05\x06" + b"\0" * 18])
def test_a_file_that_is_no_policy_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "policy.zip"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"not a policy of Stable-Baselines3"):
        read_sb3_zip(path)


def test_a_policy_of_another_environment_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "file"
    folder.mkdir()
    zipped(folder / "policy.zip", sac_weights())
    with pytest.raises(UserError, match="observation size 3, and Hopper-v5 has 11"):
        run(
            "control_policy", tmp_path / "out", {"source": "sb3", "environment": "Hopper-v5"},
            file=folder,
        )  # fmt: skip


class Left(torch.nn.Module):
    """Goes left."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        return -2.0 * torch.ones(observations.shape[0], self.size)


def test_a_torchscript_file_acts_within_the_bounds(tmp_path: Path) -> None:
    for size in (2, 3):
        folder = tmp_path / f"file{size}"
        folder.mkdir()
        torch.jit.save(torch.jit.script(Left(size)), str(folder / "policy.pt"))
    spec = {"source": "torchscript", "environment": POINT_MASS}
    run("control_policy", tmp_path / "out", spec, file=tmp_path / "file2")
    found = load_controller(tmp_path / "out").act(np.zeros((2, 4), np.float32), np.arange(2))
    assert found.tolist() == [[-1, -1], [-1, -1]]
    with pytest.raises(UserError, match="must give 2 numbers per observation"):
        run("control_policy", tmp_path / "three", spec, file=tmp_path / "file3")
    (tmp_path / "file3" / "policy.pt").write_bytes(b"text")
    with pytest.raises(UserError, match="not a TorchScript file"):
        run("control_policy", tmp_path / "four", spec, file=tmp_path / "file3")


@needs_agents
@pytest.mark.parametrize(
    ("file", "environment"),
    [("sac_pendulum-v1.zip", "Pendulum-v1"), ("tqc_hopper-v3.zip", "Hopper-v5")],
)
def test_real_agents_reach_their_known_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, environment: str
) -> None:
    monkeypatch.setenv(MODEL_ROOTS_VARIABLE, str(AGENTS))
    spec = {"source": "sb3", "environment": environment, "path": str(AGENTS / file)}
    summary = run("control_policy", tmp_path / "out", spec)
    least = {"Pendulum-v1": -400, "Hopper-v5": 3000}[environment]
    assert float(summary["tried_return_mean"]) > least
