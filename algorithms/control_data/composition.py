"""How an amount is divided among the parts of a composition."""

from collections.abc import Sequence

import numpy as np


def amounts_of(shares: Sequence[float], amount: int) -> list[int]:
    """Return whole amounts in the proportion of the shares; together they are the amount."""
    sums = np.cumsum(shares)
    edges = np.round(sums / sums[-1] * amount).astype(int)
    return [int(each) for each in np.diff(edges, prepend=0)]
