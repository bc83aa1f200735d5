"""Vectors T6 to T9 of the reference design: what the correction does to given scores."""

import pytest
import torch
from torch import Tensor

from algorithms.base import UserError
from algorithms.control.cdsa import Correction, Models, Params, limited
from algorithms.control_models.indicator import ood_indicator

GAINS = torch.tensor([0.1, 0.2])
"""B of s' = s + B a."""
GRAVITY = torch.tensor([0.02, 0.0])
"""c of s' = s + B a + c."""
SHIFT = torch.tensor([0.05, -0.1])
"""eta sigma^2 g_s of T7."""
LEVEL = 0.2
HERE = torch.zeros(1, 2)


def gaussian_behaviour(points: Tensor, level: float) -> Tensor:
    """Return the score of actions N(0, 0.04 I) at level 0.2, without noise; none for states."""
    return torch.cat([torch.zeros_like(points[:, :2]), -points[:, 2:] / 0.04], dim=-1)


def upward(points: Tensor, level: float) -> Tensor:
    """Return the score that asks for SHIFT of the state, and nothing of the action."""
    state = (SHIFT / level**2).expand(len(points), 2)
    return torch.cat([state, torch.zeros_like(state)], dim=-1)


def inverse(bias: Tensor, here: Tensor, there: Tensor) -> Tensor:
    return (there - here - bias) / GAINS


def models(bias: Tensor) -> Models:
    return Models(
        score=upward,
        inverse=lambda here, there: inverse(bias, here, there),
        successor=lambda here, action: here + GAINS * action + bias,
    )


def test_each_step_along_the_score_of_a_gaussian_halves_the_action() -> None:
    """Score of N(0, 0.04 I) under noise 0.2 is -a / 0.08, and 0.2^2 / 0.08 is a half."""

    def score(points: Tensor, level: float) -> Tensor:
        return torch.cat([points[:, :2] * 0, -points[:, 2:] / (0.04 + level**2)], dim=-1)

    start = torch.tensor([[0.5, -0.2]])
    assert score(torch.cat([HERE, start], -1), LEVEL)[0, 2:].tolist() == pytest.approx(
        [-6.25, 2.5], abs=1e-5
    )
    expected = {1: [0.25, -0.1], 5: [0.015625, -0.00625], 200: [0.0, 0.0]}
    for steps, action in expected.items():
        params = Params(steps=steps, noise_level=LEVEL, action_gain=1, state_gain=0)
        found = Correction(Models(score=score), params).correct(HERE, start)
        assert found.actions[0].tolist() == pytest.approx(action, abs=1e-6)


@pytest.mark.parametrize("auxiliary", ["displacement", "delta", "next"])
def test_without_gravity_every_mode_finds_the_action_of_the_shift(auxiliary: str) -> None:
    params = Params(steps=1, noise_level=LEVEL, action_gain=0, state_gain=1, auxiliary=auxiliary)
    found = Correction(models(torch.zeros(2)), params).correct(HERE, torch.zeros(1, 2))
    assert found.state_part[0].tolist() == pytest.approx([0.5, -0.5], abs=1e-6)
    assert found.actions[0].tolist() == pytest.approx([0.5, -0.5], abs=1e-6)


def test_with_gravity_displacement_is_biased_and_delta_is_not() -> None:
    found = {}
    for mode in ("displacement", "delta"):
        params = Params(steps=1, noise_level=LEVEL, action_gain=0, state_gain=1, auxiliary=mode)
        found[mode] = Correction(models(GRAVITY), params).correct(HERE, torch.zeros(1, 2))
    assert found["displacement"].state_part[0].tolist() == pytest.approx([0.3, -0.5], abs=1e-6)
    assert found["delta"].state_part[0].tolist() == pytest.approx([0.5, -0.5], abs=1e-6)


def test_the_state_gain_scales_the_auxiliary_action() -> None:
    params = Params(steps=1, noise_level=LEVEL, action_gain=0, state_gain=0.5, auxiliary="delta")
    found = Correction(models(torch.zeros(2)), params).correct(HERE, torch.zeros(1, 2))
    assert found.state_part[0].tolist() == pytest.approx([0.25, -0.25], abs=1e-6)


def test_actions_are_clipped_to_their_range() -> None:
    def push(points: Tensor, level: float) -> Tensor:
        return torch.full_like(points, 0.4 / level**2)

    params = Params(steps=1, noise_level=LEVEL, action_gain=1, state_gain=0)
    found = Correction(Models(score=push), params).correct(HERE, torch.tensor([[0.9, -0.9]]))
    assert found.actions[0].tolist() == pytest.approx([1.0, -0.5], abs=1e-6)


def test_a_shift_is_scaled_down_to_its_limit() -> None:
    assert limited(torch.tensor([[0.3, 0.4]]), 0.1)[0].tolist() == pytest.approx([0.06, 0.08])
    assert limited(torch.tensor([[0.03, 0.04]]), 0.1)[0].tolist() == pytest.approx([0.03, 0.04])
    assert limited(torch.tensor([[0.3, 0.4]]), 0.0)[0].tolist() == pytest.approx([0.3, 0.4])


@pytest.mark.parametrize(
    "params",
    [
        Params(steps=0),
        Params(steps=5, action_gain=0, state_gain=0),
        Params(steps=5, action_gain=0, state_gain=1, auxiliary="off"),
    ],
)
def test_no_gain_or_no_step_gives_the_clipped_action_back_bit_for_bit(params: Params) -> None:
    actions = torch.tensor([[0.1234567, 1.5], [-3.0, 0.7654321]])
    found = Correction(Models(), params).correct(torch.zeros(2, 2), actions)
    assert torch.equal(found.actions, actions.clamp(-1, 1))


def test_annealing_goes_from_the_first_level_to_the_last() -> None:
    levels = Params(steps=3, noise_level=0.01, anneal_from=1.0).levels()
    assert levels == pytest.approx((1.0, 0.1, 0.01))
    assert Params(steps=2, noise_level=0.3).levels() == (0.3, 0.3)


def test_langevin_draws_from_the_density_and_repeats_from_its_seed() -> None:
    params = Params(
        steps=400, noise_level=LEVEL, action_gain=1, langevin=True, langevin_step=0.002, seed=3
    )
    start, states = torch.zeros(4000, 2), torch.zeros(4000, 2)
    drawn = [
        Correction(Models(score=gaussian_behaviour), params).correct(states, start).actions
        for _ in range(2)
    ]
    assert torch.equal(*drawn)
    assert drawn[0].std().item() == pytest.approx(0.2, rel=0.05)


def test_the_state_density_moves_no_action_by_itself() -> None:
    params = Params(steps=1, density="state", action_gain=1, state_gain=1, auxiliary="delta")
    given = Models(
        state_score=lambda points, level: upward(points, level)[:, :2],
        inverse=models(torch.zeros(2)).inverse,
    )
    found = Correction(given, params).correct(HERE, torch.zeros(1, 2))
    assert not found.action_part.any()
    assert found.state_part.any()


def test_a_missing_model_is_named() -> None:
    with pytest.raises(UserError, match="inverse dynamics model and a forward model"):
        Correction(Models(score=upward), Params(state_gain=1, auxiliary="next"))
    with pytest.raises(UserError, match="a score network of observations: train it"):
        Correction(
            Models(score=upward, inverse=models(GRAVITY).inverse),
            Params(state_gain=1, density="both"),
        )


def test_the_indicator_is_the_length_of_the_predicted_noise() -> None:
    found = ood_indicator(gaussian_behaviour, HERE, torch.tensor([[0.3, 0.4]]), 0.2)
    assert found.item() == pytest.approx(0.2 * 0.5 / 0.04)
