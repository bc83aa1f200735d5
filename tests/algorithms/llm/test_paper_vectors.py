"""Test vectors of the TOPR specification, T1 to T8, through the real losses in float64."""

import math

import pytest
import torch
from torch import Tensor

from algorithms.base import LLMAlgorithm, Schema
from algorithms.catalogue import ALGORITHMS
from algorithms.shared.gradient import gradient_coefficient
from algorithms.shared.taper import taper_objective
from tests.algorithms.batches import Bandit, Example, three_sequences

INFINITY = None
POSITIVES_TAPER = {"negative_ratio_max": 0}
NAIVE_TAPER = {"negative_ratio_min": 1}
OPR_TAPER = {"positive_ratio_min": 0, "positive_ratio_max": None, "negative_ratio_max": None}
TIS_TAPER = {"positive_ratio_min": 0}
FIGURE_2_TAPER = {"positive_ratio_max": 1.2}

Settings = dict[str, object]


def configured(name: str, settings: Settings) -> tuple[LLMAlgorithm, Schema]:
    algorithm = ALGORITHMS[name]
    return algorithm, algorithm.params.model_validate(settings)


# -- T1 ------------------------------------------------------------------------------------------

RATIOS = [0, 0.25, 0.5, 0.8, 1, 1.1, 2, 10]
FULL_IS = [0, 0.25, 0.5, 0.8, 1, 1.1, 2, 10]
CAPPED = [0, 0.25, 0.5, 0.8, 1, 1, 1, 1]
ONES = [1.0] * 8
ZEROS = [0.0] * 8

T1 = [
    ("positives", {}, ONES, ZEROS),
    ("topr", POSITIVES_TAPER, ONES, ZEROS),
    ("reinforce", {}, ONES, ONES),
    ("topr", NAIVE_TAPER, ONES, ONES),
    ("topr", OPR_TAPER, FULL_IS, FULL_IS),
    ("tis", {"ratio_max": None}, FULL_IS, FULL_IS),
    ("tis", {}, CAPPED, CAPPED),
    ("topr", TIS_TAPER, CAPPED, CAPPED),
    ("topr", {}, ONES, CAPPED),
    ("topr", FIGURE_2_TAPER, [1, 1, 1, 1, 1, 1.1, 1.2, 1.2], CAPPED),
]


@pytest.mark.parametrize(("name", "settings", "positive", "negative"), T1)
def test_t1_gradient_coefficients_are_the_papers(
    name: str, settings: Settings, positive: list[float], negative: list[float]
) -> None:
    case = configured(name, settings)
    assert gradient_coefficient(*case, RATIOS, 1.0) == pytest.approx(positive, abs=1e-12)
    minus = [-value for value in negative]
    assert gradient_coefficient(*case, RATIOS, -1.0) == pytest.approx(minus, abs=1e-12)


def test_t1_ppo_stops_a_positive_above_and_a_negative_below_the_clip() -> None:
    case = configured("ppo", {})
    positive = gradient_coefficient(*case, RATIOS, 1.0)
    assert positive == pytest.approx([0, 0.25, 0.5, 0.8, 1, 1.1, 0, 0], abs=1e-12)
    beside_the_boundary = [0, 0.25, 0.5, 0.79, 0.81, 1, 1.1, 2, 10]
    negative = gradient_coefficient(*case, beside_the_boundary, -1.0)
    assert negative == pytest.approx([0, 0, 0, 0, -0.81, -1, -1.1, -2, -10], abs=1e-12)


# -- T2 ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ratio", "minimum", "maximum", "value"),
    [
        (0.5, 1, 1, 0.306853),
        (2, 1, 1, 1.693147),
        (2, 0, 1, 1.693147),
        (0.5, 0, 1, 0.5),
        (10, 0, 1, 3.302585),
        (1.5, 1, 1.2, 1.467772),
    ],
)
def test_t2_taper_objective_has_the_papers_values(
    ratio: float, minimum: float, maximum: float, value: float
) -> None:
    log_ratio = torch.tensor(math.log(ratio), dtype=torch.float64)
    assert taper_objective(log_ratio, minimum, maximum).item() == pytest.approx(value, abs=5e-7)


# -- T3 ------------------------------------------------------------------------------------------

FULL_IS_LOSSES = [0.678628, -0.446927, -0.503438]
TIS_LOSSES = [0.678628, -0.446927, -0.25]

T3_LOSSES = [
    ("positives", {}, [0.75, 0, 0], 0.25),
    ("topr", POSITIVES_TAPER, [0.75, 0, 0], 0.25),
    ("reinforce", {}, [0.75, -0.9, -0.25], -0.133333),
    ("topr", NAIVE_TAPER, [0.75, -0.9, -0.25], -0.133333),
    ("tis", {"ratio_max": None}, FULL_IS_LOSSES, -0.090579),
    ("topr", OPR_TAPER, FULL_IS_LOSSES, -0.090579),
    ("tis", {}, TIS_LOSSES, -0.006100),
    ("topr", TIS_TAPER, TIS_LOSSES, -0.006100),
    ("topr", {}, [0.75, -0.446927, -0.25], 0.017691),
    ("topr", {"baseline": 0.5}, [0.375, -0.670390, -0.375], -0.223463),
    ("topr", {"baseline": -1}, [1.5, 0, 0], 0.5),
    ("topr", {"ratio_granularity": "length_normalised"}, [0.75, -0.712701, -0.25], -0.070900),
]


@pytest.mark.parametrize(("name", "settings", "losses", "batch_loss"), T3_LOSSES)
def test_t3_losses_are_the_papers(
    name: str, settings: Settings, losses: list[float], batch_loss: float
) -> None:
    case, batch = configured(name, settings), three_sequences()
    each = [batch.only(i).loss(*case) for i in range(3)]
    assert each == pytest.approx(losses, abs=5e-7)
    assert batch.loss(*case) == pytest.approx(batch_loss, abs=5e-7)


T3_GRADIENTS = [
    ("positives", {}, [-0.166667, 0, 0]),
    ("topr", POSITIVES_TAPER, [-0.166667, 0, 0]),
    ("reinforce", {}, [-0.166667, 0.111111, 0.083333]),
    ("topr", NAIVE_TAPER, [-0.166667, 0.111111, 0.083333]),
    ("tis", {"ratio_max": None}, [-0.150806, 0.055176, 0.167813]),
    ("topr", OPR_TAPER, [-0.150806, 0.055176, 0.167813]),
    ("tis", {}, [-0.150806, 0.055176, 0.083333]),
    ("topr", TIS_TAPER, [-0.150806, 0.055176, 0.083333]),
    ("topr", {}, [-0.166667, 0.055176, 0.083333]),
    ("topr", {"ratio_granularity": "length_normalised"}, [-0.166667, 0.791890 / 9, 0.083333]),
    ("ppo", {}, [-0.150806, 0, 0.167813]),
]


@pytest.mark.parametrize(("name", "settings", "per_token"), T3_GRADIENTS)
@pytest.mark.parametrize("garbage", [0.0, math.nan, math.inf])
def test_t3_gradients_are_the_papers_and_padding_gets_none(
    name: str, settings: Settings, per_token: list[float], garbage: float
) -> None:
    batch = three_sequences().garbled(garbage)
    expected = torch.tensor(per_token, dtype=torch.float64).unsqueeze(-1) * batch.batch.mask
    gradient = batch.gradient(*configured(name, settings))
    torch.testing.assert_close(gradient, expected, atol=5e-7, rtol=0)


def test_t3_token_ratios_give_the_value_of_the_token_mean_variant() -> None:
    case = configured("topr", {"ratio_granularity": "token", "length_normalisation": False})
    batch: Example = three_sequences()
    # That variant averages over the 9 tokens of the batch, ours over its 3 completions.
    assert batch.loss(*case) * 3 / 9 == pytest.approx(-0.159014, abs=5e-7)
    weights = batch.gradient(*case)[1, :3] * 3
    assert weights.tolist() == pytest.approx([0.606531, 0.670320, 1], abs=5e-7)


# -- T4 ------------------------------------------------------------------------------------------

T4 = [
    ("positives", {}, [0.2, -0.05, -0.15]),
    ("reinforce", {}, [0.5, -0.3, -0.2]),
    ("tis", {"ratio_max": None}, [0.48, -0.12, -0.36]),
    ("topr", OPR_TAPER, [0.48, -0.12, -0.36]),
    ("tis", {}, [0.38, -0.12, -0.26]),
    ("topr", {}, [0.38, -0.12, -0.26]),
    ("topr", FIGURE_2_TAPER, [0.42, -0.13, -0.29]),
]


@pytest.mark.parametrize(("name", "settings", "expected"), T4)
def test_t4_bandit_gradients_are_the_papers(
    name: str, settings: Settings, expected: list[float]
) -> None:
    bandit = Bandit(behaviour=(0.5, 0.3, 0.2), rewards=(1, -1, -1))
    ascent = bandit.ascent(*configured(name, settings), policy=(0.6, 0.1, 0.3))
    assert ascent == pytest.approx(expected, abs=1e-12)


# -- T5 ------------------------------------------------------------------------------------------

RARE_POSITIVE = Bandit(behaviour=(0.1, 0.6, 0.3), rewards=(1, -1, -1))
RARE_START = (1e-4, 0.6, 0.3999)


def steps_until_learnt(name: str, settings: Settings, limit: int) -> int | None:
    """Return the first step after which the positive arm has at least half of the probability."""
    case = configured(name, settings)
    logits = torch.tensor(RARE_START, dtype=torch.float64).log()
    for step in range(1, limit + 1):
        logits = ascend(RARE_POSITIVE, case, logits)
        if logits.softmax(-1)[0] >= 0.5:
            return step
    return None


def ascend(bandit: Bandit, case: tuple[LLMAlgorithm, Schema], logits: Tensor) -> Tensor:
    logits = logits.requires_grad_()
    (gradient,) = torch.autograd.grad(bandit.loss(*case, logits.log_softmax(-1)), logits)
    with torch.no_grad():
        moved: Tensor = logits - gradient
    return moved


def after(name: str, steps: int, bandit: Bandit, start: tuple[float, ...]) -> Tensor:
    case = configured(name, {})
    logits = torch.tensor(start, dtype=torch.float64).log()
    for _ in range(steps):
        logits = ascend(bandit, case, logits)
    return logits


@pytest.mark.parametrize(
    ("name", "settings", "steps"),
    [("topr", {}, 58), ("positives", {}, 68), ("tis", {"ratio_max": None}, 3317)],
)
def test_t5_a_rare_positive_is_learnt_at_the_papers_step(
    name: str, settings: Settings, steps: int
) -> None:
    assert steps_until_learnt(name, settings, limit=4000) == steps


@pytest.mark.parametrize("name", ["tis", "reinforce", "ppo"])
def test_t5_without_acceleration_a_rare_positive_is_never_learnt(name: str) -> None:
    assert steps_until_learnt(name, {}, limit=1000) is None


def test_t5_naive_reinforce_collapses_onto_a_negative_within_ten_steps() -> None:
    policy = after("reinforce", 10, RARE_POSITIVE, RARE_START).softmax(-1)
    assert policy[2].item() == pytest.approx(0.997, abs=5e-4)


def test_t5_tis_ends_on_a_negative() -> None:
    policy = after("tis", 1000, RARE_POSITIVE, RARE_START).softmax(-1)
    assert policy.argmax().item() == 2
    assert policy[2].item() > 0.99


def test_t5_topr_after_100_steps_has_found_the_positive() -> None:
    policy = after("topr", 100, RARE_POSITIVE, RARE_START).softmax(-1)
    assert policy.tolist() == pytest.approx([0.986, 0.005, 0.009], abs=5e-4)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("reinforce", [999.3, -601.2, -401.6]), ("topr", [4.90, -4.19, -4.22])],
)
def test_t5_logits_blow_up_only_without_taper(name: str, expected: list[float]) -> None:
    start = (0.5, 0.3, 0.2)
    logits = after(name, 2000, Bandit(behaviour=start, rewards=(1, -1, -1)), start)
    assert logits.tolist() == pytest.approx(expected, abs=0.1 if name == "reinforce" else 0.01)


# -- T6, T7, T8 ----------------------------------------------------------------------------------

FOUR_ARMS = (0.4, 0.3, 0.2, 0.1)


def divergence(p: Tensor, q: Tensor) -> Tensor:
    total: Tensor = torch.special.xlogy(p, p / q).sum()
    return total


@pytest.mark.parametrize(
    ("policy", "value"),
    [
        ((0.25, 0.25, 0.25, 0.25), -0.138629),
        ((0.1, 0.2, 0.3, 0.4), 0.304325),
        ((0.7, 0.1, 0.1, 0.1), -0.814032),
    ],
)
def test_t6_naive_loss_is_attraction_repulsion_and_baseline(
    policy: tuple[float, ...], value: float
) -> None:
    c = 0.25
    pi, mu = (torch.tensor(p, dtype=torch.float64) for p in (policy, FOUR_ARMS))
    bandit = Bandit(behaviour=FOUR_ARMS, rewards=(1, 0.5, -1, -2))
    loss = bandit.loss(*configured("reinforce", {"baseline": c}), pi.log())
    assert loss.item() == pytest.approx(value, abs=5e-7)
    positive = torch.tensor([8 / 11, 3 / 11, 0, 0], dtype=torch.float64)
    negative = torch.tensor([0, 0, 0.5, 0.5], dtype=torch.float64)
    terms = (
        0.55 * divergence(positive, pi) - 0.4 * divergence(negative, pi) - c * divergence(mu, pi)
    )
    assert (loss - terms).item() == pytest.approx(-0.274948, abs=5e-7)


def objective(policy: Tensor, negative_floor: float) -> float:
    """Return J of TOPR's presets on four arms, with the floor a- of negatives as given."""
    mu = torch.tensor(FOUR_ARMS, dtype=torch.float64)
    rewards = torch.tensor([1, 0.5, -1, -2], dtype=torch.float64)
    log_ratio = policy.log() - mu.log()
    rho = torch.where(
        rewards >= 0,
        taper_objective(log_ratio, 1, 1),
        taper_objective(log_ratio, negative_floor, 1),
    )
    return (mu * rho * rewards).sum().item()


def test_t7_a_floor_under_negatives_makes_the_objective_unbounded() -> None:
    policies = [
        torch.tensor([0.5, 0.5 - 2 * e, e, e], dtype=torch.float64)
        for e in (1e-2, 1e-6, 1e-12, 1e-24)
    ]
    floored = [objective(policy, 0.5) for policy in policies]
    assert floored == pytest.approx([0.901, 2.749, 5.512, 11.04], rel=5e-4)
    assert objective(policies[-1], 0.0) == pytest.approx(0.7159, abs=5e-5)


def test_t7_without_floor_the_objective_never_exceeds_the_largest_reward() -> None:
    generator = torch.Generator().manual_seed(0)
    draws = torch.randn(5000, 4, generator=generator, dtype=torch.float64) * 5
    assert max(objective(policy, 0.0) for policy in draws.softmax(-1)) <= 1.0


@pytest.mark.parametrize(
    ("ratio_max", "baseline", "expected"),
    [
        (1, 0, [0.1, 0.2, -0.2, -0.1]),
        (1, -0.5, [0.12, 0.24, -0.19, -0.17]),
        (1, 0.5, [0.08, 0.16, -0.21, -0.03]),
        (INFINITY, 0, [0.14, 0.28, -0.18, -0.24]),
        (INFINITY, -0.5, [0.14, 0.28, -0.18, -0.24]),
        (INFINITY, 0.5, [0.14, 0.28, -0.18, -0.24]),
    ],
)
@pytest.mark.parametrize("name", ["tis", "topr"])
def test_t8_a_baseline_under_a_cap_acts_as_a_soft_constraint(
    name: str, ratio_max: float | None, baseline: float, expected: list[float]
) -> None:
    settings: Settings = {"baseline": baseline}
    if name == "tis":
        settings |= {"ratio_max": ratio_max}
    else:
        caps = {"positive_ratio_max": ratio_max, "negative_ratio_max": ratio_max}
        settings |= {"positive_ratio_min": 0, **caps}
    bandit = Bandit(behaviour=FOUR_ARMS, rewards=(1, 1, -1, -1))
    ascent = bandit.ascent(*configured(name, settings), policy=(0.1, 0.2, 0.3, 0.4))
    assert ascent == pytest.approx(expected, abs=1e-12)
