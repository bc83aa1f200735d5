"""Group-relative advantages: test vector 7.2 of arXiv:2509.24203's specification, and limits."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from algorithms.shared import advantages

ONE_PROMPT = torch.zeros(4, dtype=torch.long)

TABLE: list[tuple[Callable[[Tensor, Tensor], Tensor], float, float]] = [
    (advantages.mean_centred, 0.75, -0.25),
    (lambda r, p: advantages.normalised(r, p, std="none"), 0.75, -0.25),
    (lambda r, p: advantages.normalised(r, p, std="sample"), 1.499997, -0.499999),
    (lambda r, p: advantages.normalised(r, p, std="population"), 1.732047, -0.577349),
    (advantages.leave_one_out, 1, -1 / 3),
    (lambda r, p: advantages.log_mean_exp_centred(r, p, temperature=1), 0.642626, -0.357374),
    (lambda r, p: advantages.log_mean_exp_centred(r, p, temperature=0.5), 0.522771, -0.477229),
    (lambda r, p: advantages.shifted(r, p, shift=-0.1), 0.85, -0.15),
]
ALL = [row[0] for row in TABLE]


def doubles(values: list[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def dropped(rewards: Tensor, prompts: Tensor, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return advantages.balanced_by_dropping(rewards, prompts, generator)


@pytest.mark.parametrize(("function", "positive", "negative"), TABLE)
def test_7_2_advantages_of_one_success_in_four_are_the_references(
    function: Callable[[Tensor, Tensor], Tensor], positive: float, negative: float
) -> None:
    found = function(doubles([1, 0, 0, 0]), ONE_PROMPT)
    assert found.tolist() == pytest.approx([positive, negative, negative, negative], abs=5e-7)


def test_7_2_red_drop_keeps_the_positive_and_one_negative() -> None:
    found = dropped(doubles([1, 0, 0, 0]), ONE_PROMPT)
    assert found[0] == 0.5
    assert sorted(found[1:].tolist()) == [-0.5, 0, 0]
    negative, excess = advantages.negatives_in_excess(doubles([1, 0, 0, 0]), ONE_PROMPT)
    assert negative.tolist() == [False, True, True, True]
    assert (excess / 4).tolist() == [0.5] * 4


GSM8K = [1.1, 0.9, 0.1, -0.1, -0.1, -0.1, -0.1, -0.1]


def test_7_2_rewards_of_gsm8k_have_the_references_advantages() -> None:
    rewards, prompt = doubles(GSM8K), torch.zeros(8, dtype=torch.long)
    centred = advantages.mean_centred(rewards, prompt)
    assert centred.tolist() == pytest.approx([0.9, 0.7, -0.1, *[-0.3] * 5])
    for std, deviation in (("sample", 0.501427), ("population", 0.469042)):
        found = advantages.normalised(rewards, prompt, std=std)  # type: ignore[arg-type]
        assert (centred / found).tolist() == pytest.approx([deviation + 1e-6] * 8, abs=5e-7)


def test_7_2_red_drop_on_gsm8k_rewards_ends_in_one_of_two_ways() -> None:
    prompt, seen = torch.zeros(8, dtype=torch.long), set()
    for seed in range(40):
        found = dropped(doubles(GSM8K), prompt, seed)
        kept = [round(value, 6) for value in found.tolist() if value]
        assert kept in ([0.65, 0.45, -0.55, -0.55], [0.6, 0.4, -0.4, -0.6])
        seen.add(len({round(value, 6) for value in kept}))
    assert seen == {3, 4}


def test_every_surplus_negative_is_dropped_equally_often() -> None:
    rewards = doubles([1, 0, 0, 0])
    times = torch.stack([dropped(rewards, ONE_PROMPT, seed) != 0 for seed in range(600)]).sum(0)
    assert times[0] == 600
    # Each of three is kept 200 times on average, with a standard deviation of 11.5.
    assert all(abs(count - 200) < 50 for count in times[1:].tolist())


@given(st.floats(-1e3, 1e3), st.integers(2, 9))
def test_equal_rewards_have_an_advantage_of_exactly_zero(reward: float, size: int) -> None:
    rewards, prompt = doubles([reward] * size), torch.zeros(size, dtype=torch.long)
    for function in [*ALL[:-1], dropped]:
        assert function(rewards, prompt).tolist() == [0] * size
    shifted = advantages.shifted(rewards, prompt, shift=-0.1)
    assert shifted.tolist() == pytest.approx([0.1] * size)


@given(st.lists(st.sampled_from([0.1, 0.3, 0.7, 1.1]), min_size=2, max_size=9))
def test_rounding_never_makes_equal_rewards_of_float32_differ(rewards: list[float]) -> None:
    tensor = torch.tensor(rewards[:1] * len(rewards), dtype=torch.float32)
    prompt = torch.zeros(len(rewards), dtype=torch.long)
    assert not dropped(tensor, prompt).any()
    assert not advantages.normalised(tensor, prompt, std="sample").any()


def test_a_lone_completion_is_worth_its_reward() -> None:
    rewards, prompts = doubles([0.7, 1, 0]), torch.tensor([5, 2, 2])
    for function in [*ALL[:-1], dropped]:
        assert function(rewards, prompts)[0] == 0.7
    assert advantages.shifted(rewards, prompts, shift=-0.1)[0] == pytest.approx(0.8)


groups = st.lists(st.tuples(st.sampled_from([0, 3, 8]), st.floats(-2, 2)), min_size=1, max_size=12)


@settings(max_examples=25)
@given(groups)
def test_prompts_do_not_touch_each_other_and_order_does_not_matter(
    pairs: list[tuple[int, float]],
) -> None:
    prompts = torch.tensor([prompt for prompt, _ in pairs])
    rewards = doubles([reward for _, reward in pairs])
    for function in ALL:
        together = function(rewards, prompts)
        for prompt in set(prompts.tolist()):
            mine = prompts == prompt
            alone = function(rewards[mine], prompts[mine])
            torch.testing.assert_close(together[mine], alone, rtol=0, atol=1e-12)
        turned = function(rewards.flip(0), prompts.flip(0)).flip(0)
        torch.testing.assert_close(together, turned, rtol=0, atol=1e-12)


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=8))
def test_leave_one_out_is_k_over_k_minus_1_times_mean_centred(values: list[float]) -> None:
    rewards, prompt = doubles(values), torch.zeros(len(values), dtype=torch.long)
    size = len(values)
    others = [(sum(values) - value) / (size - 1) for value in values]
    expected = [value - other for value, other in zip(values, others, strict=True)]
    assert advantages.leave_one_out(rewards, prompt).tolist() == pytest.approx(expected, abs=1e-9)
    centred = advantages.mean_centred(rewards, prompt) * size / (size - 1)
    torch.testing.assert_close(advantages.leave_one_out(rewards, prompt), centred)


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=8))
def test_sample_deviation_is_torchs_and_population_is_larger_by_its_factor(
    values: list[float],
) -> None:
    rewards, prompt = doubles(values), torch.zeros(len(values), dtype=torch.long)
    for std, correction in (("sample", 1), ("population", 0)):
        deviation = rewards.std(correction=correction) + 1e-6
        found = advantages.normalised(rewards, prompt, std=std)  # type: ignore[arg-type]
        expected = (rewards - rewards.mean()) / deviation
        torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-8)


def test_groups_of_too_little_deviation_are_skipped() -> None:
    rewards, prompts = doubles([1, 0.9, 1, 0, 5]), torch.tensor([0, 0, 1, 1, 2])
    found = advantages.normalised(rewards, prompts, std="sample", threshold=0.1)
    assert found[:2].tolist() == [0, 0]
    assert found[2] > 0.7 > -0.7 > found[3]
    assert found[4] == 5, "a lone completion has no deviation to be judged by"


@given(groups, st.integers(0, 1000))
def test_red_drop_balances_signs_and_centres_what_is_left(
    pairs: list[tuple[int, float]], seed: int
) -> None:
    prompts = torch.tensor([prompt for prompt, _ in pairs])
    rewards = doubles([reward for _, reward in pairs])
    found = dropped(rewards, prompts, seed)
    for prompt in set(prompts.tolist()):
        mine, size = prompts == prompt, int((prompts == prompt).sum())
        if size > 1:
            negatives = int((rewards[mine] < rewards[mine].mean() - 1e-9).sum())
            surplus = max(0, 2 * negatives - size)
            assert int((found[mine] == 0).sum()) >= surplus
            assert found[mine].sum().item() == pytest.approx(0, abs=1e-9)


def test_red_drop_may_divide_by_the_population_deviation_of_the_kept() -> None:
    generator = torch.Generator().manual_seed(1)
    found = advantages.balanced_by_dropping(
        doubles([1, 0, 0, 0]), ONE_PROMPT, generator, std_normalise=True
    )
    assert sorted(found.tolist()) == pytest.approx([-0.5 / 0.500001, 0, 0, 0.5 / 0.500001])


def test_log_mean_exp_does_not_overflow() -> None:
    found = advantages.log_mean_exp_centred(doubles([900, 0]), torch.zeros(2).long(), temperature=1)
    assert found.tolist() == pytest.approx([0.6931472, -899.3068528])
