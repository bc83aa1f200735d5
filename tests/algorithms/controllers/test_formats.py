"""Policies of others as ONNX graphs and Python functions, and the moments beside an SB3 file."""

import pickle  # noqa: TID251 - writes what others would, to see it refused
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from algorithms.base import UserError
from algorithms.controllers.entry_point import ENTRY_POINTS_VARIABLE
from algorithms.controllers.files import load_controller
from algorithms.controllers.normalisation import read_vecnormalize
from tests.algorithms.control.worlds import run
from tests.algorithms.controllers.test_imported import sac_weights, zipped

HERE = "tests.algorithms.controllers.acting"


def field(number: int, content: bytes | int | str) -> bytes:
    """Return one field of a protocol buffer: a number, or bytes."""
    if isinstance(content, int):
        return bytes([number << 3, content])
    raw = content.encode() if isinstance(content, str) else content
    assert len(raw) < 128 * 128
    low, high = len(raw) & 0x7F, len(raw) >> 7
    size = bytes([low | 0x80, high]) if high else bytes([low])
    return bytes([number << 3 | 2]) + size + raw


def onnx(matrix: np.ndarray) -> bytes:
    """Return the ONNX graph of actions = observations @ matrix."""
    rows, columns = matrix.shape
    content = matrix.astype("<f4").tobytes()
    dims = field(1, rows) + field(1, columns)
    weights = dims + field(2, 1) + field(8, "W") + field(9, content)
    node = field(1, "obs") + field(1, "W") + field(2, "actions") + field(4, "MatMul")

    def value(name: str, size: int) -> bytes:
        shape = field(1, field(2, "n")) + field(1, field(1, size))
        return field(1, name) + field(2, field(1, field(1, 1) + field(2, shape)))

    ends = field(11, value("obs", rows)) + field(12, value("actions", columns))
    graph = field(1, node) + field(2, "g") + field(5, weights) + ends
    return field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 13))


def given(tmp_path: Path, name: str, content: bytes) -> Path:
    folder = tmp_path / f"given-{name}"
    folder.mkdir()
    (folder / name).write_bytes(content)
    return folder


def test_an_onnx_graph_acts_within_the_bounds(tmp_path: Path) -> None:
    matrix = np.array([[0.5], [1.0], [-3.0]])
    folder = given(tmp_path, "policy.onnx", onnx(matrix))
    spec = {"source": "onnx", "environment": "Pendulum-v1"}
    assert run("control_policy", tmp_path / "out", spec, file=folder)["kind"] == "onnx"
    seen = np.array([[1, 0, 0], [0, 1, 0.5], [0, 0, 1]], np.float32)
    found = load_controller(tmp_path / "out").act(seen, np.arange(3))
    assert found.tolist() == [[0.5], [-0.5], [-2.0]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"text", "not an ONNX policy"),
        (onnx(np.ones((3, 2))), "must give 1 numbers per observation"),
        (onnx(np.ones((4, 1))), "refuses observations of size 3"),
    ],
)
def test_an_onnx_file_that_does_not_fit_is_refused(
    tmp_path: Path, content: bytes, message: str
) -> None:
    folder = given(tmp_path, "policy.onnx", content)
    with pytest.raises(UserError, match=message):
        run(
            "control_policy", tmp_path / "out",
            {"source": "onnx", "environment": "Pendulum-v1"}, file=folder,
        )  # fmt: skip


def test_a_python_function_acts_only_where_it_is_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = {"source": "entry_point", "environment": "Pendulum-v1", "entry_point": f"{HERE}:make"}
    with pytest.raises(UserError, match=ENTRY_POINTS_VARIABLE):
        run("control_policy", tmp_path / "no", spec)
    monkeypatch.setenv(ENTRY_POINTS_VARIABLE, f"os:system, {HERE}:make,{HERE}:wrong")
    run("control_policy", tmp_path / "out", spec)
    actor = load_controller(tmp_path / "out")
    assert actor.act(np.ones((2, 3), np.float32), np.arange(2)).tolist() == [[1.5], [1.5]]
    with pytest.raises(UserError, match="must give 1 numbers per observation"):
        run("control_policy", tmp_path / "wrong", spec | {"entry_point": f"{HERE}:wrong"})
    monkeypatch.delenv(ENTRY_POINTS_VARIABLE)
    with pytest.raises(UserError, match="not allowed here"):
        load_controller(tmp_path / "out")


def test_a_function_whose_source_changed_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine_to_change.py").write_text("def make(name):\n    return lambda o: o[:, :1]\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv(ENTRY_POINTS_VARIABLE, "mine_to_change:make")
    spec = {"source": "entry_point", "environment": "Pendulum-v1"}
    run("control_policy", tmp_path / "out", spec | {"entry_point": "mine_to_change:make"})
    (tmp_path / "mine_to_change.py").write_text("def make(name):\n    return lambda o: -o[:, :1]\n")
    with pytest.raises(UserError, match="has changed since"):
        load_controller(tmp_path / "out")


def moments(clip: float = 0.7, *, norm_obs: bool = True) -> VecNormalize:
    world = DummyVecEnv([lambda: gymnasium.make("Pendulum-v1")])
    found = VecNormalize(world, clip_obs=clip, norm_obs=norm_obs)
    found.seed(3)
    found.observation_space.seed(3)
    found.reset()
    for _ in range(20):
        found.step(np.full((1, 1), 1.5, np.float32))
    found.training = False
    return found


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_observations_are_normalised_and_clipped_as_they_were(
    tmp_path: Path, protocol: int
) -> None:
    made = moments()
    folder = tmp_path / "file"
    folder.mkdir()
    zipped(folder / "policy.zip", sac_weights())
    (folder / "vecnormalize.pkl").write_bytes(pickle.dumps(made, protocol))
    spec = {"source": "sb3", "environment": "Pendulum-v1"}
    run("control_policy", tmp_path / "out", spec, file=folder)
    seen = np.array([[1, 0, 0.1], [-1, 0.5, 5], [0.3, -0.2, -8]], np.float32)
    read = read_vecnormalize(folder / "vecnormalize.pkl", 3)
    assert read is not None
    expected = np.asarray(made.normalize_obs(seen), np.float32)
    assert np.abs(expected).max() == np.float32(0.7)
    np.testing.assert_allclose(read(seen), expected, rtol=1e-6)
    (folder / "vecnormalize.pkl").unlink()
    run("control_policy", tmp_path / "bare", spec, file=folder)
    bare, with_moments = (load_controller(tmp_path / name) for name in ("bare", "out"))
    numbers = np.arange(3)
    np.testing.assert_allclose(
        with_moments.act(seen, numbers), bare.act(expected, numbers), rtol=1e-5
    )


def test_moments_that_do_not_touch_observations_change_nothing(tmp_path: Path) -> None:
    made = moments(norm_obs=False)
    (tmp_path / "v.pkl").write_bytes(pickle.dumps(made))
    assert read_vecnormalize(tmp_path / "v.pkl", 3) is None


def pickled(content: object, protocol: int | None = None) -> bytes:
    """Return what others would write."""
    return pickle.dumps(content, protocol)


class Runs:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.touch, ("was-here",))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pickle.dumps(Runs()), "can run code"),
        (pickle.dumps({"obs_rms": 1}), "no running mean"),
        (pickle.dumps(np.array([object], dtype=object)), "can run code|is refused"),
        (b"", "cannot be read"),
        (b"\x80\x04text", "refused|cannot be read"),
    ],
)
def test_anything_else_than_moments_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "v.pkl").write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_vecnormalize(tmp_path / "v.pkl", 3)
    assert not (tmp_path / "was-here").exists()


def test_moments_of_another_environment_are_refused(tmp_path: Path) -> None:
    (tmp_path / "v.pkl").write_bytes(pickle.dumps(moments()))
    with pytest.raises(UserError, match="have 11 numbers"):
        read_vecnormalize(tmp_path / "v.pkl", 11)
