"""A walk shows every correction of one action, and ends where the evaluation's action is."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from algorithms.control.cdsa import Params
from algorithms.control_specs import EvaluateControlSpec
from algorithms.controllers.assembly import assembled
from tests.algorithms.control.worlds import random_transitions, run

SMALL = {"hidden_size": 16, "hidden_layers": 1}
SHORT = {"steps": 30, "log_every": 30, "checkpoint_every": 30}
SEEN = np.array([0.4, -0.7, 1.3], np.float32)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("walk")
    data = folder / "data"
    data.mkdir()
    random_transitions().save(data)
    made = {name: folder / name for name in ("policy", "score", "state_score", "inverse_dynamics")}
    bc = {"algorithm": "bc", "params": {"hidden_size": 16}, "settings": {"steps": 20}}
    run("train_control", made["policy"], bc, transitions=data)
    score: dict[str, Any] = {"params": SMALL, "settings": SHORT}
    run("train_score", made["score"], score, transitions=data)
    score = {"params": {**SMALL, "variables": "state"}, "settings": SHORT}
    run("train_score", made["state_score"], score, transitions=data)
    dynamics = {"params": {**SMALL, "forward": True}, "settings": SHORT}
    run("train_inverse_dynamics", made["inverse_dynamics"], dynamics, transitions=data)
    return made


SETTINGS: list[dict[str, Any]] = [
    {"steps": 5, "noise_level": 0.3},
    {"steps": 4, "state_gain": 0.7, "auxiliary": "next", "max_shift": 0.05},
    {"steps": 3, "state_gain": 1.0, "auxiliary": "displacement", "density": "both"},
    {"steps": 6, "anneal_from": 1.0, "noise_level": 0.1},
    {"steps": 4, "langevin": True, "langevin_step": 0.01, "seed": 3},
]


@pytest.mark.parametrize("settings", SETTINGS)
def test_the_last_action_of_a_walk_is_the_controllers_bit_for_bit(
    inputs: dict[str, Path], settings: dict[str, Any]
) -> None:
    spec = EvaluateControlSpec(correction="cdsa", correction_params=settings)
    # Two of them: the noise of Langevin steps is drawn from a generator that goes on.
    walk = assembled(spec, inputs).walk(SEEN)
    other = assembled(spec, inputs)
    other.start([0], 1)
    acted = other.act(SEEN[None], np.zeros(1, np.int64))[0]
    assert walk.action.tobytes() == acted.tobytes()
    assert len(walk.steps) == settings["steps"]
    assert walk.action == pytest.approx(walk.steps[-1].action)
    before, after = other.traces[-1].ood_before[0], other.traces[-1].ood_after[0]
    assert (walk.ood, walk.steps[-1].ood) == (before, after)


def test_every_step_adds_its_parts_to_the_action_before(inputs: dict[str, Path]) -> None:
    params = {"steps": 3, "state_gain": 0.5, "action_gain": 0.2, "noise_level": 0.2}
    spec = EvaluateControlSpec(correction="cdsa", correction_params=params)
    walk = assembled(spec, inputs).walk(SEEN)
    before = walk.start
    for step in walk.steps:
        moved = np.clip(before + step.action_part + step.state_part, -1, 1)
        assert step.action == pytest.approx(moved, abs=1e-6)
        assert np.abs(step.state_part).sum() > 0
        before = step.action


def test_without_a_correction_the_walk_is_the_policys_action(inputs: dict[str, Path]) -> None:
    for settings in ({"steps": 0}, {"action_gain": 0.0, "state_gain": 0.0}):
        assert Params.model_validate(settings).changes_nothing
        spec = EvaluateControlSpec(correction="cdsa", correction_params=settings)
        walk = assembled(spec, inputs).walk(SEEN)
        assert walk.steps == ()
        assert walk.action == pytest.approx(walk.start, abs=1e-6)


def test_a_walk_without_networks_is_refused(inputs: dict[str, Path]) -> None:
    bare = assembled(EvaluateControlSpec(), {"policy": inputs["policy"]})
    with pytest.raises(ValueError, match="needs a score network"):
        bare.walk(SEEN)
