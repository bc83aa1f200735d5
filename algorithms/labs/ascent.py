"""Full-batch gradient descent of any algorithm on a bandit's logits, many updates at a time.

The sequence is that of the plain loop theta <- theta - step d loss / d theta. It is found faster by
guessing a window of coming policies, evaluating the loss on all of them in one batch, and keeping
the updates that the guess had right; the others are guessed again, better (Picard iteration). A
loss is a mean over completions, units apart, so the gradients of the window do not touch.
"""

import dataclasses
import math
import time
from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Int
from torch import Tensor

from algorithms.base import CompletionBatch, LLMAlgorithm, Outcomes, Schema
from algorithms.labs.bandit import Bandit
from algorithms.shared.batches import advantages, units, whole_batch

MAX_ROWS = 2_560
"""Completions evaluated in one call of a loss: torch uses one thread for so few."""
MAX_WINDOW = 256
AGREEMENT = 1e-12
"""Logits closer than this, relative to the largest of them (at least 1), count as equal."""
LONGEST_CYCLE = 12
"""Longest cycle of steps that is looked for, when the next ones are guessed."""
PATIENCE = 4
"""Windows in a row that had next to nothing right, before they are guessed from scratch."""
MARKS = (200, 2_000, 20_000)
"""Updates after which the papers' tables tell the policy."""


@dataclass
class Ascent:
    """The policy of one algorithm on a bandit, as far as it has been computed."""

    bandit: Bandit
    algorithm: LLMAlgorithm
    params: Schema
    updates: int = 0
    """Updates done."""
    recorded: dict[int, tuple[float, ...]] = field(default_factory=dict)
    """Policy by number of updates, about evenly spread on a logarithmic axis."""
    half_at: int | None = None
    """First update after which the best arm has a probability of 0.5 at least."""
    broken_at: int | None = None
    """Update that made the policy no number any more; the policy stays as it was before."""

    def __post_init__(self) -> None:
        policy = torch.tensor(self.bandit.first_policy, dtype=torch.float64)
        self._ahead = policy.log().unsqueeze(0)
        self._field = _GradientField(self.bandit, self.algorithm, self.params)
        self._steps = torch.zeros(0, policy.numel(), dtype=torch.float64)
        self._stuck = 0
        self._points = recorded_updates(self.bandit.updates)
        self._record(self._ahead)

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to compute."""
        return self.updates >= self.bandit.updates or self.broken_at is not None

    @property
    def policy(self) -> tuple[float, ...]:
        """The policy after the updates done so far."""
        return _policy(self._ahead[0])

    def advance(self, *, seconds: float | None = None) -> None:
        """Go on until all updates are done, or for about so long."""
        end = None if seconds is None else time.monotonic() + seconds
        while not self.is_done and (end is None or time.monotonic() < end):
            self._ahead = self._ahead[: self.bandit.updates - self.updates]
            self._take_window()

    def _take_window(self) -> None:
        """Do the updates that the guessed window has right, one at least, and guess the next."""
        guess = self._ahead
        steps = -self.bandit.step_size * self._field.gradients(guess)
        found = guess[0] + steps.cumsum(0)  # after 1, 2, ... updates
        if not bool(torch.isfinite(found[0]).all()):
            self.broken_at = self.updates + 1
            return
        if not self._field.draws and not bool(steps[0].any()):
            self._rest()
            return
        # guess[k] is the state after k updates, found[k - 1] what it ought to be.
        allowed = AGREEMENT * guess[0].abs().max().clamp(min=1)
        wrong = ~((found[:-1] - guess[1:]).abs().amax(-1) <= allowed)
        right = int(wrong.int().argmax()) if bool(wrong.any()) else len(wrong)
        taken = right + 1
        self._record(found[:taken], first=self.updates + 1)
        self.updates += taken
        self._steps = torch.cat([self._steps, steps[:taken]])[-2 * LONGEST_CYCLE :]
        window = _next_window(len(guess), taken, self._field.window_max)
        self._stuck = self._stuck + 1 if taken < min(3, len(guess)) else 0
        if self._stuck < PATIENCE:
            known, coming = found[taken - 1 :], steps[-1:].expand(window, -1)
        else:
            # A clip in the way makes wrong guesses wronger: start again from what happened.
            known, coming = found[taken - 1 : taken], replayed(self._steps, window)
            self._stuck = 0
        self._ahead = torch.cat([known, known[-1] + coming.cumsum(0)]).nan_to_num()[:window]

    def _rest(self) -> None:
        """Finish at once: a policy without a gradient stays where it is."""
        state, first = self._ahead[:1], self.updates + 1
        self.recorded |= {update: _policy(state[0]) for update in self._points if update >= first}
        self.updates = self.bandit.updates

    def _record(self, states: Float[Tensor, "W arms"], first: int = 0) -> None:
        if self.half_at is None:
            reached = states.softmax(-1)[:, self.bandit.best_arm] >= 0.5
            if bool(reached.any()):
                self.half_at = first + int(reached.int().argmax())
        for update in range(first, first + len(states)):
            if update in self._points:
                self.recorded[update] = _policy(states[update - first])


def recorded_updates(updates: int) -> frozenset[int]:
    """Return after which updates the policy is kept: about 40 per decade, and the tables'."""
    grid = {round(10 ** (place / 40)) for place in range(240) if 10 ** (place / 40) <= updates}
    return frozenset({0, updates} | grid | {mark for mark in MARKS if mark <= updates})


def replayed(steps: Float[Tensor, "H arms"], count: int) -> Float[Tensor, "count arms"]:
    """Return the steps to expect after those that were taken: the last ones over again.

    Policies that lean on the edge of a clip step back and forth in short cycles; the cycle is the
    one that the last steps fit best, a single step where nothing repeats.
    """
    longest = min(LONGEST_CYCLE, len(steps) // 2)
    misfits = [
        float((steps[-longest:] - steps[-longest - cycle : -cycle]).abs().max())
        for cycle in range(1, longest + 1)
    ]
    cycle = 1 + misfits.index(min(misfits)) if misfits else 1
    return steps[-cycle:].repeat(-(-count // cycle), 1)[:count]


def _next_window(window: int, taken: int, largest: int) -> int:
    if taken * 2 >= window:
        window *= 2
    elif taken * 8 < window:
        window //= 2
    return max(1, min(window, largest))


def _policy(logits: Float[Tensor, " arms"]) -> tuple[float, ...]:
    return tuple(logits.softmax(-1).tolist())


class _GradientField:
    """d loss / d logits of an algorithm, for one policy or for several at once."""

    def __init__(self, bandit: Bandit, algorithm: LLMAlgorithm, params: Schema) -> None:
        self.algorithm, self.params = algorithm, params
        self.generator = torch.Generator().manual_seed(0)
        arms = torch.arange(len(bandit.counts)).repeat_interleave(torch.tensor(bandit.counts))
        batch = _one_batch(bandit, arms)
        before = self.generator.get_state()
        batch = self._with_advantages(batch)
        self.draws = not torch.equal(before, self.generator.get_state())
        """Whether advantages are drawn by lot, anew for each update."""
        alone = self.draws or algorithm.select is not None
        if not self.draws and algorithm.unit != "pair":
            kept = _without_copies(arms, batch.advantages)
            arms, batch = arms[kept], batch.rows(kept)
        self.window_max = 1 if alone else max(1, min(MAX_WINDOW, MAX_ROWS // len(arms)))
        self.arms = arms
        self.batch = _side_by_side(batch, self.window_max)

    def gradients(self, logits: Float[Tensor, "W arms"]) -> Float[Tensor, "W arms"]:
        """Return the gradient of each of W policies' own loss."""
        window = len(logits)
        logits = logits.detach().requires_grad_()
        logprobs = logits.log_softmax(-1)[:, self.arms].reshape(-1, 1)
        batch = self.batch
        if window < self.window_max:
            batch = batch.rows(slice(0, window * len(self.arms)))
        if self.draws:
            batch = self._with_advantages(batch)
        if self.algorithm.select is not None:
            selected = self.algorithm.select(logprobs.detach(), batch, self.params)
            batch = dataclasses.replace(batch, selected=selected)
        loss = self.algorithm.loss(logprobs, batch, self.params).loss
        if not loss.requires_grad:
            return torch.zeros_like(logits)
        (gradient,) = torch.autograd.grad(loss * window, logits)
        found: Tensor = gradient
        return found

    def _with_advantages(self, batch: CompletionBatch) -> CompletionBatch:
        lengths = batch.mask.sum(-1)
        outcomes = Outcomes(batch.rewards, batch.prompt_index, lengths, self.generator)
        worth = advantages(self.algorithm, self.params, outcomes)
        unit_index = units(self.algorithm, batch.rewards, batch.prompt_index)
        return dataclasses.replace(batch, advantages=worth, unit_index=unit_index)


def _one_batch(bandit: Bandit, arms: Int[Tensor, " B"]) -> CompletionBatch:
    """Return every completion of the one prompt; the behaviour policy is the reference too."""
    behaviour = torch.tensor(bandit.behaviour, dtype=torch.float64).log()[arms].unsqueeze(-1)
    batch = whole_batch(
        rewards=torch.tensor(bandit.rewards, dtype=torch.float64)[arms],
        behaviour_logprobs=behaviour,
        mask=torch.ones_like(behaviour, dtype=torch.bool),
        prompt_index=torch.zeros_like(arms),
    )
    return dataclasses.replace(batch, reference_logprobs=behaviour)


def _without_copies(arms: Int[Tensor, " B"], worth: Float[Tensor, " B"]) -> Int[Tensor, " b"]:
    """Return which completions to keep so that the mean over them stays the same.

    Completions of one arm and one advantage are copies of each other: where their number and
    those of all others have a common divisor, so many of each are superfluous.
    """
    same = all(
        bool((worth[arms == arm] == worth[arms == arm][0]).all()) for arm in set(arms.tolist())
    )
    divisor = math.gcd(*torch.bincount(arms).tolist()) if same else 1
    return torch.arange(0, len(arms), divisor)


def _side_by_side(batch: CompletionBatch, copies: int) -> CompletionBatch:
    """Return a batch several times over, each time with prompts and units of its own."""
    rows = len(batch.rewards)
    repeated = batch.rows(torch.arange(rows).repeat(copies))
    number = torch.arange(copies).repeat_interleave(rows)
    return dataclasses.replace(
        repeated,
        prompt_index=number,
        unit_index=repeated.unit_index + number * (int(batch.unit_index.max()) + 1),
    )
