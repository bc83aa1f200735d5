"""D4RL, Minari and NPZ come in as the same transitions; what is wrong is named."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from algorithms.base import UserError
from algorithms.control_data.d4rl import write_hdf5
from algorithms.control_data.reading import read_file
from algorithms.control_data.selection import best_episodes, without_region
from algorithms.control_data.statistics import describe
from algorithms.control_data.transitions import Transitions, concatenate, load_transitions
from algorithms.control_data.validation import checked
from algorithms.control_derived_specs import LeaveOutSpec
from tests.algorithms.control.worlds import random_transitions, run

UNIT = {"action_low": [-1.0, -1.0], "action_high": [1.0, 1.0]}


def raw(rows: int = 60, length: int = 20) -> dict[str, np.ndarray]:
    return dict(random_transitions(rows, length=length).arrays())


def same(found: Transitions, expected: Transitions) -> None:
    for name, values in expected.arrays().items():
        np.testing.assert_array_equal(found.arrays()[name], values)


def test_d4rl_minari_and_npz_hold_the_same_transitions(tmp_path: Path) -> None:
    data = random_transitions(60)
    write_hdf5(tmp_path / "one.hdf5", data)
    named: dict[str, Any] = {**data.arrays(), "extra": np.zeros(3)}
    np.savez(tmp_path / "two.npz", **named)
    folder = tmp_path / "pointmaze" / "three-v0" / "data"
    folder.mkdir(parents=True)
    (folder / "metadata.json").write_text(
        json.dumps({"dataset_id": "three-v0", "env_spec": '{"id": "PointMaze_UMaze-v3"}'})
    )
    with h5py.File(folder / "main_data.hdf5", "w") as file:
        for number in (10, 2, 0, 1)[1:]:
            rows = slice(20 * number, 20 * number + 20)
            group = file.create_group(f"episode_{number}")
            last = data.next_observations[rows][-1:]
            group["observations"] = np.concatenate([data.observations[rows], last])
            group["actions"] = data.actions[rows]
            group["rewards"] = data.rewards[rows]
            group["terminations"] = data.terminated[rows]
            group["truncations"] = data.truncated[rows]
    for path in (tmp_path / "one.hdf5", tmp_path / "two.npz"):
        same(checked(read_file(path, "auto").arrays, UNIT), data)
    found = read_file(tmp_path / "pointmaze" / "three-v0", "auto")
    assert (found.name, found.environment) == ("three-v0", "PointMaze_UMaze-v3")
    minari = checked(found.arrays, UNIT)
    np.testing.assert_array_equal(minari.observations, data.observations)
    np.testing.assert_array_equal(minari.truncated, data.truncated)


def test_minaris_dictionaries_become_flat_as_gymnasium_flattens_them(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "main_data.hdf5", "w") as file:
        group = file.create_group("episode_0")
        group["observations/observation"] = np.full((3, 2), 3.0)
        group["observations/achieved_goal"] = np.full((3, 1), 1.0)
        group["observations/desired_goal"] = np.full((3, 1), 2.0)
        group["actions"] = np.zeros((2, 2))
        group["rewards"] = np.zeros(2)
        group["terminations"] = np.zeros(2, bool)
        group["truncations"] = np.array([False, True])
    found = read_file(tmp_path / "main_data.hdf5", "auto")
    assert found.arrays["observations"][0].tolist() == [1.0, 2.0, 3.0, 3.0]


def test_without_successors_the_last_step_of_a_time_out_is_left_out() -> None:
    arrays = raw(60)
    del arrays["next_observations"]
    found = checked(arrays, UNIT)
    # Episodes 0 and 2 are terminated, episode 1 ran into the limit.
    assert len(found) == 59
    assert found.lengths.tolist() == [20, 19, 20]
    assert found.truncated[38]
    np.testing.assert_array_equal(found.next_observations[:19], arrays["observations"][1:20])


def test_time_limits_of_data_without_time_outs_come_from_the_number_of_steps() -> None:
    arrays = raw(60)
    del arrays["timeouts"]
    arrays["terminals"] = np.zeros(60, bool)
    with pytest.raises(UserError, match="No episode ever ends"):
        checked(arrays, UNIT)
    assert checked(arrays, UNIT, episode_steps=15).lengths.tolist() == [15, 15, 15, 15]


def with_nan(arrays: dict[str, np.ndarray]) -> None:
    arrays["rewards"][7] = np.nan


def beyond(arrays: dict[str, np.ndarray]) -> None:
    arrays["actions"][5, 1] = 1.5


def shorter(arrays: dict[str, np.ndarray]) -> None:
    arrays["rewards"] = arrays["rewards"][:-1]


def discrete(arrays: dict[str, np.ndarray]) -> None:
    arrays["actions"] = np.zeros(60, np.int64)


def nameless(arrays: dict[str, np.ndarray]) -> None:
    del arrays["terminals"]


def other_successors(arrays: dict[str, np.ndarray]) -> None:
    arrays["next_observations"] = arrays["next_observations"][:, :2]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (with_nan, "rewards holds 1 numbers that are NaN or infinite, the first in row 7"),
        (beyond, "1 actions are out of bounds, the first in row 5: 1.5 in dimension 1"),
        (shorter, "must be equally long"),
        (discrete, "Discrete actions are not for this laboratory"),
        (nameless, "has no terminals"),
        (other_successors, "next_observations have the shape"),
    ],
)
def test_what_is_wrong_with_the_arrays_is_named(damage: Any, message: str) -> None:
    arrays = {name: values.copy() for name, values in raw().items()}
    damage(arrays)
    with pytest.raises(UserError, match=message):
        checked(arrays, UNIT)


def test_an_episode_that_never_ends_is_refused() -> None:
    rows = 100_002
    arrays = {
        "observations": np.zeros((rows, 1), np.float32),
        "actions": np.zeros((rows, 1), np.float32),
        "rewards": np.zeros(rows, np.float32),
        "terminals": np.arange(rows) == rows - 1,
    }
    bounds = {"action_low": [-1.0], "action_high": [1.0]}
    with pytest.raises(UserError, match="An episode has 100,002 steps"):
        checked(arrays, bounds)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("text.hdf5", b"no data here", "neither HDF5"),
        ("cut.hdf5", b"\x89HDF\r\n\x1a\n" + b"0" * 100, "cannot be read as HDF5|neither HDF5"),
    ],
)
def test_a_file_of_another_format_is_refused(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_file(tmp_path / name, "auto")


def test_pickled_arrays_are_refused_unopened(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", observations=np.array([{"code": 1}], dtype=object))
    with pytest.raises(UserError, match="pickled objects"):
        read_file(tmp_path / "x.npz", "auto")


def test_different_environments_are_not_one_data_set() -> None:
    first = random_transitions(20)
    other = Transitions(
        first.observations[:, :2], first.actions, first.rewards, first.next_observations[:, :2],
        first.terminated, first.truncated,
    )  # fmt: skip
    with pytest.raises(UserError, match="cannot be one data set"):
        concatenate([first, other], {})


def test_returns_discount_within_each_episode_only() -> None:
    data = random_transitions(40)
    halves = [data.rewards[:20], data.rewards[20:]]
    assert data.returns().tolist() == pytest.approx(
        [float(half.sum()) for half in halves], rel=1e-5
    )
    weights = 0.5 ** np.arange(20)
    expected = [float((half * weights).sum()) for half in halves]
    assert data.returns(0.5).tolist() == pytest.approx(expected, rel=1e-5)


def test_the_best_episodes_are_those_of_highest_return() -> None:
    data = random_transitions(200)
    best = best_episodes(data, 0.3, 1.0)
    assert sorted(best.returns()) == pytest.approx(sorted(data.returns())[-3:], rel=1e-5)
    assert len(best_episodes(data, 0.01, 1.0).ends) == 1


def hole(*bounds: tuple[int, float | None, float | None], touching: str = "state") -> LeaveOutSpec:
    region = [{"dimension": place, "low": low, "high": high} for place, low, high in bounds]
    return LeaveOutSpec.model_validate({"region": region, "touching": touching})


def test_a_hole_ends_episodes_like_a_time_limit() -> None:
    data = random_transitions(200)
    left = without_region(data, hole((0, -0.5, 0.5), (1, -0.5, 0.5)))
    inside = (np.abs(left.observations[:, :2]) <= 0.5).all(axis=1)
    assert not inside.any()
    assert 0 < len(left) < 200
    assert len(left.ends) > len(data.ends)
    assert (left.terminated | left.truncated)[left.ends - 1].all()
    with pytest.raises(UserError, match="holds every step"):
        without_region(data, hole((2, -99, 99)))
    with pytest.raises(UserError, match="holds no step"):
        without_region(data, hole((2, 99, None)))
    with pytest.raises(UserError, match="dimension 3, and observations have 3"):
        without_region(data, hole((3, 0, None)))


def test_a_hole_leaves_out_whole_steps_and_keeps_how_episodes_end() -> None:
    line = np.arange(8, dtype=np.float32)[:, None]
    data = Transitions(
        observations=line,
        actions=np.zeros((8, 1), np.float32),
        rewards=line[:, 0],
        next_observations=line + 1,
        terminated=np.arange(8) == 3,
        truncated=np.arange(8) == 7,
        metadata={},
    )
    left = without_region(data, hole((0, 5, 5)))
    assert left.rewards.tolist() == [0, 1, 2, 3, 4, 6, 7]
    assert np.flatnonzero(left.terminated).tolist() == [3]
    assert np.flatnonzero(left.truncated).tolist() == [4, 6]
    never = without_region(data, hole((0, 5, 5), touching="either"))
    assert never.rewards.tolist() == [0, 1, 2, 3, 6, 7]  # 4 leads into the hole
    assert np.flatnonzero(never.truncated).tolist() == [5]
    # The end itself is in the hole: what is left before it was cut, and did not end by itself.
    cut = without_region(data, hole((0, 3, 3)))
    assert not cut.terminated.any()
    assert np.flatnonzero(cut.truncated).tolist() == [2, 6]


def test_a_region_must_be_one() -> None:
    for bounds, message in (
        (((0, None, None),), "needs a smallest or a largest"),
        (((0, 2.0, 1.0),), "is above the largest"),
        (((0, 0.0, None), (0, None, 1.0)), "name each dimension once"),
    ):
        with pytest.raises(ValueError, match=message):
            hole(*bounds)


def test_statistics_tell_coverage_constant_dimensions_and_one_episode() -> None:
    data = random_transitions(40, length=100)
    data.observations[:, 1] = 7
    data.actions[:, 0] = np.clip(data.actions[:, 0], 0, 1)
    found = describe(data)
    assert found.constant_dimensions == (1,)
    assert found.episodes == 1
    assert found.action_coverage[0] <= 0.5
    assert found.action_coverage[1] > 0.5
    assert any("one episode" in warning for warning in found.warnings)


def test_an_import_takes_the_name_for_its_reference_returns(tmp_path: Path) -> None:
    folder = tmp_path / "file"
    folder.mkdir()
    write_hdf5(folder / "hopper-medium-v2.hdf5", random_transitions(60))
    summary = run("transitions", tmp_path / "out", {}, file=folder)
    assert summary["reference"] == "D4RL"
    same(load_transitions(tmp_path / "out"), random_transitions(60))
    wrong: Mapping[str, Any] = {"environment": "Hopper-v5"}
    with pytest.raises(UserError, match="Hopper-v5 has 11 and 3"):
        run("transitions", tmp_path / "two", wrong, file=folder)


def test_an_import_reads_no_path_that_is_not_allowed(tmp_path: Path) -> None:
    spec = {"source": {"source": "file", "path": "/etc/passwd"}}
    with pytest.raises(UserError, match="not a file or folder that jobs may read"):
        run("transitions", tmp_path / "out", spec)
    minari = {"source": {"source": "minari", "name": "../../etc"}}
    with pytest.raises(UserError, match="no Minari data set"):
        run("transitions", tmp_path / "two", minari)
