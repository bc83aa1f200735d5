"""Datasets: list, rows, upload, from a source, delete."""

from typing import Annotated, Any

from django.http import HttpRequest, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from ninja import File, Form, Router, Schema, Status, UploadedFile

from algorithms.base import UserError
from algorithms.data.rows import FieldMapping
from algorithms.specs import DatasetSpec
from webapp.api.auth import caller
from webapp.api.schemas.catalogue import DatasetOut, dataset_out
from webapp.api.schemas.common import Page, RangeQuery, page_of
from webapp.datasets import content, selectors, services
from webapp.datasets.families import Family
from webapp.datasets.models import Dataset
from webapp.jobs.models import Artifact
from webapp.results.rollout_exports import in_threads

router = Router(tags=["datasets"])


class SourceIn(Schema):
    """A dataset that a job makes."""

    name: str
    description: str = ""
    spec: DatasetSpec
    """Generator, path on the worker, or hub id."""


class UploadIn(Schema):
    """What the uploaded file is; columns left out are guessed by their names."""

    name: str
    description: str = ""
    prompt: str = ""
    """Column holding the prompt."""
    answer: str = ""
    """Column holding the reference answer."""
    id: str = ""
    """Column holding a unique id; empty numbers the rows."""
    split: str = ""
    """Column holding the split; empty puts all rows into `default_split`."""
    default_split: str = "train"
    skip_bad_rows: bool = False
    """Take the good rows although some are bad."""


class RowOut(Schema):
    """One problem."""

    id: str
    prompt: str
    answer: str
    split: str


@router.get("", response=Page[DatasetOut])
def datasets(
    request: HttpRequest, asked: RangeQuery, search: str = "", family: Family | None = None
) -> Page[DatasetOut]:
    """Return datasets, the newest first; of prompts, of transitions, or both."""
    return page_of(selectors.datasets(search=search, family=family), asked, dataset_out)


@router.post("", response={201: DatasetOut})
def dataset_upload(
    request: HttpRequest,
    payload: Annotated[UploadIn, Form()],
    file: Annotated[UploadedFile, File()],
) -> Status[DatasetOut]:
    """Make a dataset of a JSONL, CSV or Parquet file; bad rows are reported with their lines."""
    dataset = services.dataset_upload(
        owner=caller(request),
        name=payload.name,
        file=file.chunks(),
        filename=file.name or "",
        mapping=_mapping(payload),
        description=payload.description,
        skip_bad_rows=payload.skip_bad_rows,
    )
    return Status(201, dataset_out(dataset))


def _mapping(payload: UploadIn) -> FieldMapping | None:
    if not payload.prompt and not payload.answer:
        return None
    return FieldMapping(
        prompt=payload.prompt or "prompt",
        answer=payload.answer or "answer",
        id=payload.id,
        split=payload.split,
        default_split=payload.default_split,
    )


@router.post("/from-source", response={201: DatasetOut})
def dataset_from_source(request: HttpRequest, payload: SourceIn) -> Status[DatasetOut]:
    """Make a dataset by a job: from a generator, a path on the worker, or the hub."""
    dataset = services.dataset_from_source(
        owner=caller(request),
        name=payload.name,
        spec=payload.spec,
        description=payload.description,
    )
    return Status(201, dataset_out(dataset))


@router.get("/{dataset_id}", response=DatasetOut)
def dataset(request: HttpRequest, dataset_id: int) -> DatasetOut:
    """Return one dataset."""
    return dataset_out(_dataset(dataset_id))


@router.get("/{dataset_id}/rows", response=Page[RowOut])
def dataset_rows(
    request: HttpRequest,
    dataset_id: int,
    asked: RangeQuery,
    *,
    split: str = "",
    text: str = "",
) -> dict[str, Any]:
    """Return rows of a split, or those that hold a text."""
    rows = content.RowSequence(_artifact(_dataset(dataset_id)), split=split, text=text)
    items = rows[asked.offset : asked.offset + asked.limit]
    return {"items": items, "total": len(rows), "offset": asked.offset, "limit": asked.limit}


@router.get(
    "/{dataset_id}/rows.jsonl", openapi_extra={"responses": {200: {"description": "JSONL"}}}
)
def dataset_download(request: HttpRequest, dataset_id: int) -> StreamingHttpResponse:
    """Return all rows as JSON Lines."""
    lines = (part.decode() for part in content.as_jsonl(_artifact(_dataset(dataset_id))))
    return StreamingHttpResponse(in_threads(lines), content_type="application/x-ndjson")


@router.delete("/{dataset_id}", response={204: None})
def dataset_delete(request: HttpRequest, dataset_id: int) -> Status[None]:
    """Delete a dataset that nothing uses."""
    services.dataset_delete(dataset=_dataset(dataset_id), user=caller(request))
    return Status(204, None)


def _dataset(pk: int) -> Dataset:
    return get_object_or_404(selectors.datasets(), pk=pk)


def _artifact(dataset: Dataset) -> Artifact:
    if dataset.family != "prompts":
        raise UserError(f"“{dataset}” holds transitions: ask /transitions/{dataset.pk} for them.")
    try:
        return dataset.job.artifact
    except Artifact.DoesNotExist:
        state = dataset.job.state
        raise UserError(f"“{dataset}” has no rows yet: job {dataset.job_id} is {state}.") from None
