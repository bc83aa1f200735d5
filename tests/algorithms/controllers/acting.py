"""Functions that make policies, as an administrator would allow them."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Act = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def make(_environment: str) -> Act:
    return lambda observations: np.full((len(observations), 1), 1.5, np.float32)


def wrong(_environment: str) -> Act:
    return lambda observations: np.zeros((len(observations), 2), np.float32)
