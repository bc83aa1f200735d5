"""Every bandit of the labs' presets to its end, as JSON; run as a process of its own.

Test runs check the shapes of every call, which makes the many small calls 20 times slower.
"""

import json
import sys
from dataclasses import dataclass, replace

import torch

from algorithms.catalogue import ALGORITHMS
from algorithms.labs.ascent import Ascent
from algorithms.labs.bandit import Bandit
from algorithms.labs.presets import BANDIT_EXAMPLES, BanditExample, Choice


@dataclass(frozen=True)
class Played:
    """How one algorithm ended."""

    recorded: dict[str, tuple[float, ...]]
    half_at: int | None
    logits: list[float]
    expected_reward: float


def play(example: BanditExample, choice: Choice) -> Ascent:
    """Return the finished ascent of one choice of an example."""
    algorithm = ALGORITHMS[choice.algorithm]
    params = algorithm.params.model_validate(dict(choice.params))
    ascent = Ascent(example.bandit, algorithm, params)
    ascent.advance()
    return ascent


def _longer(bandit: Bandit) -> Bandit:
    """Return the bandit with as many updates as the paper's "never" was watched for."""
    return bandit.model_copy(update={"updates": 200_000})


def main() -> None:
    """Write {example: {label: Played}}."""
    torch.set_num_threads(1)
    tables: dict[str, dict[str, object]] = {}
    for name, example in BANDIT_EXAMPLES.items():
        for choice in example.choices:
            ended = play(example, choice)
            if name == "rare-positive" and ended.half_at is None:
                ended = play(replace(example, bandit=_longer(example.bandit)), choice)
            tables.setdefault(name, {})[choice.label] = {
                "recorded": {str(update): policy for update, policy in ended.recorded.items()},
                "half_at": ended.half_at,
                "logits": ended._ahead[0].tolist(),
                "expected_reward": example.bandit.expected_reward(ended.policy),
            }
    json.dump(tables, sys.stdout)


if __name__ == "__main__":
    main()
