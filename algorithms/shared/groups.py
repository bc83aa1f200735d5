"""Completions that belong together: of one prompt, or of one unit."""

from jaxtyping import Int
from torch import Tensor


def groups_of(index: Int[Tensor, " B"]) -> tuple[Int[Tensor, " B"], Int[Tensor, " g"]]:
    """Return the group of each completion, numbered from 0, and the size of each group."""
    _, group, sizes = index.unique(return_inverse=True, return_counts=True)  # type: ignore[no-untyped-call]
    return group, sizes
