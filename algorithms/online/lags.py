"""How far behind the policies were that wrote what each update learned from, as a table."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

LAGS_FILE = "lags.parquet"
LAGS = pa.schema([("step", pa.int32()), ("lag", pa.int32()), ("completions", pa.int64())])
"""Of `online`: a row for each lag of each step; all completions that were learned from."""


@dataclass(frozen=True)
class LagCounts:
    """How many completions of one update had which lag."""

    step: int
    counts: Counter[int]

    @classmethod
    def of(cls, step: int, lags: Iterable[tuple[int, int]]) -> "LagCounts":
        """Count pairs of a lag and a number of completions."""
        counts: Counter[int] = Counter()
        for lag, completions in lags:
            counts[lag] += completions
        return cls(step, counts)

    @property
    def mean(self) -> float:
        """Over completions."""
        return sum(lag * count for lag, count in self.counts.items()) / self.counts.total()

    @property
    def max(self) -> int:
        """Largest lag."""
        return max(self.counts)

    @property
    def rows(self) -> list[list[int]]:
        """Step, lag, completions; by lag."""
        return [[self.step, lag, count] for lag, count in sorted(self.counts.items())]


def write_lags(path: Path, rows: Sequence[Sequence[int]]) -> None:
    """Write the table to a file that is never half written."""
    part = path.with_name(f".{path.name}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    columns = [[row[place] for row in rows] for place in range(len(LAGS))]
    pq.write_table(pa.table(columns, schema=LAGS), part)
    part.rename(path)
