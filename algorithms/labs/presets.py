"""Examples of both papers, ready to open in the labs; the tests hold the labs to their tables.

T3 to T5 are vectors of the specification of TOPR (arXiv:2503.14286), 7.2 to 7.7 of that of
group-relative REINFORCE (arXiv:2509.24203).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from algorithms.labs.bandit import Bandit
from algorithms.labs.batch import LabBatch, LabCompletion
from algorithms.labs.loss_lab import Scale


@dataclass(frozen=True)
class Choice:
    """An algorithm with settings, and what it is called."""

    algorithm: str
    label: str
    params: Mapping[str, Any]


@dataclass(frozen=True)
class LossExample:
    """A batch and what to look at it with."""

    title: str
    about: str
    batch: LabBatch
    choices: tuple[Choice, ...]
    scale: Scale = "completion"


@dataclass(frozen=True)
class BanditExample:
    """A bandit and who plays it."""

    title: str
    about: str
    bandit: Bandit
    choices: tuple[Choice, ...]


def _choice(algorithm: str, label: str, **params: Any) -> Choice:
    return Choice(algorithm, label, params)


TAPERS = (
    _choice("topr", "SFT on positives", negative_ratio_max=0.0),
    _choice("reinforce", "naive REINFORCE"),
    _choice("importance_sampling", "OPR (full IS)"),
    _choice("tis", "TIS"),
    _choice("topr", "TOPR"),
    _choice("ppo", "PPO"),
)
WIDE = {"clip_low": 0.6, "clip_high": 2.0}
IS = {"weight": "importance_sampling"}
RELATIVES = (
    _choice("rec", "REINFORCE", clip="none"),
    _choice("importance_sampling", "unclipped IS", ratio_granularity="token"),
    _choice("rec", "OneSide-NoIS .2/.2"),
    _choice("rec", "OneSide-IS .2/.2", **IS),
    _choice("rec", "OneSide-NoIS .6/2", **WIDE),
    _choice("rec", "OneSide-IS .6/2", **WIDE, **IS),
    _choice("asymre", "AsymRE .1", baseline_shift=-0.1),
    _choice("asymre", "AsymRE .2", baseline_shift=-0.2),
    _choice("opmd", "OPMD k2 .1", form="token_k2", penalty_coefficient=0.1),
    _choice("red_weight", "RED-Weight T=1", temperature=1.0),
    _choice("red_weight", "RED-Weight T=.2", temperature=0.2),
)
"""The rows of table 7.7, in its order."""


def _one_token(prompt: int, reward: float, ratio: float, behaviour: float) -> LabCompletion:
    logprob = math.log(behaviour)
    return LabCompletion(
        prompt=prompt,
        reward=reward,
        logprobs=(round(logprob + math.log(ratio), 12),),
        behaviour_logprobs=(round(logprob, 12),),
    )


def _group(rewards: tuple[float, ...]) -> LabBatch:
    return LabBatch(completions=tuple(_one_token(1, reward, 1.0, 0.2) for reward in rewards))


_RATIOS = (0.3, 0.9, 1.3, 3.5)
_GROUP_CHOICES = (
    _choice("rec", "group mean", clip="none"),
    _choice("grpo", "GRPO"),
    _choice("rloo", "RLOO"),
    _choice("opmd", "OPMD log-mean-exp", form="simple", temperature=1.0, baseline="log_mean_exp"),
    _choice("asymre", "AsymRE −.1"),
    _choice("red_drop", "RED-Drop"),
)

LOSS_EXAMPLES: Mapping[str, LossExample] = {
    "three-sequences": LossExample(
        "Three sequences, one correct",
        "TOPR's tapers on sequences that drifted either way (vector T3).",
        LabBatch(
            completions=(
                LabCompletion(
                    prompt=1, reward=1, logprobs=(-1.0, -0.5), behaviour_logprobs=(-0.8, -0.6)
                ),
                LabCompletion(
                    prompt=2,
                    reward=-1,
                    logprobs=(-1.2, -0.9, -0.6),
                    behaviour_logprobs=(-0.7, -0.5, -0.8),
                ),
                LabCompletion(
                    prompt=3,
                    reward=-1,
                    logprobs=(-0.2, -0.3, -0.1, -0.4),
                    behaviour_logprobs=(-0.5, -0.4, -0.3, -0.5),
                ),
            )
        ),
        TAPERS,
    ),
    "one-of-four": LossExample(
        "One correct of four",
        "How each advantage reads rewards 1, 0, 0, 0 of one prompt (vector 7.2).",
        _group((1, 0, 0, 0)),
        _GROUP_CHOICES,
    ),
    "eight-tokens": LossExample(
        "Eight tokens from far below to far above μ",
        "Clips and weights at ratios 0.3, 0.9, 1.3 and 3.5 (vector 7.3). Each completion is alone "
        "with its prompt, so that its advantage is its reward.",
        LabBatch(
            completions=tuple(
                _one_token(number + 1, 0.75 if number < 4 else -0.25, _RATIOS[number % 4], 0.2)
                for number in range(8)
            )
        ),
        (
            *RELATIVES[:6],
            _choice("rec", "TwoSide-NoIS", clip="two_side"),
            _choice("rec", "Ring-NoIS", clip="ring"),
            RELATIVES[8],
            _choice("topr", "TOPR"),
            _choice("cispo", "CISPO"),
        ),
        "batch",
    ),
    "gsm8k-rewards": LossExample(
        "Rewards of GSM8K with format terms",
        "1.1, 0.9, 0.1 and five times −0.1 of one prompt (vector 7.2).",
        _group((1.1, 0.9, 0.1, *[-0.1] * 5)),
        _GROUP_CHOICES,
    ),
}

BANDIT_EXAMPLES: Mapping[str, BanditExample] = {
    "group-relative": BanditExample(
        "A good arm hides the best one",
        "Group-relative REINFORCE (table 7.7): most data come from arm 2, arm 3 is the best.",
        Bandit(),
        RELATIVES,
    ),
    "rare-positive": BanditExample(
        "The positive was forgotten",
        "TOPR (vector T5): the only positive arm starts at a probability of 1 in 10,000.",
        Bandit(
            behaviour=(0.1, 0.6, 0.3),
            rewards=(1, -1, -1),
            start="typed",
            start_policy=(1e-4, 0.6, 0.3999),
            step_size=1.0,
            updates=5_000,
        ),
        TAPERS,
    ),
    "blow-up": BanditExample(
        "Logits that never stop",
        "TOPR (vector T5): two negative arms, 2,000 updates; naive REINFORCE has no bound.",
        Bandit(behaviour=(0.5, 0.3, 0.2), rewards=(1, -1, -1), step_size=1.0, updates=2_000),
        TAPERS,
    ),
    "first-gradient": BanditExample(
        "The first step off policy",
        "TOPR (vector T4): one update from (.6, .1, .3) moves each logit by its gradient.",
        Bandit(
            behaviour=(0.5, 0.3, 0.2),
            rewards=(1, -1, -1),
            start="typed",
            start_policy=(0.6, 0.1, 0.3),
            step_size=1.0,
            updates=1,
        ),
        (
            *TAPERS[:5],
            _choice("topr", "TOPR (1, 1.2, 0, 1)", positive_ratio_max=1.2),
        ),
    ),
}
