"""A `mix` job: completions of several graded sets in one, each with the set that it is from."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from algorithms.base import JobContext, Stopped, Summary, UserError
from algorithms.curation.columns import BATCH_ROWS, Ints, load_columns
from algorithms.curation.mixing import SOURCE, MixSpec, draw
from algorithms.curation.summary import as_summary, compose
from algorithms.data.tables import GRADED, ROLLOUTS_FILE, count_rows, read_table

MIXED = GRADED.append(pa.field(SOURCE, pa.int32()))


def run(spec: MixSpec, context: JobContext) -> Summary:
    """Write the mixture; return its composition, and the completions of each set.

    Prompts stand in the order in which the sets name them, with the completions of all sets side
    by side; `sample` counts anew within a prompt. Where two sets have different problems under one
    id, ids get the number of their set. Equal spec and inputs give the same bytes.

    Raises:
        UserError: the shares cannot be met, or the number of sets is not that of the weights.
        Stopped: the reporter asked for it.
    """
    paths = _paths(spec, context)
    rows = draw(spec, [count_rows(path) for path in paths])
    parts = []
    for number, (path, chosen) in enumerate(zip(paths, rows, strict=True), start=1):
        if context.reporter.should_stop():
            raise Stopped("Stopped while reading the sets.")
        parts.append(_part(path, chosen, number))
        context.reporter.message(f"Set {number}: {len(chosen):,} completions")
    table = _in_order(_with_own_ids(parts))
    target = context.output / ROLLOUTS_FILE
    pq.write_table(table, target, compression="zstd", row_group_size=BATCH_ROWS)
    columns = load_columns(target)
    counts = {f"source_{number}": len(chosen) for number, chosen in enumerate(rows, start=1)}
    return as_summary(compose(columns, columns.all_rows)) | counts


def _paths(spec: MixSpec, context: JobContext) -> list[Path]:
    roles = [f"source_{number}" for number in range(1, len(spec.weights) + 1)]
    if set(roles) != set(context.inputs):
        raise UserError(
            f"There are {len(spec.weights)} weights for {len(context.inputs)} sets: give each set "
            "one."
        )
    return [context.inputs[role] / ROLLOUTS_FILE for role in roles]


def _part(path: Path, rows: Ints, number: int) -> pa.Table:
    table = read_table(path, GRADED).take(pa.array(rows))
    return table.append_column(MIXED.field(SOURCE), pa.array([number] * len(rows), pa.int32()))


def _with_own_ids(parts: Sequence[pa.Table]) -> pa.Table:
    """Return the parts in one, ids of prompts changed where one id means different problems."""
    table = pa.concat_tables(parts)
    asked = table.select(["prompt_id", "prompt", "answer"])
    problems: int = asked.group_by(["prompt_id", "prompt", "answer"]).aggregate([]).num_rows
    if problems == pc.count_distinct(table["prompt_id"]).as_py():
        return table
    numbers = pc.cast(table[SOURCE], pa.string())
    ids = pc.binary_join_element_wise(numbers, table["prompt_id"], "/")
    place = table.schema.get_field_index("prompt_id")
    return table.set_column(place, MIXED.field("prompt_id"), ids)


def _in_order(table: pa.Table) -> pa.Table:
    """Return the rows by prompt, as they first appear, with samples counted anew."""
    codes = table["prompt_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    order = np.argsort(codes, kind="stable")
    table = table.take(pa.array(order))
    sorted_codes = codes[order]
    starts = np.flatnonzero(np.diff(sorted_codes, prepend=-1))
    sizes = np.diff(starts, append=len(order))
    samples = np.arange(len(order)) - np.repeat(starts, sizes)
    place = table.schema.get_field_index("sample")
    field = MIXED.field("sample")
    return table.set_column(place, field, pa.array(samples, pa.int32())).combine_chunks()
