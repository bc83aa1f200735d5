"""Holm's correction: several tests that together err as seldom as one."""

from collections.abc import Hashable, Mapping
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)


def holm(p_values: Mapping[Key, float]) -> dict[Key, float]:
    """Return p-values adjusted by Holm's step-down method, so that k tests err like one.

    The i-th smallest of k is multiplied by k - i + 1; no adjusted value is below an earlier one.
    """
    adjusted: dict[Key, float] = {}
    floor = 0.0
    for rank, key in enumerate(sorted(p_values, key=lambda key: p_values[key])):
        floor = max(floor, min(1.0, p_values[key] * (len(p_values) - rank)))
        adjusted[key] = floor
    return adjusted
