"""A `curate` job: some of the graded completions, all of their columns, in their order."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from algorithms.base import JobContext, Stopped, Summary
from algorithms.curation.columns import BATCH_ROWS, load_columns
from algorithms.curation.pipeline import Curated, curate
from algorithms.curation.steps import CurateSpec
from algorithms.curation.summary import as_summary, compose
from algorithms.data.tables import ROLLOUTS_FILE

PAIR = "pair"
"""Number of the preference pair (int32), only where the last step made pairs."""


def run(spec: CurateSpec, context: JobContext) -> Summary:
    """Write the rows that the steps keep; return their composition.

    Equal spec and input give the same bytes. A column `pair` of the input is dropped: another
    choice of rows tears pairs.

    Raises:
        StepError: a step asks for more than there is, or leaves nothing.
        UserError: the completions are not graded.
        Stopped: the reporter asked for it.
    """
    path = context.inputs["rollouts"] / ROLLOUTS_FILE
    columns = load_columns(path)
    found = curate(columns, spec)
    for stage in found.stages:
        context.reporter.message(f"{stage.op}: {stage.before:,} -> {stage.after:,} completions")
        if stage.warning:
            context.reporter.message(stage.warning, level="warning")
    schema = _schema(path, has_pairs=found.pairs is not None)
    with pq.ParquetWriter(context.output / ROLLOUTS_FILE, schema, compression="zstd") as writer:
        for table in _tables(path, found, schema):
            if context.reporter.should_stop():
                raise Stopped("Stopped while writing the curated set.")
            writer.write_table(table, row_group_size=BATCH_ROWS)
    summary = as_summary(compose(columns, found.rows))
    if found.pairs is not None:
        summary["pairs"] = len(found.rows) // 2
    return summary | ({"warning": " ".join(found.warnings)} if found.warnings else {})


def _schema(path: Path, *, has_pairs: bool) -> pa.Schema:
    schema = pq.read_schema(path).remove_metadata()
    if PAIR in schema.names:
        schema = schema.remove(schema.get_field_index(PAIR))
    return schema.append(pa.field(PAIR, pa.int32())) if has_pairs else schema


def _tables(path: Path, found: Curated, schema: pa.Schema) -> Iterator[pa.Table]:
    """Yield the kept rows in tables of at least a row group, so that memory stays bounded."""
    names = [name for name in schema.names if name != PAIR]
    pending: list[pa.Table] = []
    start = 0
    for batch in pq.ParquetFile(path).iter_batches(batch_size=BATCH_ROWS, columns=names):
        low, high = np.searchsorted(found.rows, [start, start + batch.num_rows]).tolist()
        if high > low:
            own = pa.table(batch).select(names).take(pa.array(found.rows[low:high] - start))
            if found.pairs is not None:
                own = own.append_column(PAIR, pa.array(found.pairs[low:high], pa.int32()))
            pending.append(own)
        start += batch.num_rows
        if sum(table.num_rows for table in pending) >= BATCH_ROWS:
            yield pa.concat_tables(pending).cast(schema)
            pending = []
    if pending:
        yield pa.concat_tables(pending).cast(schema)
