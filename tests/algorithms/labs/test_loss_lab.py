"""The Loss lab against the vectors of both papers, and on every algorithm of the catalogue."""

import math

import pytest
from pydantic import ValidationError

from algorithms.catalogue import ALGORITHMS
from algorithms.labs.batch import LabBatch, LabCompletion
from algorithms.labs.loss_lab import Judgement, Scale, judge
from algorithms.labs.presets import LOSS_EXAMPLES


def _judged(example: str, label: str, scale: Scale | None = None) -> Judgement:
    found = LOSS_EXAMPLES[example]
    choice = next(one for one in found.choices if one.label == label)
    algorithm = ALGORITHMS[choice.algorithm]
    params = algorithm.params.model_validate(dict(choice.params))
    return judge(found.batch, algorithm, params, scale=scale or found.scale)


def _coefficients(judgement: Judgement) -> list[float]:
    return [token.coefficient for one in judgement.completions for token in one.tokens]


@pytest.mark.parametrize(
    ("label", "loss", "slopes"),
    [
        ("SFT on positives", 0.25, (-0.166667, 0, 0)),
        ("naive REINFORCE", -0.133333, (-0.166667, 0.111111, 0.083333)),
        ("OPR (full IS)", -0.090579, (-0.150806, 0.055176, 0.167813)),
        ("TIS", -0.006100, (-0.150806, 0.055176, 0.083333)),
        ("TOPR", 0.017691, (-0.166667, 0.055176, 0.083333)),
    ],
)
def test_three_sequences_have_the_losses_and_slopes_of_topr(
    label: str, loss: float, slopes: tuple[float, ...]
) -> None:
    judgement = _judged("three-sequences", label, "gradient")
    assert judgement.loss == pytest.approx(loss, abs=1e-6)
    expected = [
        -slope for slope, tokens in zip(slopes, (2, 3, 4), strict=True) for _ in range(tokens)
    ]
    assert _coefficients(judgement) == pytest.approx(expected, abs=1e-6)


def test_the_scale_of_a_completion_gives_weight_times_reward() -> None:
    judgement = _judged("three-sequences", "TOPR")
    first = [one.tokens[0].coefficient for one in judgement.completions]
    assert first == pytest.approx((1, -math.exp(-0.7), -1))
    assert [one.ratio for one in judgement.completions] == pytest.approx(
        (math.exp(-0.1), math.exp(-0.7), math.exp(0.7))
    )


@pytest.mark.parametrize(
    ("label", "advantages"),
    [
        ("group mean", (0.75, *[-0.25] * 3)),
        ("GRPO", (1.499997, *[-0.499999] * 3)),
        ("RLOO", (1, *[-1 / 3] * 3)),
        ("OPMD log-mean-exp", (0.642626, *[-0.357374] * 3)),
        ("AsymRE −.1", (0.85, *[-0.15] * 3)),
    ],
)
def test_one_correct_of_four_has_the_advantages_of_the_paper(
    label: str, advantages: tuple[float, ...]
) -> None:
    found = [one.advantage for one in _judged("one-of-four", label).completions]
    assert found == pytest.approx(advantages, abs=1e-6)


@pytest.mark.parametrize(
    ("label", "coefficients", "kept", "loss"),
    [
        ("REINFORCE", (*[0.75] * 4, *[-0.25] * 4), "11111111", 0.389497),
        ("OneSide-NoIS .2/.2", (0.75, 0.75, 0, 0, 0, *[-0.25] * 3), "11000111", 0.317690),
        ("OneSide-IS .2/.2", (0.225, 0.675, 0, 0, 0, -0.225, -0.325, -0.875), "11000111", 0.081848),
        ("OneSide-NoIS .6/2", (*[0.75] * 3, 0, 0, *[-0.25] * 3), "11100111", 0.443978),
        ("TwoSide-NoIS", (0, 0.75, 0, 0, 0, -0.25, 0, 0), "01000100", 0.107175),
        ("Ring-NoIS", (0.75, 0.75, 0, 0, 0, -0.25, 0, -0.25), "11000101", 0.359786),
        ("TOPR", (*[0.75] * 4, -0.075, -0.225, -0.25, -0.25), None, 0.456399),
        ("CISPO", (0.225, 0.675, 0.96, 0.96, -0.075, -0.225, -0.32, -0.32), None, 0.285509),
    ],
)
def test_eight_tokens_have_the_masks_and_coefficients_of_the_paper(
    label: str, coefficients: tuple[float, ...], kept: str | None, loss: float
) -> None:
    judgement = _judged("eight-tokens", label)
    assert _coefficients(judgement) == pytest.approx(coefficients, abs=1e-6)
    assert judgement.loss == pytest.approx(loss, abs=1e-6)
    if kept is not None:
        found = [one.tokens[0].kept for one in judgement.completions]
        assert [value is not False for value in found] == [mark == "1" for mark in kept]


@pytest.mark.parametrize("name", ALGORITHMS)
@pytest.mark.parametrize("example", LOSS_EXAMPLES)
def test_every_algorithm_can_be_looked_at(name: str, example: str) -> None:
    algorithm = ALGORITHMS[name]
    judgement = judge(LOSS_EXAMPLES[example].batch, algorithm, algorithm.params())
    assert judgement.is_finite
    assert len(judgement.completions) == len(LOSS_EXAMPLES[example].batch.completions)


def test_the_effective_share_is_that_of_the_baseline() -> None:
    batch = LabBatch(
        completions=tuple(
            LabCompletion(prompt=1, reward=reward, logprobs=(-1.0,), behaviour_logprobs=(-1.0,))
            for reward in (1, -1, -1, -1)
        )
    )
    topr = ALGORITHMS["topr"]
    share = judge(batch, topr, topr.params.model_validate({"baseline": -0.5}))
    # Equation 7 of TOPR by hand: p (1 - c) = 0.375 of 0.375 + 0.75 * 0.5.
    assert share.effective_positive_share == pytest.approx(0.5)


def test_each_mistake_is_told_at_its_number() -> None:
    row = {"logprobs": [-1.0, 0.5], "behaviour_logprobs": [-1.0], "reward": 1}
    with pytest.raises(ValidationError) as caught:
        LabBatch.model_validate({"completions": [row]})
    places = {error["loc"] for error in caught.value.errors()}
    assert ("completions", 0, "logprobs", 1) in places
    row["logprobs"] = [-1.0, -0.5]
    with pytest.raises(ValidationError, match="1 numbers here, and 2 of log pi") as caught:
        LabBatch.model_validate({"completions": [row]})
    assert caught.value.errors()[0]["loc"] == ("completions", 0, "behaviour_logprobs")
