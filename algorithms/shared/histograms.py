"""Histograms of importance ratios over a training: fixed bins, and the table they are kept in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa

BINS = 80
_LINEAR = 0.1
"""Nats around log ratio 0 in which bins are about equally wide."""
_FARTHEST = 100.0
_STRETCH = float(np.arcsinh(_FARTHEST / _LINEAR))
EDGES: np.ndarray = _LINEAR * np.sinh(np.linspace(-_STRETCH, _STRETCH, BINS + 1))
"""Edges of the bins in nats of log(pi/mu): on either side of 0 each about 1.2 times as wide as the
one before, from -100 to 100. The outermost bins also hold what lies beyond."""

HISTOGRAMS_FILE = "ratio_histograms.parquet"
HISTOGRAMS = pa.schema(
    [
        ("step", pa.int32()),
        ("level", pa.string()),
        ("sign", pa.string()),
        ("counts", pa.list_(pa.int64())),
    ]
)
"""Of `train`: `level` is token or sequence, `sign` positive or negative, `counts` one per bin."""

LEVELS = ("sequence", "token")
SIGNS = ("positive", "negative")


@dataclass(frozen=True)
class RatioCounts:
    """How many log ratios of one update fell into each bin."""

    step: int
    level: str
    sign: str
    counts: Sequence[int]

    def record(self) -> dict[str, Any]:
        """Return the row of the table."""
        return asdict(self)


def bin_places(log_ratios: np.ndarray) -> np.ndarray:
    """Return where numbers lie in units of bins, from 0 at the first edge; pure arithmetic."""
    places: np.ndarray = (np.arcsinh(np.asarray(log_ratios) / _LINEAR) / _STRETCH + 1) * BINS / 2
    return places


def bin_counts(log_ratios: np.ndarray) -> list[int]:
    """Return how many numbers fall into each bin; NaN is not counted."""
    finite = log_ratios[~np.isnan(log_ratios)]
    places = np.searchsorted(EDGES, finite, side="right") - 1
    return [int(n) for n in np.bincount(places.clip(0, BINS - 1), minlength=BINS)]


def counts_of(step: int, log_ratios: Mapping[tuple[str, str], np.ndarray]) -> Iterable[RatioCounts]:
    """Yield the histograms of an update, by level and sign; none where there is no number."""
    for (level, sign), values in log_ratios.items():
        if values.size:
            yield RatioCounts(step, level, sign, bin_counts(values))
