"""Which rows of several sets make a mixture: exact numbers by share, drawn by seed; pure."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from pydantic import Field, model_validator

from algorithms.base import Schema, UserError
from algorithms.curation.columns import Ints

MOST_SOURCES = 4
"""Sets that one mixture draws from at most: inputs `source_1` to `source_4`."""
SOURCE = "source"
"""Column of a mixture: which set a completion is from, counted from 1 (int32)."""


class MixSpec(Schema):
    """A `mix` job: completions of several graded sets, by share."""

    weights: tuple[float, ...] = Field((1.0, 1.0), min_length=2, max_length=MOST_SOURCES)
    """How much of the mixture is from each set, relative to the others."""
    size: int | None = Field(None, ge=1, le=10**8)
    """Completions in all (N); empty takes as many as the shares allow."""
    seed: int = Field(0, ge=0, le=2**31 - 1)
    """Seed of the draws; set number i draws from (seed, i)."""

    @model_validator(mode="after")
    def _weights_are_positive(self) -> "MixSpec":
        if min(self.weights) <= 0:
            raise ValueError("Every set needs a weight above 0; leave out the others.")
        return self


def shares_of(weights: Sequence[float]) -> list[Fraction]:
    """Return the share of each set, exact for the decimal numbers that were written."""
    exact = [Fraction(str(weight)) for weight in weights]
    return [weight / sum(exact) for weight in exact]


def counts_of(weights: Sequence[float], size: int | None, available: Sequence[int]) -> list[int]:
    """Return how many completions each set gives; they add up to the size.

    Rounded by the largest remainder, the earlier set first where two are equal.

    Raises:
        UserError: a set holds fewer than its share asks for, or the shares leave a set out.
    """
    shares = shares_of(weights)
    if size is None:
        size = min(int(held / share) for share, held in zip(shares, available, strict=True))
    exact = [share * size for share in shares]
    counts = [int(one) for one in exact]
    order = sorted(range(len(counts)), key=lambda i: (counts[i] - exact[i], i))
    for i in order[: size - sum(counts)]:
        counts[i] += 1
    missing = [
        f"set {i + 1} holds {held:,} completions, and its share of {float(share):.4g} asks for "
        f"{count:,}"
        for i, (count, held, share) in enumerate(zip(counts, available, shares, strict=True))
        if count > held
    ]
    if missing:
        most = min(int(held / share) for share, held in zip(shares, available, strict=True))
        raise UserError(
            f"{size:,} completions cannot be mixed by these shares: {'; '.join(missing)}. With "
            f"these shares there are {most:,} at most: ask for fewer, or generate more."
        )
    if not all(counts):
        number = counts.index(0) + 1
        raise UserError(
            f"Of {size:,} completions the share of set {number} is less than one: ask for more, "
            "or leave the set out."
        )
    return counts


def draw(spec: MixSpec, available: Sequence[int]) -> list[Ints]:
    """Return ascending row numbers for each set, drawn without replacement.

    Raises:
        UserError: the shares cannot be met; it says how many completions there are.
    """
    counts = counts_of(spec.weights, spec.size, available)
    return [
        np.sort(np.random.default_rng([spec.seed, number]).choice(held, count, replace=False))
        for number, (count, held) in enumerate(zip(counts, available, strict=True), start=1)
    ]
