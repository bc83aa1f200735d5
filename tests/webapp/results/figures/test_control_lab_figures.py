"""Figures of the control labs: what arrows point at, what moves, what one number looks like."""

import numpy as np
import pytest

from algorithms.environments.grounds import GROUNDS, Disc
from webapp.results.figures import (
    correction_path,
    episode_paths,
    ground_animation,
    score_field,
    state_scatter,
)
from webapp.results.figures.episode_paths import EpisodePath, PathGroup
from webapp.results.figures.ground_animation import GroundPicture, PlayedGroup, PlayedPath


def test_arrows_point_along_the_field_and_the_longest_fits_between_its_neighbours() -> None:
    xs, ys = np.linspace(0, 1e-4, 5), np.linspace(0, 100, 5)
    arrows = np.zeros((5, 5, 2))
    arrows[..., 0], arrows[..., 1] = 2e-4, -100.0
    line, dots = score_field.arrow_traces(xs, ys, arrows, every=1)
    foot, tip = (np.array([line.x[at], line.y[at]]) for at in (0, 1))
    assert (tip - foot)[1] / (tip - foot)[0] == pytest.approx(-5e5, rel=1e-3)
    side = (tip - foot) / [1e-4, 100]
    assert np.linalg.norm(side) == pytest.approx(score_field.LONGEST / 4, rel=1e-3)
    assert line.x[5] is None  # a gap after each arrow
    assert list(dots.customdata[0]) == pytest.approx([2e-4, -100.0])


def test_a_path_of_actions_of_one_number_goes_over_the_corrections() -> None:
    path, near = np.array([[0.5], [0.3], [0.25]]), np.array([[0.1], [0.2]])
    drawn = correction_path.draw(correction_path.PathPicture(path, near, ("a0", "a0")))
    [way] = [trace for trace in drawn.data if trace.name == "corrections"]
    assert list(way.x) == [0, 1, 2]
    assert list(way.y) == [0.5, 0.3, 0.25]
    [data] = [trace for trace in drawn.data if trace.name == "data near this state"]
    assert max(data.x) < 0


def test_an_episode_that_is_over_stays_where_it_ended() -> None:
    def path(length: int) -> PlayedPath:
        places = np.arange(2.0 * length).reshape(length, 2)
        return PlayedPath("one", places, np.zeros(length, bool), [""] * length)

    group = PlayedGroup("policy", [path(2), path(4)])
    disc = Disc(0.5, 0.5, 0.3)
    drawn = ground_animation.draw(GroundPicture([group], [(0.1, 0.1)], disc, (0, 1)))
    assert [frame.name for frame in drawn.frames] == ["0", "1", "2", "3"]
    assert list(drawn.frames[3].data[0].x) == [2.0, 6.0]
    [moving] = drawn.frames[3].traces
    assert list(drawn.data[moving].x) == [0.0, 0.0]
    nothing = ground_animation.draw(GroundPicture([], [], None, None))
    assert not nothing.data
    assert "kept trajectories" in nothing.layout.meta["empty"]


def test_the_walls_of_a_maze_are_drawn_under_paths_and_states() -> None:
    maze = GROUNDS["PointMaze_UMaze-v3"]
    places = np.array([[1.0, 1.0], [1.0, 0.0]])
    paths = (EpisodePath(1, places, 0.0, 0),)
    group = PathGroup("Waypoints", "", 0, is_corrected=False, paths=paths)
    played = PlayedPath("one", places, np.zeros(2, bool), ["", ""])
    seen = state_scatter.ScatterPicture(
        places, np.zeros(2), np.arange(2), ("x", "y"), "Return", walls=maze.walls
    )
    pictures = (
        episode_paths.draw([group], maze, (1.0, -1.0)),
        ground_animation.draw(
            GroundPicture([PlayedGroup("one", [played])], [], None, None, maze.walls)
        ),
        state_scatter.draw(seen),
    )
    for drawn in pictures:
        boxes = [(shape.x0, shape.x1, shape.y0, shape.y1) for shape in drawn.layout.shapes]
        assert (-2.5, 2.5, 1.5, 2.5) in boxes  # the upper side in one block
        assert (-1.5, 0.5, -0.5, 0.5) not in boxes
        assert (-2.5, 0.5, -0.5, 0.5) in boxes  # the tongue, with the left side's cell
        assert {shape.layer for shape in drawn.layout.shapes} == {"below"}
