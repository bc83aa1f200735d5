"""Weighted self-consistency: a verifier's verdicts weigh the answers of several solutions.

TOPR, section D.5 and table 2: several solutions per problem, several verifications each,
aggregated into a score; scores are summed per distinct answer, and the best one is the answer.
"""

import numpy as np
from numpy.typing import NDArray

from algorithms.evaluation.majority import INVALID, Votes, expected_majority


def answer_scores(votes: Votes, accepted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return P x answers: how many verdicts accept a solution with that answer.

    Solutions without an answer count nowhere. The paper says neither sum nor mean of verdicts;
    with equally many per solution both choose the same answer.

    Args:
        accepted: P x n, accepting verdicts of each solution.
    """
    width = votes.right.shape[1]
    rows = np.broadcast_to(np.arange(votes.problems)[:, None], votes.codes.shape)
    told = votes.codes != INVALID
    flat = rows[told] * width + votes.codes[told]
    total = np.bincount(flat, weights=accepted[told], minlength=votes.problems * width)
    return np.rint(total).astype(np.int64).reshape(votes.problems, width)


def expected_weighted(votes: Votes, accepted: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return per problem the probability that the answer of highest score is right.

    Of several answers with the highest score one is drawn by lot. Where no solution is accepted
    the verifier says nothing and the plain majority decides. (The paper says neither.)
    """
    scores = answer_scores(votes, accepted)
    best = scores.max(axis=1, keepdims=True)
    leading = (scores == best) & (best > 0)
    chance = (leading & votes.right).sum(axis=1) / np.maximum(leading.sum(axis=1), 1)
    return np.asarray(np.where(best[:, 0] > 0, chance, expected_majority(votes)))
