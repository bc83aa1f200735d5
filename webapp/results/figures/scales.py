"""Limits of axes, so that data fill the plot and shares show the whole of what they can be."""

import numpy as np

from algorithms.base import Metric
from webapp.results.statistics import FloatArray


def is_share(metric: Metric) -> bool:
    """Whether the metric lies between 0 and 1 by its nature."""
    return not metric.unit and metric.name.endswith(("accuracy", "share", "pass_at_1"))


def axis_range(values: FloatArray, edges: FloatArray, metric: Metric) -> list[float] | None:
    """Return limits that the values fill; None without values.

    Args:
        values: what must be seen.
        edges: ends of intervals (NaN where there is none), seen up to half of the values' span
            beyond them: two seeds make bands that would flatten every curve.
        metric: a share is never shown far outside 0 and 1.
    """
    if values.size == 0:
        return None
    low, high = float(values.min()), float(values.max())
    span = (high - low) or abs(high) or 1.0
    bottom, top = low - 0.05 * span, high + 0.05 * span
    known = edges[np.isfinite(edges)]
    if known.size:
        bottom = min(bottom, max(float(known.min()), low - span / 2))
        top = max(top, min(float(known.max()), high + span / 2))
    if is_share(metric):
        bottom, top = max(bottom, -0.02), min(top, 1.02)
    return [bottom, top]
