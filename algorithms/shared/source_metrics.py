"""What a training on a mixture logs of each set in its batch."""

from collections.abc import Mapping

import numpy as np

from algorithms.base import Metric
from algorithms.curation.mixing import MOST_SOURCES


def _of(number: int) -> tuple[Metric, ...]:
    own = f"set {number} of a mixture"
    return (
        Metric(
            f"source_{number}_share",
            f"Set {number}: share",
            help=f"Share of the batch's completions that are from {own}.",
        ),
        Metric(
            f"source_{number}_reward",
            f"Set {number}: mean reward",
            help=f"Mean reward of the batch's completions from {own}.",
        ),
        Metric(
            f"source_{number}_weight",
            f"Set {number}: mean weight",
            help="Mean over completions of the importance weight on their advantage, of those "
            f"from {own}.",
        ),
        Metric(
            f"source_{number}_kept_share",
            f"Set {number}: share kept",
            help="Mean over completions of the share of tokens that the algorithm neither clips "
            f"nor drops, of those from {own}.",
        ),
        Metric(
            f"source_{number}_log_ratio",
            f"Set {number}: mean log ratio",
            unit="nats",
            help=f"Mean log pi(y|x) - log mu(y|x) of the batch's completions from {own}; mu is "
            "the policy that wrote them.",
        ),
    )


SOURCES: tuple[Metric, ...] = tuple(
    metric for number in range(1, MOST_SOURCES + 1) for metric in _of(number)
)


def source_figures(columns: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Return the figures of each set that is in the batch.

    Args:
        columns: one number per completion; `log_ratio`, `weight` and `clipped` where policies
            wrote the completions.
    """
    figures: dict[str, float] = {}
    for number in np.unique(columns["source"]).astype(int).tolist():
        own = columns["source"] == number
        found = {"share": own.mean(), "reward": columns["reward"][own].mean()}
        if "log_ratio" in columns:
            found["weight"] = columns["weight"][own].mean()
            found["kept_share"] = 1.0 - columns["clipped"][own].mean()
            found["log_ratio"] = columns["log_ratio"][own].mean()
        figures |= {f"source_{number}_{name}": float(value) for name, value in found.items()}
    return figures
