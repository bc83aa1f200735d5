"""The last checkpoint of a training that did not end, as a policy."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file

from algorithms.base import CorruptArtifactError, Stopped
from algorithms.controllers.files import load_controller, read_policy
from tests.algorithms.control.test_contract import SHORT, spec, weights
from tests.algorithms.control.worlds import Heard, random_transitions, run


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    random_transitions().save(folder)
    return folder


def cut(told: dict[str, Any], data: Path, folder: Path) -> Path:
    """Return the checkpoint of a training that was stopped after 32 updates."""
    with pytest.raises(Stopped):
        run("train_control", folder, told, transitions=data, reporter=Heard(32))
    (found,) = folder.with_name(f"{folder.name}.checkpoints").glob("step-*32")
    return found


def test_the_policy_is_that_of_a_training_which_ends_there(data: Path, tmp_path: Path) -> None:
    told = spec("td3_bc")
    checkpoint = cut(told, data, tmp_path / "cut")
    kept = told | {"step": 32}
    run("keep_checkpoint", tmp_path / "kept", kept, transitions=data, checkpoint=checkpoint)
    # TD3+BC's learning rates do not fall, so a shorter training takes the same 32 updates.
    shorter = told | {"settings": SHORT | {"steps": 32}}
    run("train_control", tmp_path / "shorter", shorter, transitions=data)
    assert weights(tmp_path / "kept") == weights(tmp_path / "shorter")
    record = read_policy(tmp_path / "kept")
    assert (record["algorithm"], record["kept_step"]) == ("td3_bc", 32)
    assert record["scaling"] == read_policy(tmp_path / "shorter")["scaling"]


@pytest.mark.parametrize("name", ["bc", "cql", "iql", "por"])
def test_the_policy_of_every_algorithm_and_seed_acts(name: str, data: Path, tmp_path: Path) -> None:
    told = spec(name)
    told["settings"] = SHORT | {"parallel_seeds": 2}
    checkpoint = cut(told, data, tmp_path / "cut")
    kept = told | {"step": 32}
    run("keep_checkpoint", tmp_path / "kept", kept, transitions=data, checkpoint=checkpoint)
    stored = load_file(checkpoint / "weights.safetensors")
    found = load_file(tmp_path / "kept" / "policy-1.safetensors")
    for key, value in stored.items():
        np.testing.assert_array_equal(value.view(-1, 2, *value.shape[1:])[:, 1], found[key])
    actions = load_controller(tmp_path / "kept", seed=1).act(
        np.zeros((3, 3), np.float32), np.arange(3, dtype=np.int64)
    )
    assert np.isfinite(actions).all()


def test_a_checkpoint_of_another_training_is_refused(data: Path, tmp_path: Path) -> None:
    checkpoint = cut(spec("td3_bc"), data, tmp_path / "cut")
    other = spec("td3_bc") | {"step": 32}
    other["params"] = {"hidden_size": 24}
    with pytest.raises(CorruptArtifactError, match="from step 32 does not fit this training"):
        run("keep_checkpoint", tmp_path / "no", other, transitions=data, checkpoint=checkpoint)
