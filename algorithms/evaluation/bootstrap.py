"""pass@K and maj@K with standard errors, by the bootstrap of the TOPR paper."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from algorithms.evaluation.majority import Votes, drawn_majority, expected_majority
from algorithms.evaluation.pass_at_k import pass_at_k

TRIALS = 100


@dataclass(frozen=True)
class AtK:
    """One figure at one K, over all problems."""

    k: int
    value: float
    standard_error: float | None
    """None where nothing tells it: one problem, all of whose completions are used."""
    over: Literal["completions", "questions"]
    """What the standard error is over: the paper's draw of completions, or the questions."""


def paper_standard_error(variance: float, n: int, k: int) -> float:
    """Return sqrt(V / (n/K - 1)) (section C.2 of the paper, which prints it for n = 64).

    Args:
        variance: V, of the figure over trials that draw k of n completions without replacement.

    Raises:
        ValueError: k is n or more: every trial draws the same completions, V says nothing.
    """
    if k >= n:
        raise ValueError(f"the bootstrap over completions is not defined for K = {k} of n = {n}")
    return math.sqrt(variance / (n / k - 1))


def question_standard_error(values: NDArray[np.float64]) -> float | None:
    """Return the standard error of a mean over questions; None for a single one.

    What a bootstrap that draws questions with replacement comes to with ever more draws, with
    the sample variance in place of the population's.
    """
    if values.size < 2:
        return None
    return float(values.std(ddof=1)) / math.sqrt(values.size)


def sizes(n: int) -> tuple[int, ...]:
    """Return the K that are shown: 1, 2, 4, 8... and n itself."""
    powers = [2**exponent for exponent in range(n.bit_length()) if 2**exponent < n]
    return (*powers, n)


def figures_at_k(
    votes: Votes, *, seed: int, trials: int = TRIALS
) -> tuple[tuple[AtK, ...], tuple[AtK, ...]]:
    """Return pass@K and maj@K for K = 1, 2, 4... n.

    Each trial draws K of the n completions of every question without replacement and averages
    over questions; V is the variance over trials. pass@K itself is the unbiased estimate (exact
    over all subsets), maj@K the mean over the trials. For K = n, where the paper's formula is 0/0,
    maj@n counts ties as their probability and the error is that over questions.

    Raises:
        ValueError: there are no completions.
    """
    n = votes.samples
    if n == 0 or votes.problems == 0:
        raise ValueError("figures at K need at least one problem and one completion")
    ks = sizes(n)
    drawn = _trials(votes, [k for k in ks if k < n], seed=seed, trials=trials)
    passes, majorities = [], []
    for k in ks:
        solved = pass_at_k(votes.counts, n, k)
        if k == n:
            agreed = expected_majority(votes)
            passes.append(_over_questions(k, solved))
            majorities.append(_over_questions(k, agreed))
            continue
        passed, agreed = drawn[k]
        passes.append(_over_completions(k, n, float(solved.mean()), passed))
        majorities.append(_over_completions(k, n, float(agreed.mean()), agreed))
    return tuple(passes), tuple(majorities)


def _trials(
    votes: Votes, ks: Sequence[int], *, seed: int, trials: int
) -> dict[int, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Return pass@K and maj@K of each trial; the first K of one shuffle are a draw of K."""
    random = np.random.default_rng(seed)
    right = votes.right
    found = {k: (np.empty(trials), np.empty(trials)) for k in ks}
    for trial in range(trials if ks else 0):
        order = random.random(votes.codes.shape).argsort(axis=1)
        codes = np.take_along_axis(votes.codes, order, axis=1)
        correct = np.take_along_axis(votes.correct, order, axis=1)
        for k in ks:
            passed, agreed = found[k]
            passed[trial] = correct[:, :k].any(axis=1).mean()
            agreed[trial] = drawn_majority(votes, codes[:, :k], right, random).mean()
    return found


def _over_completions(k: int, n: int, value: float, trials: NDArray[np.float64]) -> AtK:
    variance = float(trials.var(ddof=1)) if trials.size > 1 else 0.0
    return AtK(k, value, paper_standard_error(variance, n, k), "completions")


def _over_questions(k: int, values: NDArray[np.float64]) -> AtK:
    return AtK(k, float(values.mean()), question_standard_error(values), "questions")
