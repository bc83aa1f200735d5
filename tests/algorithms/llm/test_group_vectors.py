"""Test vectors 7.1 to 7.6 of the specification of group-relative REINFORCE, in float64."""

import dataclasses
import math
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from algorithms.base import CompletionBatch, LLMAlgorithm, LossOutput, Schema
from algorithms.catalogue import ALGORITHMS
from algorithms.llm import opmd, red_weight
from algorithms.shared.aggregation import aggregate
from algorithms.shared.batches import prepare, whole_batch
from algorithms.shared.clipping import one_side, ppo_objective
from algorithms.shared.composition import policy_gradient, surrogate
from algorithms.shared.ratios import log_ratio_over_tokens
from algorithms.shared.weights import importance_weight
from tests.algorithms.batches import Example, example

Settings = dict[str, object]

REC_IS: Settings = {"weight": "importance_sampling"}
WIDE: Settings = {"clip_low": 0.6, "clip_high": 2.0}
PPO_TOKEN: Settings = {"ratio_granularity": "token", "aggregation": "token_mean"}
TOPR_TOKEN: Settings = {"ratio_granularity": "token"}
SAPO_GATE: Settings = {"gate": "weight", "aggregation": "token_mean"}
SIMPLE: Settings = {"form": "simple", "temperature": 1.0}


def configured(name: str, settings: Settings) -> tuple[LLMAlgorithm, Schema]:
    algorithm = ALGORITHMS[name]
    return algorithm, algorithm.params.model_validate(settings)


def one_token_each(logprobs: Tensor, behaviour: Tensor, advantages: Tensor) -> Example:
    """Return every token as a completion of its own, so that each has its own advantage."""
    batch = whole_batch(
        rewards=advantages,
        behaviour_logprobs=behaviour.unsqueeze(-1),
        mask=torch.ones(len(advantages), 1, dtype=torch.bool),
        prompt_index=torch.arange(len(advantages)),
    )
    return Example(logprobs.unsqueeze(-1), batch)


def told(case: Example, name: str, settings: Settings) -> LossOutput:
    algorithm, params = configured(name, settings)
    return algorithm.loss(case.logprobs, case.batch, params)


# -- 7.1 -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fixture:
    """What upstream's unit tests draw, in their order: 5 rows of 20 tokens, 48 of them counted."""

    logprobs: Tensor
    behaviour: Tensor
    mask: Tensor
    advantages: Tensor

    @classmethod
    def draw(cls) -> "Fixture":
        generator = torch.Generator().manual_seed(42)

        def uniform() -> Tensor:
            return torch.rand(5, 20, generator=generator)

        logprobs, behaviour, _reference = (2 * uniform().double() - 1 for _ in range(3))
        mask = uniform() > 0.5
        return cls(logprobs, behaviour, mask, 2 * uniform().double() - 1)

    def tokens(self) -> Example:
        """Return the counted tokens, each as a completion: the token mean is their mean."""
        picked = (self.logprobs, self.behaviour, self.advantages)
        return one_token_each(*(values[self.mask] for values in picked))

    def rows(self) -> CompletionBatch:
        return whole_batch(
            torch.zeros(5, dtype=torch.float64), self.behaviour, self.mask, torch.arange(5)
        )


FIXTURE = Fixture.draw()

VALUES = [
    ("rec", {"clip": "none"}, -0.01917990, 0),
    ("rec", {}, 0.05164291, 0.35416667),
    ("rec", REC_IS, 0.12062033, 0.35416667),
    ("rec", WIDE, 0.02217923, 0.16666667),
    ("rec", REC_IS | WIDE, 0.09575184, 0.16666667),
    ("rec", {"clip": "two_side"}, 0.00114632, 0.625),
    ("rec", {"clip": "two_side"} | REC_IS, 0.00156266, 0.625),
    ("rec", {"clip": "ring"}, 0.02580926, 0.5625),
    ("rec", {"clip": "ring"} | REC_IS, 0.08881409, 0.5625),
    ("rec", {"clip": "none", "regulariser": "forward_kl"}, -0.02674008, 0),
    ("rec", {"clip": "none", "regulariser": "k2"}, 0.03783166, 0),
    ("opmd", {"form": "token_k2"}, 0.03783166, None),
    ("opmd", SIMPLE, -0.00958995, None),
    ("red_weight", {}, -0.02265132, None),
    ("topr", TOPR_TOKEN, -0.00536419, None),
    ("sppo", {}, 0.01046084, 0.5625),
    ("sppo", {"clip": 0.1}, 0.00358771, 0.75),
    ("cispo", {}, -0.01556453, None),
    ("sapo", SAPO_GATE, -0.05128995, None),
]


@pytest.mark.parametrize(("name", "settings", "value", "clipped"), VALUES)
def test_7_1_losses_on_the_fixture_are_the_references(
    name: str, settings: Settings, value: float, clipped: float | None
) -> None:
    output = told(FIXTURE.tokens(), name, settings)
    assert output.loss.item() == pytest.approx(value, abs=1e-8)
    if clipped is not None:
        assert output.metrics["clipped_token_share"] == pytest.approx(clipped, abs=1e-7)


@pytest.mark.parametrize(
    ("name", "settings"), [("ppo", PPO_TOKEN | {"dual_clip": 3.0}), ("grpo", {"dual_clip": 3.0})]
)
def test_7_1_ppo_has_the_references_value_and_clip_fractions(name: str, settings: Settings) -> None:
    output = told(FIXTURE.tokens(), name, settings)
    assert output.loss.item() == pytest.approx(0.268896, abs=5e-7)
    assert output.kept is not None
    # Upstream counts the tokens beyond the dual clip apart.
    assert (~output.kept).double().mean().item() == pytest.approx(0.354167 + 0.0625, abs=1e-6)
    plain = told(FIXTURE.tokens(), name, settings | {"dual_clip": None})
    assert plain.kept is not None
    assert (~plain.kept).double().mean().item() == pytest.approx(0.354167, abs=1e-6)


def test_7_1_fine_tuning_and_the_weights_of_topr_have_the_references_values() -> None:
    case = FIXTURE.tokens()
    assert told(case, "sft", {}).loss.item() == pytest.approx(-0.075602, abs=5e-7)
    weights = told(case, "topr", TOPR_TOKEN).weights
    assert weights is not None
    assert weights.mean().item() == pytest.approx(0.905528, abs=5e-7)


def test_7_1_gspo_and_its_rec_variants_have_the_references_values() -> None:
    """Upstream's rows have an advantage per token, which only the blocks take."""
    batch, advantages = FIXTURE.rows(), FIXTURE.advantages
    log_ratio = log_ratio_over_tokens(
        FIXTURE.logprobs, FIXTURE.behaviour, FIXTURE.mask, granularity="length_normalised"
    )
    bounds = {"low": 3e-4, "high": 4e-4}
    objective, _ = ppo_objective(log_ratio, advantages, **bounds)
    gspo = surrogate(objective, batch, aggregation="sequence_mean")
    assert gspo.loss.item() == pytest.approx(0.272351, abs=5e-7)
    ratio = importance_weight(log_ratio)
    kept = one_side(ratio, advantages, **bounds)
    for weights, value in ((None, -0.00645212), (ratio, 0.00484569)):
        output = policy_gradient(
            FIXTURE.logprobs,
            batch,
            advantages=advantages,
            weights=weights,
            kept=kept,
            aggregation="sequence_mean",
        )
        assert output.loss.item() == pytest.approx(value, abs=1e-8)
        assert output.metrics["clipped_token_share"] == pytest.approx(0.375)


# -- 7.3 -----------------------------------------------------------------------------------------

RATIOS = [0.3, 0.9, 1.3, 3.5] * 2
PLAIN = [0.75] * 4 + [-0.25] * 4
ALL = "11111111"


def eight_tokens() -> Example:
    ratios = torch.tensor(RATIOS, dtype=torch.float64)
    behaviour = torch.full_like(ratios, math.log(0.2))
    return one_token_each(
        behaviour + ratios.log(), behaviour, torch.tensor(PLAIN, dtype=torch.float64)
    )


IS_COEFFICIENTS = [0.225, 0.675, 0, 0, 0, -0.225, -0.325, -0.875]
K2 = [0.990795, 0.771072, 0.697527, 0.499447, -0.009205, -0.228928, -0.302473, -0.500553]
DUAL = "11000110"

Row = tuple[str, Settings, str | None, list[float], float]

EIGHT: list[Row] = [
    ("rec", {"clip": "none"}, ALL, PLAIN, 0.389497),
    ("ppo", PPO_TOKEN | {"dual_clip": 3.0}, DUAL, [*IS_COEFFICIENTS[:7], 0], -0.15),
    ("grpo", {"dual_clip": 3.0}, DUAL, [*IS_COEFFICIENTS[:7], 0], -0.15),
    ("ppo", PPO_TOKEN, "11000111", IS_COEFFICIENTS, -0.134375),
    ("grpo", {}, "11000111", IS_COEFFICIENTS, -0.134375),
    ("rloo", {"clip": 0.2}, "11000111", IS_COEFFICIENTS, -0.134375),
    ("rec", {}, "11000111", [0.75, 0.75, 0, 0, 0, -0.25, -0.25, -0.25], 0.317690),
    ("rec", REC_IS, "11000111", IS_COEFFICIENTS, 0.081848),
    ("rec", WIDE, "11100111", [0.75, 0.75, 0.75, 0, 0, -0.25, -0.25, -0.25], 0.443978),
    (
        "rec",
        REC_IS | WIDE,
        "11100111",
        [0.225, 0.675, 0.975, 0, 0, -0.225, -0.325, -0.875],
        0.246023,
    ),
    ("rec", {"clip": "two_side"}, "01000100", [0, 0.75, 0, 0, 0, -0.25, 0, 0], 0.107175),
    (
        "rec",
        {"clip": "two_side"} | REC_IS,
        "01000100",
        [0, 0.675, 0, 0, 0, -0.225, 0, 0],
        0.096457,
    ),
    ("rec", {"clip": "ring"}, "11000101", [0.75, 0.75, 0, 0, 0, -0.25, 0, -0.25], 0.359786),
    (
        "rec",
        {"clip": "ring"} | REC_IS,
        "11000101",
        [0.225, 0.675, 0, 0, 0, -0.225, 0, -0.875],
        0.136573,
    ),
    ("rec", {"clip": "none", "regulariser": "k2"}, ALL, K2, 0.466970),
    ("opmd", {"form": "token_k2"}, None, K2, 0.466970),
    (
        "rec",
        {"clip": "none", "regulariser": "forward_kl"},
        ALL,
        [0.85] * 4 + [-0.15] * 4,
        0.545296,
    ),
    ("red_weight", {}, None, [1.587750] * 4 + [-0.194700] * 4, 1.085178),
    ("topr", TOPR_TOKEN, ALL, [0.75] * 4 + [-0.075, -0.225, -0.25, -0.25], 0.456399),
    ("sppo", {"clip": 0.25}, "01000100", [0, 0.75, 0, 0, 0, -0.25, 0, 0], 0.006585),
    (
        "cispo",
        {},
        None,
        [0.225, 0.675, 0.96, 0.96, -0.075, -0.225, -0.32, -0.32],
        0.285509,
    ),
    ("opmd", SIMPLE, None, [value / 2 for value in PLAIN], 0.194749),
]


@pytest.mark.parametrize("row", EIGHT, ids=lambda row: f"{row[0]}-{row[1]}")
def test_7_3_mask_coefficients_and_loss_of_eight_tokens_are_the_references(row: Row) -> None:
    name, settings, mask, coefficients, value = row
    case, output = eight_tokens(), told(eight_tokens(), name, settings)
    assert output.loss.item() == pytest.approx(value, abs=5e-7)
    gradient = case.gradient(*configured(name, settings)).squeeze(-1)
    assert (-8 * gradient).tolist() == pytest.approx(coefficients, abs=5e-7)
    if mask is None:
        assert output.kept is None
    elif output.kept is not None:
        assert "".join(str(int(kept)) for kept in output.kept) == mask
    else:
        assert mask == ALL


def test_7_3_sapo_of_trinity_has_the_references_loss_and_mean_gate() -> None:
    output = told(eight_tokens(), "sapo", SAPO_GATE)
    assert output.loss.item() == pytest.approx(0.731752, abs=5e-7)
    assert output.metrics["weight_mean"] == pytest.approx(2.251962, abs=5e-7)


def test_7_3_asymre_by_shift_is_asymre_by_forward_kl() -> None:
    """Section 7.4: rewards whose mean-centred advantages are those of 7.3, shifted by -0.1."""
    case = eight_tokens()
    shifted = dataclasses.replace(case.batch, advantages=case.batch.advantages + 0.1)
    other = Example(case.logprobs, shifted)
    assert told(other, "asymre", {}).loss.item() == pytest.approx(0.545296, abs=5e-7)


def test_7_3_topr_has_the_references_mean_weight() -> None:
    metrics = told(eight_tokens(), "topr", TOPR_TOKEN).metrics
    assert metrics["weight_mean"] == pytest.approx((4 + 0.3 + 0.9 + 2) / 8)
    assert metrics["weight_mean"] == pytest.approx(0.9)


def test_1_10_pure_importance_sampling_weighs_every_token() -> None:
    settings: Settings = {"ratio_granularity": "token", "aggregation": "token_mean"}
    gradient = eight_tokens().gradient(*configured("importance_sampling", settings))
    expected = [a * ratio for a, ratio in zip(PLAIN, RATIOS, strict=True)]
    assert (-8 * gradient.squeeze(-1)).tolist() == pytest.approx(expected)


# -- 7.4 -----------------------------------------------------------------------------------------


def test_7_4_red_weight_is_a_weighted_pairwise_part_and_imitation() -> None:
    case = example(
        [1, 0, 0, 0], policy=[[-1.0]] * 4, behaviour=[[-1.0]] * 4, prompts=[0] * 4
    ).prepared(red_weight.ALGORITHM, red_weight.Params())
    c = (-4 * case.gradient(red_weight.ALGORITHM, red_weight.Params())).squeeze(-1)
    assert c.tolist() == pytest.approx([1.587750] + [-0.194700] * 3, abs=5e-7)
    rewards, weights = torch.tensor([1.0, 0, 0, 0]).double(), case.batch.advantages.exp()
    weighted_mean = (weights * rewards).sum() / weights.sum()
    assert weighted_mean.item() == pytest.approx(0.475367, abs=5e-7)
    pairwise = weights * (rewards - weighted_mean)
    assert pairwise.tolist() == pytest.approx([1.110648] + [-0.370216] * 3, abs=5e-7)
    imitation = weights * (weighted_mean - rewards.mean())
    assert imitation.tolist() == pytest.approx([0.477102] + [0.175516] * 3, abs=5e-7)
    assert (pairwise + imitation).tolist() == pytest.approx(c.tolist())


# -- 7.5 -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "value"), [("token_mean", 4), ("sequence_sum", 8), ("sequence_mean", 6)]
)
def test_7_5_aggregations_have_the_references_values(how: str, value: float) -> None:
    values = torch.tensor([[1.0, 2, 3], [10, math.nan, math.nan]])
    mask = torch.tensor([[True, True, True], [True, False, False]])
    found = aggregate(values, mask, how=how, mean_tokens=2.0)  # type: ignore[arg-type]
    assert found.mean().item() == value


GSPO_STYLE: Settings = {
    "ratio_granularity": "length_normalised",
    "clip_low": 3e-4,
    "clip_high": 4e-4,
    "aggregation": "sequence_mean",
}


@pytest.mark.parametrize(("weight", "value"), [({}, 0.173212), (REC_IS, 0.173264)])
def test_7_5_gspo_style_clips_whole_completions(weight: Settings, value: float) -> None:
    half = math.log(0.5)
    case = example(
        [0.5, 0.5],
        policy=[[half + 0.0006, half], [half + 0.0010, half + 0.0002]],
        behaviour=[[half, half], [half, half]],
    )
    output = told(case, "rec", GSPO_STYLE | weight)
    assert output.loss.item() == pytest.approx(value, abs=5e-7)
    assert output.metrics["clipped_token_share"] == 0.5
    assert output.kept is not None
    assert output.kept.tolist() == [[True, True], [False, False]]


# -- 7.6 -----------------------------------------------------------------------------------------


def four_on_policy(params: opmd.Params) -> Example:
    """Return completions of one prompt with rewards (1, 0, 0, 0), at pi = mu."""
    case = example(
        [1, 0, 0, 0], policy=[[-1.0, -0.5]] * 4, behaviour=[[-1.0, -0.5]] * 4, prompts=[3] * 4
    )
    batch = prepare(case.batch, opmd.ALGORITHM, params, logprobs=case.logprobs)
    return Example(case.logprobs, batch)


def test_7_6_the_pairwise_surrogate_has_the_references_gradient() -> None:
    params = opmd.Params(form="pairwise", temperature=0.5)
    gradient = four_on_policy(params).gradient(opmd.ALGORITHM, params)
    expected = [[value, value] for value in (-0.1875, 0.0625, 0.0625, 0.0625)]
    assert gradient.flatten().tolist() == pytest.approx(torch.tensor(expected).flatten().tolist())
    # Without 1/K^2, on one prompt, it is -3, 1, 1, 1.
    assert (16 * gradient[:, 0]).tolist() == pytest.approx([-3, 1, 1, 1])


def test_7_6_kimis_pointwise_square_has_the_references_gradient() -> None:
    params = opmd.Params(form="kimi", temperature=0.5, baseline="log_mean_exp")
    gradient = four_on_policy(params).gradient(opmd.ALGORITHM, params)
    # Ours is the square divided by 2 tau, averaged over the four completions.
    scaled = 2 * 0.5 * 4 * gradient
    assert scaled[:, 0].tolist() == pytest.approx([-0.522771] + [0.477229] * 3, abs=5e-7)
