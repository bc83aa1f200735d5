"""What every algorithm of `algorithms/control/` must keep; a new file is tested without a line."""

import json
import math
from pathlib import Path
from typing import Any

import latex2mathml.converter
import numpy as np
import pytest
import torch

from algorithms.base import NonFiniteLossError, Stopped, UserError
from algorithms.catalogue import CONTROL_ALGORITHMS, CORRECTIONS
from algorithms.control_base import ControlAlgorithm, CorrectionAlgorithm, Spaces
from algorithms.control_metrics import ALL_CONTROL_METRICS
from algorithms.controllers.files import load_controller
from algorithms.settings import ControlSettings
from algorithms.shared.control_metrics import CONTROL_TRAIN_METRICS
from algorithms.training.control import DivergedError
from tests.algorithms.control.worlds import Heard, random_batch, random_transitions, run

NARROW = {"hidden_size": 16}
SHORT = {"steps": 40, "batch_size": 16, "log_every": 10, "checkpoint_every": 10}


@pytest.fixture(params=list(CONTROL_ALGORITHMS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def algorithm(name: str) -> ControlAlgorithm:
    return CONTROL_ALGORITHMS[name]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    random_transitions().save(folder)
    return folder


def spec(name: str, **more: Any) -> dict[str, Any]:
    params = NARROW | ({"candidates": 2} if name == "cql" else {})
    params |= {"execute_hidden_size": 16} if name == "por" else {}
    return {"algorithm": name, "params": params, "settings": SHORT, **more}


def weights(folder: Path, seed: int = 0) -> bytes:
    return (folder / f"policy-{seed}.safetensors").read_bytes()


def test_the_catalogue_has_the_six_of_the_laboratory() -> None:
    assert set(CONTROL_ALGORITHMS) == {"bc", "cql", "iql", "por", "td3_bc"}
    assert set(CORRECTIONS) == {"cdsa"}
    assert "reference design" in CORRECTIONS["cdsa"].title


@pytest.mark.parametrize("one", [*CONTROL_ALGORITHMS.values(), *CORRECTIONS.values()])
def test_it_is_presented_and_every_setting_explains_itself(
    one: ControlAlgorithm | CorrectionAlgorithm,
) -> None:
    assert latex2mathml.converter.convert(one.formula).startswith("<math")
    assert one.summary.endswith(".")
    for preset in ({}, *one.presets.values()):
        params = one.params.model_validate(preset)
        again = json.loads(json.dumps(params.model_dump(mode="json")))
        assert one.params.model_validate(again) == params
    for field_name, field in (one.params.model_fields | ControlSettings.model_fields).items():
        assert field.description, f"{field_name} has no help text"


def test_every_preset_takes_finite_steps_and_gives_declared_metrics(
    algorithm: ControlAlgorithm,
) -> None:
    declared = {metric.name for metric in (*CONTROL_TRAIN_METRICS, *algorithm.metrics)}
    for preset in ({}, *algorithm.presets.values()):
        small = {**preset, **NARROW}
        params = algorithm.params.model_validate(small)
        agent = algorithm.build(Spaces(3, 2), params)
        batch = random_batch(Spaces(3, 2), rows=8, normals=agent.normals, uniforms=agent.uniforms)
        figures = dict(agent.update(batch))
        assert set(figures) <= declared
        assert all(bool(torch.isfinite(value).all()) for value in figures.values())
        actions = agent.act(batch.observations)
        assert actions.shape == (1, 8, 2)
        assert float(actions.abs().max()) <= 1


def test_metrics_are_declared_once(algorithm: ControlAlgorithm) -> None:
    shared = {metric.name for metric in ALL_CONTROL_METRICS}
    others = {m.name: m for other in CONTROL_ALGORITHMS.values() for m in other.metrics}
    for metric in algorithm.metrics:
        assert metric.name not in shared
        assert others[metric.name] == metric


def test_a_training_repeats_from_its_seed_and_its_policy_acts(
    name: str, data: Path, tmp_path: Path
) -> None:
    for folder in ("one", "two"):
        run("train_control", tmp_path / folder, spec(name), transitions=data)
    run("train_control", tmp_path / "other", spec(name, seed=1), transitions=data)
    assert weights(tmp_path / "one") == weights(tmp_path / "two")
    assert weights(tmp_path / "one") != weights(tmp_path / "other", 1)
    actions = load_controller(tmp_path / "one").act(
        np.zeros((4, 3), np.float32), np.arange(4, dtype=np.int64)
    )
    assert actions.shape == (4, 2)
    assert np.isfinite(actions).all()


def test_an_interrupted_training_comes_out_bit_for_bit(
    name: str, data: Path, tmp_path: Path
) -> None:
    run("train_control", tmp_path / "whole", spec(name), transitions=data)
    with pytest.raises(Stopped):
        run("train_control", tmp_path / "cut", spec(name), transitions=data, reporter=Heard(32))
    heard = Heard()
    run("train_control", tmp_path / "cut", spec(name), transitions=data, reporter=heard)
    assert heard.messages == ["Going on after step 32."]
    assert weights(tmp_path / "cut") == weights(tmp_path / "whole")


def test_seeds_side_by_side_come_out_as_they_would_alone(
    name: str, data: Path, tmp_path: Path
) -> None:
    together = spec(name) | {"settings": SHORT | {"parallel_seeds": 3}}
    run("train_control", tmp_path / "together", together, transitions=data)
    observations = random_transitions(50, seed=9).observations
    episodes = np.arange(50, dtype=np.int64)
    for seed in (0, 2):
        run("train_control", tmp_path / f"{seed}", spec(name, seed=seed), transitions=data)
        alone = load_controller(tmp_path / f"{seed}").act(observations, episodes)
        found = load_controller(tmp_path / "together", seed=seed).act(observations, episodes)
        # Products of several matrices at once round in another order than one by one.
        np.testing.assert_allclose(found, alone, atol=2e-4)
    with pytest.raises(UserError, match="has the seeds 0, 1, 2, not 7"):
        load_controller(tmp_path / "together", seed=7)


def test_exploding_values_stop_the_training_with_its_last_good_checkpoint(
    data: Path, tmp_path: Path
) -> None:
    wild = spec("td3_bc") | {"settings": SHORT | {"steps": 4000, "divergence_factor": 1.001}}
    wild["params"] = NARROW | {"critic_learning_rate": 1.0, "target_update_rate": 1.0}
    heard = Heard()
    with pytest.raises(NonFiniteLossError) as caught:
        run("train_control", tmp_path / "wild", wild, transitions=data, reporter=heard)
    assert isinstance(caught.value, DivergedError)
    assert "Lower the critic's learning rate" in str(caught.value)
    kept = sorted((tmp_path / "wild.checkpoints").glob("step-*"))
    assert all(int(each.name.removeprefix("step-")) < caught.value.step for each in kept)
    last = int(kept[-1].name.removeprefix("step-"))
    (alarm,) = [text for text in heard.messages if text.startswith("Step")]
    assert f"The last good checkpoint is from step {last:,}." in alarm


def test_a_loss_that_is_no_number_names_its_step(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    poisoned = random_transitions()
    poisoned.rewards[:] = math.nan
    poisoned.save(folder)
    with pytest.raises(NonFiniteLossError, match="at step 10"):
        run("train_control", tmp_path / "out", spec("iql"), transitions=folder)


def test_settings_that_do_not_fit_are_named(data: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no control algorithm 'sac'"):
        run("train_control", tmp_path / "a", spec("sac"), transitions=data)
    wrong = spec("iql") | {"params": {"expectile": 2.0}}
    with pytest.raises(UserError, match="The setting expectile of Implicit Q-learning"):
        run("train_control", tmp_path / "b", wrong, transitions=data)
    evaluated = spec("bc") | {"settings": SHORT | {"evaluate_every": 10}}
    with pytest.raises(UserError, match="does not say which environment"):
        run("train_control", tmp_path / "c", evaluated, transitions=data)
