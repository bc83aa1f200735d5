"""pass@k: the probability that at least one of k sampled completions is correct."""

import numpy as np
from numpy.typing import NDArray


def pass_at_k(correct: NDArray[np.int64], n: int, k: int) -> NDArray[np.float64]:
    """Return the unbiased estimate of pass@k per problem (Chen et al. 2021, arXiv:2107.03374).

        pass@k = 1 - C(n - c, k) / C(n, k)

    which is the share of all subsets of k of the n completions that hold a correct one.

    Args:
        correct: correct completions of each problem (c), from 0 to n.
        n: completions sampled per problem.

    Raises:
        ValueError: k is not between 1 and n.
    """
    if not 1 <= k <= n:
        raise ValueError(f"pass@{k} needs between 1 and {n} of the {n} completions")
    # C(n - c, k) / C(n, k) as a product of ratios below 1: no binomial that overflows.
    wrong = np.asarray(n - correct, dtype=np.float64)[:, None] - np.arange(k)
    return np.asarray(1 - np.clip(wrong / (n - np.arange(k)), 0, 1).prod(axis=1))
