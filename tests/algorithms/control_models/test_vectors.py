"""Vectors T1 to T5 of the reference design: levels, floors, scores, units."""

import numpy as np
import pytest
import torch

from algorithms.control_data.scaling import DEVIATION_OFFSET, Scaling
from algorithms.control_data.transitions import Transitions
from algorithms.control_models.empirical import denoised, empirical_score, empirical_weights
from algorithms.control_models.levels import (
    chosen_levels,
    denoising_losses,
    geometric_levels,
    loss_floor,
)

TEN_LEVELS = (
    1, 0.59948425, 0.35938137, 0.21544347, 0.12915497, 0.07742637, 0.04641589, 0.02782559,
    0.01668101, 0.01,
)  # fmt: skip


def test_ten_levels_fall_geometrically_from_one_to_a_hundredth() -> None:
    assert geometric_levels(1.0, 0.01, 10) == pytest.approx(TEN_LEVELS, abs=1e-8)


def test_the_floor_of_the_loss_on_a_gaussian() -> None:
    assert loss_floor(1.0, 1.0, 2) == pytest.approx(0.5)
    assert loss_floor(1.0, 0.5, 2) == pytest.approx(0.8)
    floors = [loss_floor(1.0, level, 2) for level in geometric_levels(1.0, 0.01, 10)]
    assert np.mean(floors) == pytest.approx(0.9051222, abs=1e-6)


def test_the_best_predictor_reaches_the_floor() -> None:
    """The score of N(0, I) under noise is -x / (1 + s^2), the predicted noise s x / (1 + s^2)."""
    generator = torch.Generator().manual_seed(0)
    clean = torch.randn(400_000, 2, generator=generator)
    noise = torch.randn(400_000, 2, generator=generator)
    for level in (1.0, 0.5):
        noisy = clean + level * noise
        best = noisy * level / (1 + level**2)
        measured = denoising_losses(best, noise).mean().item()
        assert measured == pytest.approx(loss_floor(1.0, level, 2), rel=0.01)


def test_levels_are_chosen_alike_often_and_never_beyond_the_last() -> None:
    levels = torch.tensor([3.0, 2.0, 1.0])
    drawn = chosen_levels(levels, torch.tensor([0.0, 0.3334, 0.6667, 0.99999999]))
    assert drawn.tolist() == [3.0, 2.0, 1.0, 1.0]


def mixture_score(points: list[float]) -> list[float]:
    """Return the score of a half N(-1, 0.01) and a half N(1, 0.01) under noise 0.3."""
    x = torch.tensor(points, dtype=torch.float64, requires_grad=True)
    means = torch.tensor([-1.0, 1.0], dtype=torch.float64)
    density = torch.exp(-((x[:, None] - means) ** 2) / 0.2).sum(dim=1).log().sum()
    (gradient,) = torch.autograd.grad(density, x)
    return gradient.tolist()


def test_the_score_of_two_narrow_modes_equals_that_of_their_two_points() -> None:
    """Noise 0.3 on deviation 0.1 is noise sqrt(0.1) on the two means themselves."""
    queries = torch.tensor([[0.0], [0.2], [0.5], [1.5]], dtype=torch.float64)
    points = torch.tensor([[-1.0], [1.0]], dtype=torch.float64)
    expected = [0.0, 7.6402758, 4.9990920, -5.0000000]
    assert mixture_score([0.0, 0.2, 0.5, 1.5]) == pytest.approx(expected, abs=1e-6)
    found = empirical_score(points, queries, 0.1**0.5)[:, 0].tolist()
    assert found == pytest.approx(expected, abs=1e-6)


def test_the_score_of_two_points_on_a_line() -> None:
    data, query = torch.tensor([[0.0], [1.0]]).double(), torch.tensor([[0.25]]).double()
    weights = empirical_weights(data, query, 0.5)[0].tolist()
    assert weights == pytest.approx([0.7310586, 0.2689414], abs=1e-6)
    assert empirical_score(data, query, 0.5).item() == pytest.approx(0.0757657, abs=1e-6)
    assert denoised(data, query, 0.5).item() == pytest.approx(0.2689414, abs=1e-6)


def test_the_score_of_three_points_in_the_plane() -> None:
    data = torch.tensor([[0.5, -0.2], [0.3, 0.1], [-0.4, 0.6]], dtype=torch.float64)
    query = torch.tensor([[0.2, 0.0]], dtype=torch.float64)
    weights = empirical_weights(data, query, 0.3)[0].tolist()
    assert weights == pytest.approx([0.3471994, 0.6397070, 0.0130936], abs=1e-6)
    score = empirical_score(data, query, 0.3)[0].tolist()
    assert score == pytest.approx([1.7808264, 0.0265219], abs=1e-6)
    assert denoised(data, query, 0.3)[0].tolist() == pytest.approx([0.3602744, 0.0023870], abs=1e-6)


def test_a_score_in_raw_units_is_the_normalised_one_over_the_deviation() -> None:
    """(3, -1) at deviations (2, 0.5) is (1.5, -2): x / std has the slope of log q times 1 / std."""
    deviation = np.array([2.0, 0.5])
    signs = np.array([[-1.0], [1.0]])
    rows = (signs * (deviation - DEVIATION_OFFSET)).astype(np.float32)
    flat = np.zeros(2, np.float32)
    data = Transitions(rows, rows, flat, rows, flat > 0, flat > 0)
    scaling = Scaling.of(data)
    raw = torch.zeros(1, 2, requires_grad=True)
    normalised = (raw - torch.from_numpy(scaling.mean)) / torch.from_numpy(scaling.deviation)
    slope = torch.tensor([3.0, -1.0])
    (gradient,) = torch.autograd.grad((normalised * slope).sum(), raw)
    assert gradient[0].tolist() == pytest.approx([1.5, -2.0], abs=1e-5)
