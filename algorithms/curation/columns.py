"""What curation needs to know of every completion: a few numbers per row, no texts."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from algorithms.base import CorruptArtifactError, UserError

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

GRADES = ("correct", "incorrect", "invalid")
CORRECT, INCORRECT, INVALID = range(3)
BATCH_ROWS = 8192
_WANTED = ("prompt_id", "completion", "tokens", "grade", "reward")


@dataclass(frozen=True)
class Columns:
    """N graded completions in the order of their file, by prompt."""

    prompts: Ints
    """Number of the row's prompt, from 0, in order of appearance."""
    grades: Ints
    """Place in GRADES."""
    rewards: Floats
    lengths: Ints
    """Completion tokens."""
    token_keys: Ints
    """Equal for equal token ids."""
    text_keys: Ints
    """Equal for equal texts."""

    def __len__(self) -> int:
        return len(self.prompts)

    @property
    def n_prompts(self) -> int:
        """Number of prompts."""
        return int(self.prompts.max()) + 1 if len(self) else 0

    @property
    def all_rows(self) -> Ints:
        """Every row number."""
        return np.arange(len(self), dtype=np.int64)

    @property
    def correct(self) -> Bools:
        """Which rows are positives."""
        found: Bools = self.grades == CORRECT
        return found


def load_columns(path: Path) -> Columns:
    """Return the columns of a rollouts file, read batch by batch.

    Raises:
        UserError: the completions are not graded.
        CorruptArtifactError: the file is missing or broken.
    """
    try:
        file = pq.ParquetFile(path)
        if not {"grade", "reward"} <= set(file.schema_arrow.names):
            raise UserError("These completions are not graded yet: grade them, then curate.")
        batches = file.iter_batches(batch_size=BATCH_ROWS, columns=list(_WANTED))
        return _columns([_small(batch) for batch in batches])
    except (pa.ArrowException, OSError, KeyError) as error:
        raise CorruptArtifactError(
            f"{path.name} cannot be read ({str(error).splitlines()[0][:200]}). "
            "Compute the artifact again."
        ) from error


def _small(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Replace texts and tokens, which may be gigabytes, by digests and the number of tokens."""
    tokens = batch.column("tokens")
    values = tokens.flatten().to_numpy(zero_copy_only=False).astype("<i4").tobytes()
    ends = np.cumsum(pc.list_value_length(tokens).to_numpy(zero_copy_only=False)).tolist()
    starts = [0, *ends[:-1]]
    texts = batch.column("completion").fill_null("").cast(pa.binary()).to_pylist()
    columns = {
        "prompt_id": batch.column("prompt_id"),
        "text": _digests(texts),
        "key": _digests(values[4 * a : 4 * b] for a, b in zip(starts, ends, strict=True)),
        "length": pc.list_value_length(tokens),
        "grade": batch.column("grade"),
        "reward": batch.column("reward"),
    }
    return pa.record_batch(list(columns.values()), names=list(columns))


def _digests(values: Iterable[bytes]) -> pa.Array:
    found = [hashlib.blake2b(value, digest_size=16).digest() for value in values]
    return pa.array(found, pa.binary())


def _columns(batches: list[pa.RecordBatch]) -> Columns:
    if not batches:
        ints, floats = np.zeros(0, np.int64), np.zeros(0, np.float64)
        return Columns(ints, ints, floats, ints, ints, ints)
    table = pa.Table.from_batches(batches)
    grades = pc.index_in(table["grade"], value_set=pa.array(GRADES))
    if grades.null_count:
        raise UserError("Some completions have no grade: grade the set again, then curate.")
    return Columns(
        prompts=_codes(table["prompt_id"]),
        grades=grades.to_numpy().astype(np.int64),
        rewards=table["reward"].to_numpy().astype(np.float64),
        lengths=table["length"].to_numpy().astype(np.int64),
        token_keys=_codes(table["key"]),
        text_keys=_codes(table["text"]),
    )


def _codes(column: pa.ChunkedArray) -> Ints:
    """Return a number per value: equal for equal values, in order of appearance."""
    codes = column.combine_chunks().dictionary_encode().indices
    return np.asarray(codes.to_numpy(zero_copy_only=False), dtype=np.int64)
