"""Trajectories on the three-armed bandit of section 7.7: `python -m tests.algorithms.llm.bandit`.

A process of its own, because shapes are checked at every call under pytest: fifteen times slower.
Reads a JSON list of (algorithm, settings, updates) and prints the policies after these updates.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from algorithms.catalogue import ALGORITHMS
from algorithms.shared.batches import prepare, whole_batch

BEHAVIOUR = (0.3, 0.6, 0.1)
REWARDS = (0.0, 0.8, 1.0)
STEP = 0.1
PULLS = torch.tensor([0, 0, 0, 1, 1, 1, 1, 1, 1, 2])
"""Ten pulls of one prompt are the behaviour policy exactly: their mean loss is the expected one,
and the mean reward of the prompt is its value 0.58."""


def trajectory(name: str, settings: Mapping[str, object]) -> Iterator[Tensor]:
    """Yield the policy after every update, without end."""
    algorithm = ALGORITHMS[name]
    params = algorithm.params.model_validate(dict(settings))
    behaviour = torch.tensor(BEHAVIOUR, dtype=torch.float64).log()
    raw = whole_batch(
        rewards=torch.tensor(REWARDS, dtype=torch.float64)[PULLS],
        behaviour_logprobs=behaviour[PULLS].unsqueeze(-1),
        mask=torch.ones(10, 1, dtype=torch.bool),
        prompt_index=torch.zeros(10, dtype=torch.long),
    )
    batch = prepare(raw, algorithm, params, logprobs=raw.behaviour_logprobs)
    logits = behaviour.clone()
    while True:
        logits.requires_grad_()
        logprobs = logits.log_softmax(-1)[PULLS].unsqueeze(-1)
        (gradient,) = torch.autograd.grad(algorithm.loss(logprobs, batch, params).loss, logits)
        logits = (logits - STEP * gradient).detach()
        yield logits.softmax(-1)


def policies(name: str, settings: Mapping[str, object], steps: Sequence[int]) -> list[list[float]]:
    """Return the policy after each of some numbers of updates; one that stands still is done."""
    found: list[list[float]] = []
    before: Tensor | None = None
    for step, policy in enumerate(trajectory(name, settings), start=1):
        still = before is not None and torch.equal(policy, before)
        while len(found) < len(steps) and (still or step == steps[len(found)]):
            found.append(policy.tolist())
        if len(found) == len(steps):
            break
        before = policy
    return found


if __name__ == "__main__":
    torch.set_num_threads(1)
    json.dump([policies(*row) for row in json.load(sys.stdin)], sys.stdout)
