"""Records of a dataset of the Hugging Face hub, through the `datasets` library."""

from collections.abc import Iterator
from pathlib import Path

from datasets import load_dataset
from datasets.exceptions import DatasetsError

from algorithms.base import UserError
from algorithms.data.lines import excerpt
from algorithms.data.records import Record
from algorithms.data.roots import allowed_hub_name
from algorithms.data.rows import BadRow, FieldMapping, Row, RowChecker
from algorithms.specs import HubSource


def read_hub(source: HubSource) -> Iterator[Row | BadRow]:
    """Yield a Row or a BadRow for every record of the asked splits.

    Raises:
        UserError: the dataset, its configuration, a split or a column is not there, the hub
            cannot be reached, or its organisation is not allowed.
    """
    for split, upstream in (("train", source.train_split), ("test", source.test_split)):
        if upstream:
            mapping = FieldMapping(
                prompt=source.prompt_field, answer=source.answer_field, default_split=split
            )
            yield from _read_split(source, upstream, mapping)


def _read_split(source: HubSource, upstream: str, mapping: FieldMapping) -> Iterator[Row | BadRow]:
    name = allowed_hub_name(source.name)
    if Path(name).exists():  # `datasets` would read it instead of the hub
        raise UserError(f"{name!r} is a folder here; give it as a path instead of a hub id.")
    try:
        rows = load_dataset(name, source.subset or None, split=upstream)
    except (DatasetsError, OSError, ValueError) as error:
        raise UserError(_explain(name, upstream, error)) from error
    for column in mapping.required():
        if column not in rows.column_names:
            raise UserError(f"{name} has no column {column!r}. Its columns: {rows.column_names}.")
    checker = RowChecker(mapping)
    for number, values in enumerate(rows, start=1):
        record = Record(number, values, excerpt(", ".join(map(str, values.values()))))
        yield checker.check(record, prefix=f"{mapping.default_split}-")


def _explain(name: str, split: str, error: Exception) -> str:
    text = str(error).splitlines()[0][:300] if str(error) else type(error).__name__
    if isinstance(error, ConnectionError) or "offline" in text.lower():
        return (
            f"The hub cannot be reached from this worker to load {name} ({text}). Download the "
            "dataset where there is a network, and give its JSONL, CSV or Parquet files as a path."
        )
    return (
        f"{name}, split {split!r}, could not be loaded: {text} Check id, configuration and split."
    )
