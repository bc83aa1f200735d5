"""Losses of the baselines: vector T12 and numbers worked by hand."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from algorithms.control.bc import BehaviourCloning
from algorithms.control.bc import Params as BCParams
from algorithms.control.cql import CQL
from algorithms.control.cql import Params as CQLParams
from algorithms.control.iql import IQL
from algorithms.control.iql import Params as IQLParams
from algorithms.control.por import POR
from algorithms.control.por import Params as PORParams
from algorithms.control.td3_bc import TD3BC
from algorithms.control.td3_bc import Params as TD3BCParams
from algorithms.control_base import Spaces
from algorithms.shared.control_losses import (
    conservative_gap,
    expectile,
    exponential_weight,
    gaussian_logprob,
    tanh_correction,
    value_scale,
)
from algorithms.shared.networks import cosine
from tests.algorithms.control.worlds import random_batch

SPACES = Spaces(3, 2)


def test_the_expectile_loss_weighs_over_and_under_estimates_apart() -> None:
    assert expectile(torch.tensor([-1.0, 2.0]), 0.7).mean().item() == pytest.approx(1.55)


def test_the_regression_weight_is_capped() -> None:
    weights = exponential_weight(torch.tensor([0.5, 2.0, 1e6]), 3.0, 100.0)
    assert weights.tolist() == pytest.approx([4.4816891, 100.0, 100.0], rel=1e-6)


def test_the_scale_of_values_is_alpha_over_their_mean_size() -> None:
    scale = value_scale(torch.tensor([[2.0, -4.0, 6.0]]), 2.5)
    assert scale.item() == pytest.approx(0.625)


def test_the_conservative_gap_is_the_soft_maximum_above_the_data() -> None:
    values = torch.tensor([1.0, 2.0, 0.0, 3.0])
    assert torch.logsumexp(values, 0).item() == pytest.approx(3.4401897, abs=1e-6)
    gap = conservative_gap(values, torch.tensor(2.0))
    assert gap.item() == pytest.approx(1.4401897, abs=1e-6)
    warm = conservative_gap(values, torch.tensor(2.0), 10.0).item()
    assert warm == pytest.approx(10 * math.log(sum(math.exp(v / 10) for v in (1, 2, 0, 3))) - 2)


def test_a_gaussian_log_density_sums_over_dimensions() -> None:
    found = gaussian_logprob(
        torch.tensor([1.0, 0.0]), torch.tensor([0.0, math.log(2)]), torch.tensor([2.0, 2.0])
    )
    each = [-0.5 - 0.5 * math.log(2 * math.pi), -0.5 - math.log(2) - 0.5 * math.log(2 * math.pi)]
    assert found.item() == pytest.approx(sum(each))


def test_the_log_slope_of_tanh_is_right_also_far_out() -> None:
    found = tanh_correction(torch.tensor([[0.5], [-20.0]]))
    assert found[0].item() == pytest.approx(math.log(1 - math.tanh(0.5) ** 2), abs=1e-6)
    assert found[1].item() == pytest.approx(2 * math.log(2) - 40, abs=1e-5)


def test_a_cosine_starts_at_its_rate_and_ends_at_none() -> None:
    assert [cosine(2.0, step, 4) for step in (0, 2, 4)] == pytest.approx([2.0, 1.0, 0.0])


def test_bc_loses_the_mean_squared_error() -> None:
    agent, batch = BehaviourCloning(SPACES, BCParams()), random_batch(SPACES)
    expected = (agent.act(batch.observations) - batch.actions).square().mean()
    assert agent.update(batch)["loss"].item() == pytest.approx(expected.item(), rel=1e-5)


def test_td3_bc_bootstraps_from_the_smaller_target_and_not_beyond_an_end() -> None:
    agent = TD3BC(SPACES, TD3BCParams())
    batch = random_batch(SPACES, normals=2)
    with torch.no_grad():
        noise = (0.2 * batch.normals).clamp(-0.5, 0.5)
        actions = (agent.target_actor(batch.next_observations) + noise).clamp(-1, 1)
        both = agent.target_critics(batch.next_observations, actions)
        target = batch.rewards + 0.99 * (1 - batch.terminated) * torch.minimum(*both)
        errors = [
            (value - target).square().mean().item()
            for value in agent.critics(batch.observations, batch.actions)
        ]
    figures = agent.update(batch)
    assert figures["critic_loss"].item() == pytest.approx(sum(errors), rel=1e-5)
    assert "loss" not in figures, "the policy is updated in every second step only"


def test_td3_bc_weighs_the_first_critic_against_imitation() -> None:
    agent = TD3BC(SPACES, TD3BCParams(policy_period=1, critic_learning_rate=1e-9))
    batch = random_batch(SPACES, normals=2)
    with torch.no_grad():
        actions = agent.act(batch.observations)
        values = agent.critics(batch.observations, actions)[0]
        imitation = (actions - batch.actions).square().mean()
        expected = imitation - 2.5 * values.mean() / values.abs().mean()
    assert agent.update(batch)["loss"].item() == pytest.approx(expected.item(), rel=1e-4)


def test_targets_follow_by_their_rate() -> None:
    agent = TD3BC(SPACES, TD3BCParams(policy_period=1, target_update_rate=0.25))
    before = agent.target_critics.network.weights[0].clone()
    agent.update(random_batch(SPACES, normals=2))
    after, own = agent.target_critics.network.weights[0], agent.critics.network.weights[0]
    torch.testing.assert_close(after, before + 0.25 * (own - before))


@pytest.mark.parametrize("policy", ["gaussian", "deterministic"])
def test_iql_imitates_by_exponential_advantage(policy: str) -> None:
    agent = IQL(SPACES, IQLParams(policy=policy, value_learning_rate=1e-9))
    batch = random_batch(SPACES)
    with torch.no_grad():
        smaller = torch.minimum(*agent.target_critics(batch.observations, batch.actions))
        advantage = smaller - agent.value(batch.observations).squeeze(-1)
        squares = (agent.act(batch.observations) - batch.actions).square().sum(dim=-1)
        gaussian = 0.5 * squares + math.log(2 * math.pi)
        losses = squares if policy == "deterministic" else gaussian
        weights = (3 * advantage).exp().clamp(max=100)
        next_value = agent.value(batch.next_observations).squeeze(-1)
        target = batch.rewards + 0.99 * (1 - batch.terminated) * next_value
        values = agent.critics(batch.observations, batch.actions)
        critic = (values - target).square().mean()
    figures = agent.update(batch)
    assert figures["loss"].item() == pytest.approx((weights * losses).mean().item(), rel=1e-4)
    assert figures["critic_loss"].item() == pytest.approx(critic.item(), rel=1e-4)
    expected = torch.where(advantage < 0, 0.3, 0.7) * advantage.square()
    assert figures["value_loss"].item() == pytest.approx(expected.mean().item(), rel=1e-4)


def cql_gap(agent: CQL, params: CQLParams, seed: int) -> tuple[float, Tensor]:
    """Return the gap of an update, and the plain one computed candidate by candidate."""
    batch = random_batch(SPACES, rows=5, normals=agent.normals, uniforms=agent.uniforms, seed=seed)
    n, size = params.candidates, SPACES.action_size
    noise = torch.split(batch.normals, [size, size, n * size, n * size], dim=-1)
    gaps = []
    with torch.no_grad():
        data = agent.critics(batch.observations, batch.actions)
        values = [[], []]  # type: ignore[var-annotated]
        for place in range(n):
            part = slice(place * size, (place + 1) * size)
            uniform = batch.uniforms[..., part] * 2 - 1
            here = agent.actor.sample(batch.observations, noise[2][..., part])
            there = agent.actor.sample(batch.next_observations, noise[3][..., part])
            chance = torch.full_like(data[0], size * math.log(0.5))
            for actions, logprob in ((uniform, chance), there, here):
                both = agent.critics(batch.observations, actions)
                for critic in (0, 1):
                    values[critic].append(both[critic] - logprob)
        for critic in (0, 1):
            soft = torch.logsumexp(torch.stack(values[critic]), dim=0)
            gaps.append((soft - data[critic]).mean())
    return agent.update(batch)["conservative_gap"].item(), torch.stack(gaps).mean()


def test_cql_compares_with_uniform_current_and_next_actions() -> None:
    params = CQLParams(candidates=3, hidden_size=16)
    found, expected = cql_gap(CQL(SPACES, params), params, seed=1)
    assert found == pytest.approx(expected.item(), rel=1e-4)


def test_cqls_multiplier_rises_while_the_gap_is_above_its_target() -> None:
    for target, rises in ((-100.0, True), (100.0, False)):
        params = CQLParams(candidates=3, hidden_size=16, target_gap=target)
        agent = CQL(SPACES, params)
        before = agent.log_multiplier.item()
        agent.update(random_batch(SPACES, normals=agent.normals, uniforms=agent.uniforms))
        assert (agent.log_multiplier.item() > before) == rises


def test_por_guides_by_the_advantage_and_executes_towards_the_true_successor() -> None:
    agent = POR(SPACES, PORParams(value_learning_rate=1e-12, policy_learning_rate=1e-9))
    batch = random_batch(SPACES)
    with torch.no_grad():
        following = torch.minimum(*agent.target_values(batch.next_observations))
        target = batch.rewards + 0.99 * (1 - batch.terminated) * following
        advantage = target - torch.minimum(*agent.values(batch.observations))
        weights = (3 * advantage).exp().clamp(max=100)
        likely = agent.guide.logprob(batch.observations, batch.next_observations)
        both = torch.cat([batch.observations, batch.next_observations], dim=-1)
        executed = agent.execute.logprob(both, batch.actions)
    figures = agent.update(batch)
    assert figures["guide_loss"].item() == pytest.approx(
        -(weights * likely).mean().item(), rel=1e-3
    )
    assert figures["loss"].item() == pytest.approx(-executed.mean().item(), rel=1e-4)


def test_pors_value_variant_fits_the_imitating_guide_first() -> None:
    agent = POR(SPACES, PORParams(variant="value", behaviour_share=0.5))
    batch = random_batch(SPACES, normals=agent.normals)
    early = agent.update(replace(batch, step=0, steps=4))
    late = agent.update(replace(batch, step=2, steps=4))
    assert set(early) == {"behaviour_loss"}
    assert {"guide_loss", "value_loss", "loss"} <= set(late)
