"""Kinds of claims: each turns one number per seed (and point) into evidence; pure.

Differences are paired by seed: seed 3 of one side minus seed 3 of the other, since both learn from
the same completions in the same order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from algorithms.evaluation.claims.evidence import (
    Evidence,
    FloatArray,
    Sample,
    nothing_known,
    sample_of,
)

BOOTSTRAP_DRAWS = 2000


def paired(left: Mapping[int, float], right: Mapping[int, float]) -> FloatArray:
    """Return left minus right, seed by seed, for the seeds that both have."""
    seeds = sorted(set(left) & set(right))
    return np.array([left[seed] - right[seed] for seed in seeds], dtype=np.float64)


def greater(
    differences: Sequence[float] | FloatArray,
    *,
    threshold: float = 0.0,
    smallest: float | None = None,
    resolution: float = 0.0,
) -> Evidence:
    """Return the evidence for a mean difference above a threshold.

    For: the difference is above the threshold. Against: it is below it or, where `smallest` is
    given, below the smallest difference that would matter.

    Args:
        threshold: 0 for "higher"; minus the margin for "not worse" (non-inferiority).
        smallest: smallest difference worth the word; at least the threshold.
        resolution: see `sample_of`.
    """
    if len(differences) == 0:
        return nothing_known("No seed of both sides has finished.")
    sample = sample_of(differences, resolution)
    turn = threshold if smallest is None else smallest
    if turn < threshold:
        raise ValueError("the smallest difference that matters lies below the threshold")
    mean = sample.mean
    p_for = sample.p_above(threshold)
    distance = mean - threshold if mean > threshold else turn - mean
    return _evidence(sample, p_for, sample.p_below(turn), sample.effect(distance))


def coincide(
    differences: Sequence[float] | FloatArray, *, margin: float, resolution: float = 0.0
) -> Evidence:
    """Return the evidence for a mean difference within a margin (two one-sided tests, TOST).

    For: the difference is above -margin and below +margin. Against: it is outside.

    Raises:
        ValueError: the margin is not above 0.
    """
    if margin <= 0:
        raise ValueError("equivalence needs a margin above 0")
    if len(differences) == 0:
        return nothing_known("No seed of both sides has finished.")
    sample = sample_of(differences, resolution)
    p_for = max(sample.p_above(-margin), sample.p_below(margin))
    # Outside on either side: two tests share the error.
    p_against = min(1.0, 2 * min(sample.p_above(margin), sample.p_below(-margin)))
    return _evidence(sample, p_for, p_against, sample.effect(abs(margin - abs(sample.mean))))


def optimum_within(
    values: Float[np.ndarray, "seeds points"], inner: Sequence[int], *, resolution: float = 0.0
) -> Evidence:
    """Return the evidence for the highest mean being at one of the inner points of an axis.

    For: some inner point is above every other point that is not inner. Each inner point is tested
    against all outer ones (the largest p-value counts, so all of them must be beaten); that several
    inner points could do it is paid for by Bonferroni's factor. Against: the same with the roles
    exchanged.

    A bootstrap of the place of the maximum alone would not do: three seeds have ten different
    resamples, far too few for an error of 5%. It is told beside (`best_shares`).

    Args:
        values: one row per seed, one column per point, complete.
        inner: columns where the claim has the optimum.
    """
    outer = [column for column in range(values.shape[1]) if column not in inner]
    if not inner or not outer:
        raise ValueError("an optimum needs points inside and outside")
    if values.shape[0] == 0:
        return nothing_known("No seed has finished at every point.")
    means = values.mean(axis=0)
    best_in = max(inner, key=lambda column: means[column])
    best_out = max(outer, key=lambda column: means[column])
    sample = sample_of(values[:, best_in] - values[:, best_out], resolution)
    winner, losers = (best_in, outer) if sample.mean > 0 else (best_out, inner)
    pairs = [sample_of(values[:, winner] - values[:, loser], resolution) for loser in losers]
    effects = [pair.effect(pair.mean) for pair in pairs]
    effect = None if None in effects else min(one for one in effects if one is not None)
    tests = len(inner) if winner == best_in else len(outer)
    p_for = _some_beats_all(values, inner, outer, resolution)
    p_against = _some_beats_all(values, outer, inner, resolution)
    return _evidence(sample, p_for, p_against, effect, tests=tests)


def _some_beats_all(
    values: FloatArray, some: Sequence[int], others: Sequence[int], resolution: float
) -> float:
    p_values = [
        max(
            sample_of(values[:, one] - values[:, other], resolution).p_above(0.0)
            for other in others
        )
        for one in some
    ]
    return min(1.0, len(some) * min(p_values))


def best_shares(
    values: Float[np.ndarray, "seeds points"], *, draws: int = BOOTSTRAP_DRAWS
) -> FloatArray:
    """Return in which share of resamples of the seeds each point has the highest mean."""
    random = np.random.default_rng(0)
    chosen = random.integers(values.shape[0], size=(draws, values.shape[0]))
    best = values[chosen].mean(axis=1).argmax(axis=1)
    return np.bincount(best, minlength=values.shape[1]) / draws


def slope(x: Sequence[float] | FloatArray, y: Sequence[float] | FloatArray) -> float | None:
    """Return the least-squares slope of one seed's curve; None with fewer than two places.

    Points that are not finite are left out.
    """
    places, values = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    known = np.isfinite(places) & np.isfinite(values)
    places, values = places[known], values[known]
    if places.size < 2 or places.min() == places.max():
        return None
    centred = places - places.mean()
    return float((centred * values).sum() / (centred**2).sum())


@dataclass(frozen=True)
class Reached:
    """When one run first reached a target, within the time that it was watched."""

    at: float
    """Step (or samples, or seconds) of the first evaluation at the target; the horizon where it
    never was."""
    is_censored: bool
    """It never reached the target within the horizon."""


def first_reached(
    x: Sequence[float] | FloatArray,
    y: Sequence[float] | FloatArray,
    *,
    target: float,
    horizon: float,
) -> Reached | None:
    """Return when a curve first reached the target; None where it ends before the horizon without.

    Args:
        horizon: up to where every compared run was watched.
    """
    last = -np.inf
    for place, value in zip(x, y, strict=True):
        if place > horizon:
            break
        last = place
        if value >= target:
            return Reached(float(place), is_censored=False)
    return Reached(horizon, is_censored=True) if last >= horizon else None


def faster(
    left: Mapping[int, Reached], right: Mapping[int, Reached], *, smallest: float | None = None
) -> Evidence:
    """Return the evidence for the left side reaching the target earlier.

    What is compared is the restricted mean time: a run that never reached the target counts with
    the horizon, which is known, unlike when it would have got there. So the difference is a lower
    bound wherever one side is censored more often; the note says how often each was.
    """
    seeds = sorted(set(left) & set(right))
    if not seeds:
        return nothing_known("No seed of both sides has finished.")
    times = np.array([right[seed].at - left[seed].at for seed in seeds], dtype=np.float64)
    late = [sum(side[seed].is_censored for seed in seeds) for side in (left, right)]
    if late == [len(seeds)] * 2:
        return nothing_known("Neither side ever reached the target.")
    found = greater(times, smallest=smallest)
    if not any(late):
        return found
    note = (
        f"Never reached the target: {late[0]} of {len(seeds)} seeds of the faster-claimed side, "
        f"{late[1]} of the other; each counts with the last step watched."
    )
    return Evidence(**{**vars(found), "note": note})


def _evidence(
    sample: Sample, p_for: float, p_against: float, effect: float | None, *, tests: int = 1
) -> Evidence:
    low, high = sample.interval()
    note = "" if sample.n > 1 else "One seed: its spread is unknown."
    return Evidence(p_for, p_against, sample.mean, low, high, sample.n, effect, tests, note)
