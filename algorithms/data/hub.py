"""Records of a dataset of the Hugging Face hub, through the `datasets` library."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from datasets import load_dataset
from datasets.exceptions import DatasetsError

from algorithms.base import UserError
from algorithms.data.lines import excerpt
from algorithms.data.public import PUBLIC_SETS, Reader
from algorithms.data.records import Record
from algorithms.data.roots import allowed_hub_name
from algorithms.data.rows import BadRow, FieldMapping, Row, RowChecker
from algorithms.sources import HubSource, PublicSource


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
    rows = _load(source.name, source.subset, upstream)
    for column in mapping.required():
        if column not in rows.column_names:
            raise UserError(
                f"{source.name} has no column {column!r}. Its columns: {rows.column_names}."
            )
    checker = RowChecker(mapping)
    for record in _records(rows):
        yield checker.check(record, prefix=f"{mapping.default_split}-")


def read_public(source: PublicSource) -> Iterator[Row | BadRow]:
    """Yield a Row or a BadRow for every record of a public set on the hub.

    Raises:
        UserError: the hub cannot be reached, or its organisation is not allowed.
    """
    hub = PUBLIC_SETS[source.name].hub
    reader = Reader(source)
    for split, upstream in hub.splits.items():
        for record in _records(_load(hub.name, hub.subset, upstream)):
            yield reader.row(record, split)


def _records(rows: Iterable[Mapping[str, object]]) -> Iterator[Record]:
    for number, values in enumerate(rows, start=1):
        yield Record(number, values, excerpt(", ".join(map(str, values.values()))))


def _load(hub_id: str, subset: str, split: str) -> Any:
    name = allowed_hub_name(hub_id)
    if Path(name).exists():  # `datasets` would read it instead of the hub
        raise UserError(f"{name!r} is a folder here; give it as a path instead of a hub id.")
    try:
        return load_dataset(name, subset or None, split=split)
    except (DatasetsError, OSError, ValueError) as error:
        raise UserError(_explain(name, split, error)) from error


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
