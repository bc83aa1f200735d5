"""McNemar's exact test: did two policies solve the same problems equally often?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special


@dataclass(frozen=True)
class McNemar:
    """The two counts that the test is made of, and what it says."""

    gained: int
    """Problems that only the second policy solved."""
    lost: int
    """Problems that only the first policy solved."""
    p_value: float
    """Two-sided: how often a fair coin splits gained + lost problems at least as unevenly."""


def mcnemar(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> McNemar:
    """Return the exact test of two policies' answers to the same problems.

    Problems that both or neither solve say nothing of the difference and are left out.

    Raises:
        ValueError: the policies answered different numbers of problems.
    """
    if first.shape != second.shape:
        raise ValueError(f"{first.size} and {second.size} answers are not to the same problems")
    gained, lost = int((second & ~first).sum()), int((first & ~second).sum())
    tail = float(special.bdtr(float(min(gained, lost)), gained + lost, 0.5))
    return McNemar(gained, lost, min(1.0, 2 * tail))
