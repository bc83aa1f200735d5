"""maj@K: whether the most frequent answer among K sampled completions is correct."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

INVALID = -1
"""Code of a completion from which no answer could be read."""


@dataclass(frozen=True)
class Votes:
    """What n completions of each of P problems answered.

    Invalid completions have no vote: they are left out unless all are invalid, and then the
    problem is not solved. Of several answers with equally many votes one is drawn by lot. (The
    TOPR paper says neither.)
    """

    codes: NDArray[np.int64]
    """P x n; equal numbers within a row mean equal answers, INVALID means none."""
    correct: NDArray[np.bool_]
    """P x n."""

    @property
    def problems(self) -> int:
        """P."""
        return int(self.codes.shape[0])

    @property
    def samples(self) -> int:
        """Completions per problem (n)."""
        return int(self.codes.shape[1])

    @property
    def counts(self) -> NDArray[np.int64]:
        """Correct completions of each problem."""
        return np.asarray(self.correct.sum(axis=1), dtype=np.int64)

    @property
    def right(self) -> NDArray[np.bool_]:
        """P x answers: whether the answer of that code is correct."""
        right = np.zeros((self.problems, self._answers), dtype=bool)
        rows, columns = np.nonzero(self.correct & (self.codes != INVALID))
        right[rows, self.codes[rows, columns]] = True
        return right

    @property
    def _answers(self) -> int:
        return max(1, int(self.codes.max(initial=INVALID)) + 1)

    def tally(self, codes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return votes per problem and answer, P x answers, of some of the completions."""
        rows = np.broadcast_to(np.arange(self.problems)[:, None], codes.shape)
        voted = codes != INVALID
        flat = rows[voted] * self._answers + codes[voted]
        counted = np.bincount(flat, minlength=self.problems * self._answers)
        return counted.reshape(self.problems, self._answers)


def votes_of(
    answers: Sequence[Sequence[Hashable | None]], correct: Sequence[Sequence[bool]]
) -> Votes:
    """Return votes of answers by problem; None is an answer that could not be read.

    Raises:
        ValueError: problems have different numbers of completions.
    """
    if len({len(row) for row in answers}) > 1:
        raise ValueError("every problem needs the same number of completions")
    width = len(answers[0]) if answers else 0
    known: dict[Hashable, int] = {}
    codes = [
        [INVALID if one is None else known.setdefault(one, len(known)) for one in row]
        for row in answers
    ]
    shape = (len(answers), width)
    return Votes(
        local_codes(np.array(codes, dtype=np.int64).reshape(shape)),
        np.asarray(correct, dtype=bool).reshape(shape),
    )


def local_codes(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return codes that are equal where the given ones are, counted from 0 within each row.

    Args:
        codes: P x n, any numbers from 0 on, INVALID for none.
    """
    rows, columns = np.nonzero(codes != INVALID)
    span = int(codes.max(initial=0)) + 1
    distinct, rank = np.unique(rows * span + codes[rows, columns], return_inverse=True)
    first = np.searchsorted(distinct, np.arange(codes.shape[0]) * span)
    local = np.full(codes.shape, INVALID, dtype=np.int64)
    local[rows, columns] = rank - first[rows]
    return local


def expected_majority(votes: Votes) -> NDArray[np.float64]:
    """Return maj@n per problem: the probability that the lot among the leading answers is right."""
    tally = votes.tally(votes.codes)
    most = tally.max(axis=1, keepdims=True)
    leading = (tally == most) & (most > 0)
    return np.asarray((leading & votes.right).sum(axis=1) / np.maximum(leading.sum(axis=1), 1))


def drawn_majority(
    votes: Votes,
    codes: NDArray[np.int64],
    right: NDArray[np.bool_],
    random: np.random.Generator,
) -> NDArray[np.bool_]:
    """Return whether the majority is right per problem, ties broken by lot.

    Args:
        codes: P x K, some of the votes' codes.
        right: `votes.right`, worked out once for many draws.
    """
    tally = votes.tally(codes)
    lots = tally + random.random(tally.shape)
    leader = lots.argmax(axis=1)
    rows = np.arange(votes.problems)
    return np.asarray(right[rows, leader] & (tally[rows, leader] > 0))
