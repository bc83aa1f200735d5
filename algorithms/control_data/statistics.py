"""What a data set of transitions is like."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from algorithms.base import Schema, Summary
from algorithms.control_data.references import reference_of
from algorithms.control_data.scaling import CONSTANT
from algorithms.control_data.transitions import Transitions

STATISTICS_FILE = "statistics.json"
BINS = 40
COVERAGE_BINS = 20
"""Bins per action dimension; coverage is the share of them with at least one action."""


class Histogram(Schema):
    """Counts between edges."""

    edges: tuple[float, ...]
    """One more than there are counts."""
    counts: tuple[int, ...]
    """Episodes in each bin."""


class TransitionStatistics(Schema):
    """Figures of a data set, for its page."""

    environment: str
    """Id, empty where unknown."""
    transitions: int
    """Rows."""
    episodes: int
    """Whole ones and, at the end, perhaps a cut one."""
    terminated_share: float
    """Episodes that ended by themselves; the others met a time limit or were cut."""
    return_mean: float
    """Of undiscounted episode returns."""
    return_std: float
    """Of the sample."""
    return_min: float
    """Of the worst episode."""
    return_max: float
    """Of the best episode."""
    normalized_return_mean: float | None
    """100 (mean - random) / (expert - random), where there are reference returns."""
    reference: str
    """D4RL or local-normalised; empty without reference returns."""
    length_mean: float
    """Steps per episode."""
    length_max: int
    """Of the longest episode."""
    observation_size: int
    """Numbers per observation."""
    action_size: int
    """Numbers per action."""
    constant_dimensions: tuple[int, ...]
    """Observation dimensions that never change, from 0; the density leaves them out."""
    action_coverage: tuple[float, ...]
    """Per action dimension: share of 20 equal bins of its range that the data reach."""
    actions_at_bounds: float
    """Share of transitions with an action at a bound."""
    returns: Histogram
    """Of episode returns."""
    lengths: Histogram
    """Of episode lengths."""
    warnings: tuple[str, ...]
    """What a reader should know before training on it."""

    def summary(self) -> Summary:
        """Return the figures that tables show."""
        names = (
            "environment", "transitions", "episodes", "terminated_share", "return_mean",
            "return_std", "length_mean", "observation_size", "action_size",
        )  # fmt: skip
        figures: Summary = {name: getattr(self, name) for name in names}
        if self.normalized_return_mean is not None:
            figures["normalized_return_mean"] = self.normalized_return_mean
        figures["warning"] = " ".join(self.warnings)
        return figures


def describe(data: Transitions) -> TransitionStatistics:
    """Return the figures of a data set."""
    returns, lengths = data.returns(), data.lengths
    deviation = data.observations.astype(np.float64).std(axis=0)
    constant = tuple(int(place) for place in np.flatnonzero(deviation < CONSTANT))
    reference = reference_of(data.metadata)
    mean = float(returns.mean())
    at_bounds = (data.actions <= data.action_low) | (data.actions >= data.action_high)
    return TransitionStatistics(
        environment=data.environment,
        transitions=len(data),
        episodes=len(returns),
        terminated_share=float(data.terminated[data.ends - 1].mean()),
        return_mean=mean,
        return_std=float(returns.std(ddof=1)) if len(returns) > 1 else 0.0,
        return_min=float(returns.min()),
        return_max=float(returns.max()),
        normalized_return_mean=None if reference is None else reference.normalise(mean),
        reference="" if reference is None else reference.source,
        length_mean=float(lengths.mean()),
        length_max=int(lengths.max()),
        observation_size=data.observations.shape[1],
        action_size=data.actions.shape[1],
        constant_dimensions=constant,
        action_coverage=_coverage(data),
        actions_at_bounds=float(at_bounds.any(axis=1).mean()),
        returns=_histogram(returns),
        lengths=_histogram(lengths.astype(np.float64)),
        warnings=_warnings(data, constant),
    )


def write_statistics(folder: Path, statistics: TransitionStatistics) -> None:
    """Write `statistics.json`."""
    text = statistics.model_dump_json(indent=1)
    (folder / STATISTICS_FILE).write_text(text, encoding="utf-8")


def _coverage(data: Transitions) -> tuple[float, ...]:
    width = (data.action_high - data.action_low) / COVERAGE_BINS
    bins = np.floor((data.actions - data.action_low) / width).astype(int)
    bins = bins.clip(0, COVERAGE_BINS - 1)
    return tuple(len(np.unique(column)) / COVERAGE_BINS for column in bins.T)


def _histogram(values: NDArray[np.float64]) -> Histogram:
    counts, edges = np.histogram(values, bins=BINS)
    return Histogram(edges=tuple(edges.tolist()), counts=tuple(counts.tolist()))


def _warnings(data: Transitions, constant: tuple[int, ...]) -> tuple[str, ...]:
    found = []
    if len(data.ends) == 1:
        found.append("The data are one episode: held-out figures are of no other.")
    if constant:
        found.append(f"{len(constant)} observation dimensions are constant.")
    if float(data.rewards.std()) == 0:
        found.append("All rewards are equal: nothing tells good actions from bad ones.")
    if bool((data.actions.std(axis=0) < CONSTANT).any()):
        found.append("An action dimension is constant.")
    return tuple(found)
