"""Numbers of a figure with no more digits than can be seen: its JSON stays small."""

import math

import numpy as np
from numpy.typing import NDArray

DIGITS = 5
"""Decimal places of the largest of the values that are kept."""


def seen(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return values rounded to a hundred-thousandth of the largest of them."""
    finite = np.abs(values[np.isfinite(values)])
    largest = float(finite.max()) if finite.size else 0.0
    if largest == 0:
        return values
    return np.asarray(np.round(values, DIGITS - math.floor(math.log10(largest))))
