"""Fields, line integrals and floors of the score lab, against what is known of Gaussians."""

import numpy as np
import pytest
import torch

from algorithms.control_base import Spaces
from algorithms.control_data.scaling import Scaling
from algorithms.control_models.score import ScoreModel, ScoreParams
from algorithms.labs.score_lab import (
    Coordinates,
    Plane,
    field_in,
    gaussian_floors,
    grid_size,
    integrated,
    sample_losses,
)

XS = np.linspace(-2, 2, 21)
YS = np.linspace(-1, 3, 17)
ACROSS, UP = np.meshgrid(XS, YS)


def test_the_integral_of_a_gaussians_score_is_its_log_density_by_any_way() -> None:
    """Trapezoids are exact for a score that is linear."""
    field = np.stack([-(ACROSS - 0.5) / 0.7, -UP / 1.3], axis=-1)
    found = integrated(field, XS, YS)
    expected = -((ACROSS - 0.5) ** 2) / 1.4 - UP**2 / 2.6
    assert found.values == pytest.approx(expected - expected.max(), abs=1e-9)
    assert found.gap_max == pytest.approx(0, abs=1e-9)
    assert found.span == pytest.approx(float(np.ptp(expected)))


def test_a_field_that_turns_is_no_gradient_and_its_gap_says_so() -> None:
    """Of (-y, x): from (0, 1) x first gives x (y - 1) - x, y first gives -x y."""
    found = integrated(np.stack([-UP, ACROSS], axis=-1), XS, YS)
    x_first, y_first = -ACROSS + ACROSS * (UP - 1), -ACROSS * UP
    assert found.gap_max == pytest.approx(float(np.abs(x_first - y_first).max()))


def test_the_floors_of_a_gaussian_are_those_of_vector_t1() -> None:
    """T1: d = 2, s = 1: 0.5 at level 1, 0.8 at 0.5; turning the data changes nothing."""
    circle = np.array([[1.0, 1], [1, -1], [-1, 1], [-1, -1]] * 50)
    rows = circle * np.sqrt((len(circle) - 1) / len(circle))
    assert gaussian_floors(rows, [1.0, 0.5]) == pytest.approx([0.5, 0.8])
    stretched = rows * [1.0, 0.1]
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    floors = gaussian_floors(stretched @ turn, [0.5])
    assert floors == pytest.approx([0.5 * (1 / 1.25 + 0.01 / 0.26)])


def test_a_plane_varies_two_coordinates_and_holds_the_others() -> None:
    params = ScoreParams(hidden_size=8, hidden_layers=1)
    model = ScoreModel(Spaces(2, 1), params)
    plane = Plane((2, 0), np.array([9.0, 0.25, 9.0]), XS, YS)
    points = plane.points()
    assert points.shape == (len(XS) * len(YS), 3)
    assert set(points[:, 1]) == {0.25}
    field = field_in(model, plane, 0.3)
    at = torch.tensor([[YS[4], 0.25, XS[7]]], dtype=torch.float32)
    assert field[4, 7] == pytest.approx(model.score(at, 0.3)[0].numpy(), rel=1e-5)
    assert grid_size(model, 41) == 41
    large = ScoreModel(Spaces(2, 1), ScoreParams(hidden_size=1024, hidden_layers=8))
    assert 9 <= grid_size(large, 41) < 20


def test_a_network_that_predicts_nothing_has_half_the_dimensions_as_its_loss() -> None:
    model = ScoreModel(Spaces(2, 2), ScoreParams(hidden_size=8, hidden_layers=1, levels=3))
    with torch.no_grad():
        for value in model.parameters():
            value.zero_()
    found = sample_losses(model, np.zeros((2000, 4), np.float32))
    assert found == pytest.approx([2.0] * 3, rel=0.1)


def test_coordinates_leave_constants_out_and_turn_units_into_the_networks() -> None:
    """T4: a raw score is the normalised one over the deviation."""
    scaling = Scaling(
        mean=np.array([1.0, -2.0], np.float32),
        deviation=np.array([2.0, 0.5], np.float32),
        low=np.array([-2.0], np.float32),
        high=np.array([4.0], np.float32),
        kept=np.array([True, False, True]),
    )
    found = Coordinates.of(scaling, ("x", "fixed", "y", "a0"), joint=True)
    assert found.names == ("x", "y", "a0")
    assert found.factor.tolist() == [2.0, 0.5, 3.0]
    assert (np.array([3.0, -1.0, 6.0]) / found.factor).tolist() == [1.5, -2.0, 2.0]
    seen, acted = np.array([[3.0, 7.0, -1.0]], np.float32), np.array([[4.0]], np.float32)
    rows = found.normalised(scaling, seen, acted)
    assert rows.tolist() == [[1.0, 2.0, 1.0]]
    assert rows[0, :2] == pytest.approx(scaling.observations(seen)[0].numpy())
    assert rows[0, 2:] == pytest.approx(scaling.actions(acted)[0].numpy())
    alone = Coordinates.of(scaling, ("x", "fixed", "y", "a0"), joint=False)
    assert alone.names == ("x", "y")
    assert alone.normalised(scaling, seen, acted).tolist() == [[1.0, 2.0]]
