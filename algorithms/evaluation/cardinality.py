"""How many problems have how many correct completions (figure 8 of the TOPR paper)."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

QUARTERS = 4


@dataclass(frozen=True)
class Bin:
    """Problems with `first` to `last` correct completions."""

    first: int
    last: int
    problems: int

    @property
    def label(self) -> str:
        """The numbers of correct completions, such as 1-4."""
        return str(self.first) if self.first == self.last else f"{self.first}–{self.last}"


def bin_edges(n: int) -> tuple[tuple[int, int], ...]:
    """Return first and last count of each bin: 0, then four of equal width as far as n allows.

    0, 1-4, 5-8, 9-12, 13-16 for the paper's n = 16; every count by itself up to n = 4.
    """
    edges = [0, *sorted({-(-n * quarter // QUARTERS) for quarter in range(1, QUARTERS + 1)})]
    return ((0, 0), *((low + 1, high) for low, high in pairwise(edges)))


def cardinality(correct: NDArray[np.int64], n: int) -> tuple[Bin, ...]:
    """Return the histogram of correct completions per problem; its bins add up to the problems.

    Args:
        correct: correct completions of each problem, from 0 to n.
        n: completions sampled per problem.
    """
    counts = np.bincount(correct, minlength=n + 1)
    return tuple(Bin(low, high, int(counts[low : high + 1].sum())) for low, high in bin_edges(n))
