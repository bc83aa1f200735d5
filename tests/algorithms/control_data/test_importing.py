"""A file of others becomes transitions without a simulator; what is wrong names its setting."""

from pathlib import Path

import numpy as np
import pytest

from algorithms.base import UserError
from algorithms.control_data.importing import imported, shapes_of
from algorithms.control_data.reading import Raw
from algorithms.control_data.validation import BadTransitionsError
from algorithms.control_specs import TransitionsSpec
from algorithms.environments.registry import action_bounds, observation_size
from algorithms.environments.shapes import SHAPES
from algorithms.environments.table import ENVIRONMENTS
from tests.algorithms.control.worlds import random_transitions


def raw(name: str = "mine", rows: int = 60) -> Raw:
    return Raw(dict(random_transitions(rows, length=20).arrays()), name)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_table_of_sizes_agrees_with_the_simulators(name: str) -> None:
    low, high = action_bounds(name)
    shape = SHAPES[name]
    assert (shape.observation_size, shape.action_size) == (observation_size(name), len(low))
    assert set(high.tolist()) == {shape.action_high}
    assert set(low.tolist()) == {-shape.action_high}


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"environment": "Hopper-v5"}, "environment"),
        ({"action_high": 0.001}, "action_high"),
        ({"action_low": -0.001}, "action_low"),
        ({"action_low": 1.0, "action_high": -1.0}, "action_high"),
    ],
)
def test_an_error_names_the_setting_that_it_is_about(
    settings: dict[str, object], field: str
) -> None:
    with pytest.raises(BadTransitionsError) as refused:
        imported(raw(), TransitionsSpec.model_validate(settings))
    assert refused.value.field == field


def test_data_without_ends_ask_for_the_number_of_steps() -> None:
    found = raw()
    del found.arrays["timeouts"]
    found.arrays["terminals"] = np.zeros(60, bool)
    with pytest.raises(BadTransitionsError) as refused:
        imported(found, TransitionsSpec())
    assert refused.value.field == "episode_steps"
    assert len(imported(found, TransitionsSpec(episode_steps=20)).ends) == 3


def test_an_error_of_the_file_names_no_setting_and_an_unknown_environment_is_said() -> None:
    broken = raw()
    broken.arrays["rewards"][3] = np.nan
    with pytest.raises(BadTransitionsError) as refused:
        imported(broken, TransitionsSpec())
    assert not refused.value.field
    with pytest.raises(UserError, match="no environment 'Hoper-v5'"):
        imported(raw(), TransitionsSpec(environment="Hoper-v5"))


def test_bounds_and_reference_returns_follow_from_environment_and_name() -> None:
    observations, actions = np.zeros((4, 3), np.float32), np.full((4, 1), 2, np.float32)
    arrays: dict[str, np.ndarray] = {
        "observations": observations, "actions": actions, "rewards": np.ones(4),
        "terminals": np.array([0, 1, 0, 1]), "next_observations": observations,
    }  # fmt: skip
    data = imported(Raw(arrays, "x"), TransitionsSpec(environment="Pendulum-v1"))
    assert data.metadata["action_high"] == [2.0]
    assert data.metadata["reference"] is None
    named = TransitionsSpec(reference="hopper-medium-v2", action_low=-2, action_high=2)
    reference = imported(Raw(arrays, "x"), named).metadata["reference"]
    assert reference == {"random": -20.272305, "expert": 3234.3, "source": "D4RL"}


def test_shapes_are_said_in_words(tmp_path: Path) -> None:
    found = shapes_of(raw(rows=60))
    assert found["rewards"] == "60, float32"
    assert found["observations"].startswith("60 x ")
