"""The problems of one split of a dataset artifact."""

import itertools
from collections import Counter
from pathlib import Path

from algorithms.base import UserError
from algorithms.data.rows import Row
from algorithms.data.tables import ROWS, ROWS_FILE, read_batches


def load_problems(folder: Path, split: str, limit: int | None = None) -> list[Row]:
    """Return the split's rows in order, the first `limit` of them.

    Raises:
        UserError: the split has no rows.
        CorruptArtifactError: the artifact cannot be read.
    """
    rows: list[Row] = []
    counts: Counter[str] = Counter()
    for batch in read_batches(folder / ROWS_FILE, ROWS):
        records = batch.to_pylist()
        counts.update(record["split"] for record in records)
        rows.extend(Row(**record) for record in records if record["split"] == split)
        if limit is not None and len(rows) >= limit:
            break
    if not rows:
        present = ", ".join(f"{name} ({count:,} rows)" for name, count in counts.items()) or "none"
        raise UserError(
            f"The dataset has no rows in the split {split!r}. Its splits: {present}. "
            "Choose one of them, or a dataset that has this split."
        )
    return list(itertools.islice(rows, limit))
