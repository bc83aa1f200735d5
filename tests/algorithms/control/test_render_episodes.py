"""Rendered episodes: those of the evaluation, both sides at once, the same bytes every time."""

import gc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from algorithms.base import CorruptArtifactError, Stopped, UserError
from algorithms.environments.drawings import PendulumDrawing, PointMassDrawing
from algorithms.environments.filming import GL_VARIABLE, FilmedEpisode
from algorithms.evaluation.renderings import GAP, read_renderings, side_by_side
from tests.algorithms.control.test_evaluation import column, evaluate
from tests.algorithms.control.test_evaluation import world as world  # noqa: PLC0414 - a fixture
from tests.algorithms.control.worlds import Heard, run

CDSA = {"correction": "cdsa", "noise": 0.3}
SIZE = 64


def render(world: Path, folder: Path, *, reporter: Heard | None = None, **spec: Any) -> None:
    told = {"size": SIZE, **spec}
    inputs = {"policy": world / "policy", "score": world / "score"}
    run("render_episodes", folder, told, reporter=reporter, **inputs)


def test_what_is_rendered_are_episodes_of_the_evaluation_before_and_after(
    world: Path, tmp_path: Path
) -> None:
    evaluate(world, tmp_path / "plain", noise=0.3)
    evaluate(world, tmp_path / "corrected", "score", **CDSA)
    seeds = column(tmp_path / "plain", "reset_seed")[4:6]
    render(world, tmp_path / "films", evaluation=CDSA, reset_seeds=seeds)
    found = read_renderings(tmp_path / "films")
    assert [each.reset_seed for each in found.episodes] == seeds
    for place, name in enumerate(("plain", "corrected")):
        returns = column(tmp_path / name, "return")[4:6]
        lengths = column(tmp_path / name, "length")[4:6]
        assert [each.returns[place] for each in found.episodes] == pytest.approx(returns, abs=1e-3)
        assert [each.lengths[place] for each in found.episodes] == lengths
    for each in found.episodes:
        with Image.open(tmp_path / "films" / each.file) as film:
            assert film.format == "WEBP"
            assert film.size == (2 * SIZE + GAP, SIZE)
            assert getattr(film, "n_frames", 1) == max(each.lengths) + 1
        with Image.open(tmp_path / "films" / each.still) as still:
            assert getattr(still, "n_frames", 1) == 1


def test_equal_settings_give_equal_bytes_and_none_named_are_the_first_two(
    world: Path, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        render(world, tmp_path / name, evaluation={"episodes": 60}, pictures=10)
    found = read_renderings(tmp_path / "one")
    evaluate(world, tmp_path / "evaluated")
    first = column(tmp_path / "evaluated", "reset_seed")[:2]
    assert [each.reset_seed for each in found.episodes] == first
    for each in found.episodes:
        assert len(each.returns) == 1
        paths = [tmp_path / name / each.file for name in ("one", "two")]
        assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_rendering_stops_when_it_is_told_to(world: Path, tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        render(world, tmp_path / "films", evaluation={}, reporter=Heard(stop_after=5))


def test_a_long_episode_keeps_its_first_picture_every_few_and_its_last() -> None:
    film = FilmedEpisode("Pendulum-v1", size=SIZE, pictures=10)
    assert film.stride == 23  # 200 steps, and 9 pictures behind the first
    film.reset([3])
    for _ in range(film.horizon):
        film.step(np.zeros((1, 1), np.float32))
    assert len(film.pictures) == 1 + 200 // 23 + 1
    film.close()


def test_the_pendulum_hangs_where_its_angle_says() -> None:
    drawing = PendulumDrawing(100)
    red = {}
    for name, cosine, sine in (("up", 1, 0), ("down", -1, 0), ("left", 0, 1), ("right", 0, -1)):
        picture = drawing.draw(np.array([cosine, sine, 0], np.float32)).astype(int)
        rows, columns = np.nonzero((picture[..., 0] > 150) & (picture[..., 2] < 60))
        red[name] = (rows.mean(), columns.mean())
    assert red["up"][0] + 20 < red["down"][0]
    assert red["left"][1] + 20 < red["right"][1]


def test_the_point_is_drawn_where_it_is_with_its_path_behind_it() -> None:
    drawing = PointMassDrawing(100)
    drawing.begin()
    goal = [0.1, 0.1]
    drawing.draw(np.array([0.9, 0.9, *goal], np.float32))
    picture = drawing.draw(np.array([0.9, 0.2, *goal], np.float32)).astype(int)
    dark = np.argwhere(picture.sum(axis=-1) < 150)
    np.testing.assert_allclose(dark.mean(axis=0), (100 - 22.4, 86.8), atol=1.5)
    blue = np.argwhere((picture[..., 2] > 120) & (picture[..., 0] < 80))
    assert blue[:, 0].min() < 15
    drawing.begin()
    again = drawing.draw(np.array([0.9, 0.2, *goal], np.float32)).astype(int)
    assert not ((again[..., 2] > 120) & (again[..., 0] < 80)).any()


def test_a_side_that_is_over_keeps_its_last_picture_faded() -> None:
    short = [np.zeros((4, 4, 3), np.uint8)]
    long = [np.full((4, 4, 3), value, np.uint8) for value in (10, 20, 30)]
    made = side_by_side([short, long])
    assert [picture.shape for picture in made] == [(4, 8 + GAP, 3)] * 3
    assert [int(picture[0, 0, 0]) for picture in made] == [0, 140, 140]
    assert [int(picture[0, -1, 0]) for picture in made] == [10, 20, 30]


def test_a_simulator_of_mujoco_is_rendered_without_a_display(tmp_path: Path) -> None:
    try:
        film = FilmedEpisode("Hopper-v5", size=SIZE, pictures=6)
    except UserError as error:
        pytest.skip(str(error))
    film.reset([1])
    for _ in range(3):
        film.step(np.zeros((1, 3), np.float32))
    first = film.pictures[0]
    assert first.shape == (SIZE, SIZE, 3)
    assert first.std() > 5
    film.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # by Gymnasium
def test_a_machine_that_cannot_draw_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(GL_VARIABLE, "nonsense")
    with pytest.raises(UserError, match="cannot draw Hopper-v5 without a display") as caught:
        FilmedEpisode("Hopper-v5", size=SIZE, pictures=6)
    assert "libegl1" in str(caught.value)
    del caught
    gc.collect()  # what Gymnasium could not make complains now, and not in a later test


def test_a_damaged_artifact_says_so(tmp_path: Path) -> None:
    with pytest.raises(CorruptArtifactError, match="holds no rendered episodes"):
        read_renderings(tmp_path)
