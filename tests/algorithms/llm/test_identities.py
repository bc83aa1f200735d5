"""What one algorithm is in terms of another, on any batch (section 7.4 and the tables)."""

import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from algorithms.base import Schema
from algorithms.catalogue import ALGORITHMS
from algorithms.llm import (
    asymre,
    grpo,
    importance_sampling,
    opmd,
    positives,
    ppo,
    rec,
    red_weight,
    reinforce,
    rloo,
    tis,
    topr,
)
from algorithms.shared.aggregation import Aggregation
from tests.algorithms.batches import Example, example, examples

REWARDS = (-1.0, 0.0, 0.5, 1.0)
AGGREGATIONS: tuple[Aggregation, ...] = ("sequence_mean", "token_mean", "sequence_sum")
few = settings(max_examples=25)
"""An identity breaks at once or never, and shapes are checked at every call."""
grouped = examples(rewards=REWARDS, prompts=2)


def gradient(case: Example, name: str, params: Schema) -> Tensor:
    """Return d loss / d log pi as in training: advantages and selection of the whole batch."""
    algorithm = ALGORITHMS[name]
    return case.prepared(algorithm, params).gradient(algorithm, params)


def assert_same(left: Tensor, right: Tensor) -> None:
    torch.testing.assert_close(left, right, rtol=1e-9, atol=1e-12)


VANILLA = rec.Params(clip="none")


@few
@given(grouped, st.floats(0.01, 2), st.sampled_from(AGGREGATIONS))
def test_asymre_is_reinforce_and_forward_kl(
    case: Example, beta: float, aggregation: Aggregation
) -> None:
    shifted = asymre.Params(baseline_shift=-beta, aggregation=aggregation)
    added = rec.Params(
        clip="none",
        regulariser="forward_kl",
        regulariser_coefficient=beta,
        aggregation=aggregation,
    )
    # A lone completion's baseline is 0 in both: the shift is still the imitation.
    assert_same(gradient(case, "asymre", shifted), gradient(case, "rec", added))


@few
@given(grouped)
def test_ppo_per_token_without_dual_clip_is_one_side_with_importance_sampling(
    case: Example,
) -> None:
    one_side = rec.Params(weight="importance_sampling")
    expected = gradient(case, "rec", one_side)
    assert_same(gradient(case, "grpo", grpo.Params(std_normalise="none")), expected)
    centred = case.prepared(rec.ALGORITHM, one_side)
    as_rewards = dataclasses.replace(centred.batch, rewards=centred.batch.advantages)
    token = ppo.Params(ratio_granularity="token", aggregation="token_mean")
    assert_same(Example(case.logprobs, as_rewards).gradient(ppo.ALGORITHM, token), expected)


@few
@given(grouped, st.sampled_from(["sample", "population"]))
def test_grpo_is_rec_one_side_with_importance_sampling_and_deviation(
    case: Example, std: str
) -> None:
    """Section 1.4: once the dual clip is off, which with c = 3 only stops A < 0 and rho > 3."""
    left = grpo.Params.model_validate({"std_normalise": std})
    right = rec.Params.model_validate({"std_normalise": std, "weight": "importance_sampling"})
    plain = gradient(case, "grpo", left)
    assert_same(plain, gradient(case, "rec", right))
    dual = gradient(case, "grpo", left.model_copy(update={"dual_clip": 3.0}))
    ratio = (case.logprobs - case.batch.behaviour_logprobs).exp()
    assert not ((plain - dual).abs() > 1e-12)[ratio < 3].any()
    assert not dual[(ratio > 3) & (plain > 0)].any()


@few
@given(grouped, st.sampled_from(AGGREGATIONS))
def test_rloo_is_reinforce_times_k_over_k_minus_1(case: Example, how: Aggregation) -> None:
    left = gradient(case, "rloo", rloo.Params(aggregation=how))
    right = gradient(case, "rec", rec.Params(clip="none", aggregation=how))
    prompts = case.batch.prompt_index
    size = (prompts.unsqueeze(0) == prompts.unsqueeze(1)).sum(1).double()
    factor = torch.where(size > 1, size / (size - 1).clamp(min=1), 1.0)
    assert_same(left, factor.unsqueeze(-1) * right)


@few
@given(examples())
def test_topr_and_reinforce_that_drop_negatives_are_twice_fine_tuning_on_positives(
    case: Example,
) -> None:
    expected = 2 * gradient(case, "positives", positives.Params())
    assert_same(gradient(case, "topr", topr.Params(baseline=-1)), expected)
    assert_same(gradient(case, "reinforce", reinforce.Params(baseline=-1)), expected)


@few
@given(grouped, st.floats(0.01, 10))
def test_simple_opmd_is_group_reinforce_over_1_plus_tau(case: Example, tau: float) -> None:
    simple = gradient(case, "opmd", opmd.Params(form="simple", temperature=tau))
    assert_same(simple * (1 + tau), gradient(case, "rec", VANILLA))


@few
@given(grouped)
def test_token_k2_of_opmd_is_that_of_rec(case: Example) -> None:
    penalised = rec.Params(clip="none", regulariser="k2", regulariser_coefficient=0.3)
    left = gradient(case, "opmd", opmd.Params(form="token_k2", penalty_coefficient=0.3))
    assert_same(left, gradient(case, "rec", penalised))


@few
@given(grouped, st.floats(0.01, 5))
def test_kimis_opmd_is_reinforce_and_the_square_of_whole_completions(
    case: Example, tau: float
) -> None:
    penalised = rec.Params(
        clip="none",
        regulariser="k2_sequence",
        regulariser_coefficient=tau,
        aggregation="sequence_sum",
    )
    left = gradient(case, "opmd", opmd.Params(form="kimi", temperature=tau))
    assert_same(left, gradient(case, "rec", penalised))


@few
@given(examples(rewards=REWARDS, prompts=1), st.floats(0.05, 5))
def test_pairwise_opmd_is_the_sum_over_pairs(case: Example, tau: float) -> None:
    params = opmd.Params(form="pairwise", temperature=tau)
    log_ratio = ((case.logprobs - case.batch.behaviour_logprobs) * case.batch.mask).sum(-1)
    value = case.batch.rewards - tau * log_ratio
    pairs = (value.unsqueeze(0) - value.unsqueeze(1)) ** 2
    expected = pairs.triu(1).sum() / len(value) ** 2
    loss = case.prepared(opmd.ALGORITHM, params).loss(opmd.ALGORITHM, params)
    assert loss == pytest.approx(expected.item(), rel=1e-9, abs=1e-12)


@few
@given(examples(rewards=REWARDS, prompts=1), st.floats(0.05, 5))
def test_pairwise_opmd_on_policy_is_2_tau_times_group_reinforce(case: Example, tau: float) -> None:
    here = case.on_policy()
    left = gradient(here, "opmd", opmd.Params(form="pairwise", temperature=tau))
    right = gradient(here, "rec", rec.Params(clip="none", aggregation="sequence_sum"))
    alone = len(case.batch.rewards) == 1
    assert_same(left, 2 * tau * right * (0 if alone else 1))


@few
@given(grouped)
def test_full_importance_sampling_is_tis_without_cap(case: Example) -> None:
    left = gradient(case, "importance_sampling", importance_sampling.Params(baseline=0.3))
    assert_same(left, gradient(case, "tis", tis.Params(baseline=0.3, ratio_max=None)))


@few
@given(grouped)
def test_red_weight_at_a_high_temperature_is_group_reinforce(case: Example) -> None:
    weighted = gradient(case, "red_weight", red_weight.Params(temperature=1000))
    plain = gradient(case, "rec", VANILLA)
    torch.testing.assert_close(weighted, plain, rtol=2e-3, atol=1e-12)


@pytest.mark.parametrize("name", ["rec", "rloo", "asymre", "red_weight", "cispo", "gspo", "m2po"])
@few
@given(examples(rewards=(1.0,), prompts=2))
def test_prompts_without_a_difference_move_nothing_but_under_asymre(
    name: str, case: Example
) -> None:
    algorithm = ALGORITHMS[name]
    prepared = case.prepared(algorithm, algorithm.params())
    found = prepared.gradient(algorithm, algorithm.params())
    prompts = case.batch.prompt_index
    several = (prompts.unsqueeze(0) == prompts.unsqueeze(1)).sum(1) > 1
    if name == "asymre":
        assert prepared.batch.advantages[several].tolist() == pytest.approx(
            [0.1] * int(several.sum())
        )
        assert bool((found[case.batch.mask] < 0).all())
    else:
        assert not found[several].any()


@pytest.mark.parametrize("name", ["grpo", "gspo", "sapo", "m2po", "cispo", "sppo", "rec"])
@few
@given(examples(rewards=REWARDS, prompts=2))
def test_on_policy_every_group_algorithm_has_the_gradient_of_its_advantages(
    name: str, case: Example
) -> None:
    algorithm = ALGORITHMS[name]
    params = algorithm.params.model_validate({"aggregation": "sequence_mean"})
    here = case.on_policy().prepared(algorithm, params)
    mask, tokens = here.batch.mask, here.batch.mask.sum(-1)
    expected = -(here.batch.advantages / tokens / len(tokens)).unsqueeze(-1) * mask
    assert_same(here.gradient(algorithm, params), expected)


@few
@given(grouped)
def test_a_reference_penalty_adds_its_own_gradient(case: Example) -> None:
    reference = case.batch.behaviour_logprobs - 0.3
    held = case.with_reference(reference)
    plain = gradient(held, "grpo", grpo.Params())
    penalised = gradient(held, "grpo", grpo.Params(reference_kl="k2", reference_kl_coefficient=0.2))
    mask = case.batch.mask
    expected = 0.2 * (case.logprobs - reference) * mask / mask.sum()
    assert_same(penalised - plain, expected)


def test_red_weight_never_overflows() -> None:
    params = red_weight.Params(temperature=0.001)
    case = example([1e3, -1e3], policy=[[-1.0], [-1.0]], behaviour=[[-1.0], [-1.0]])
    output = red_weight.loss(case.logprobs.float(), case.batch, params)
    assert torch.isfinite(output.loss)
    assert output.weights is not None
    assert output.weights.flatten().tolist() == pytest.approx([1e6, 0])
