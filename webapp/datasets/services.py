"""Making and deleting datasets."""

from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import Max

from algorithms.base import UserError
from algorithms.data.rows import FieldMapping
from algorithms.sources import ArithmeticSource, FileSource, HubSource, PublicSource
from algorithms.specs import DatasetSpec
from webapp.accounts.models import User
from webapp.accounts.permissions import require_owner
from webapp.datasets import imports, selectors, staging
from webapp.datasets.models import Dataset
from webapp.jobs.graph import Node
from webapp.jobs.models import Job
from webapp.jobs.services import jobs_ensure, upload_record
from webapp.jobs.states import ACTIVE
from webapp.jobs.store import default_store


def dataset_upload(
    *,
    owner: User,
    name: str,
    file: Iterable[bytes],
    filename: str,
    mapping: FieldMapping | None = None,
    description: str = "",
    skip_bad_rows: bool = False,
) -> Dataset:
    """Return the dataset of an uploaded file, or keep nothing.

    Args:
        file: the bytes, such as an open binary file.
        filename: says the format: .jsonl, .csv or .parquet.
        mapping: which column holds what; guessed from the columns' names when absent.
        skip_bad_rows: whether the good rows are enough where others are bad.

    Raises:
        imports.BadRowsError: some rows are bad and `skip_bad_rows` is False.
        UserError: the file cannot be read.
        ValidationError: name or file do not do; the message names the field.
    """
    staged = staging.stage(owner=owner, filename=filename, chunks=file)
    try:
        if mapping is None:
            names = imports.glimpse(staged.path, staged.format).columns
            mapping = imports.guess_mapping(names)
        return dataset_import(
            owner=owner,
            name=name,
            staged=staged,
            mapping=mapping,
            description=description,
            skip_bad_rows=skip_bad_rows,
        )
    finally:
        staging.discard(staged)


def dataset_import(
    *,
    owner: User,
    name: str,
    staged: staging.StagedFile,
    mapping: FieldMapping,
    description: str = "",
    skip_bad_rows: bool = False,
) -> Dataset:
    """Return the dataset of a staged file; the file is gone then, and stays where this fails.

    Raises:
        imports.BadRowsError: some rows are bad and `skip_bad_rows` is False.
        UserError: the file cannot be read, or has no good row.
        ValidationError: the name does not do.
    """
    require_name(owner, name)
    store = default_store()
    folder = store.receiving()
    try:
        outcome = imports.convert(staged.path, staged.format, mapping, folder)
        _require_rows(outcome, skip_bad_rows)
        with transaction.atomic():
            job = upload_record(
                folder=folder,
                sha256=outcome.sha256,
                title=f"Upload of {staged.filename}"[:200],
                summary=outcome.summary,
                user=owner,
            )
            origin = f"upload of {staged.filename}"[:200]
            dataset = create_dataset(
                owner=owner, name=name, job=job, description=description, origin=origin
            )
    finally:
        store.discard(folder)
    staging.discard(staged)
    return dataset


def _require_rows(outcome: imports.Outcome, skip_bad_rows: bool) -> None:
    if outcome.bad and not skip_bad_rows:
        raise imports.BadRowsError(outcome)
    if not outcome.good:
        first = outcome.first_bad[0] if outcome.first_bad else None
        why = f" Line {first.line}: {first.reason}." if first else " It holds no rows."
        raise UserError(f"The file has no row that can be used.{why}")


@transaction.atomic
def dataset_from_source(
    *, owner: User, name: str, spec: DatasetSpec, description: str = ""
) -> Dataset:
    """Return a dataset whose rows a job makes: by a generator, from a path or from the hub.

    Raises:
        ValidationError: the name does not do, or it names exactly these rows already.
    """
    require_name(owner, name)
    node = Node(kind="dataset", spec=spec, title=f"Dataset {name.strip()}"[:200])
    job = jobs_ensure(nodes=[node], user=owner)[node.fingerprint]
    return create_dataset(
        owner=owner, name=name, job=job, description=description, origin=origin_of(spec)
    )


def origin_of(spec: DatasetSpec) -> str:
    """Return where the rows come from, in words."""
    match spec.source:
        case ArithmeticSource() as made:
            return f"generator: {made.digits}-digit addition, seed {made.seed}"
        case FileSource() as file:
            return f"path: {file.path}"[:200]
        case PublicSource() as known:
            place = known.path or "files" if known.origin == "files" else "hub"
            return f"public set: {known.name} ({place})"[:200]
        case HubSource() as hub:
            return f"hub: {hub.name}{f' ({hub.subset})' if hub.subset else ''}"[:200]


@transaction.atomic
def dataset_delete(*, dataset: Dataset, user: User) -> None:
    """Delete a dataset that nothing uses; its rows stay until artifacts are pruned.

    Raises:
        PermissionDenied: it belongs to someone else.
        UserError: it is being made, or something was made from it; the message names what.
    """
    require_owner(user, dataset)
    if dataset.job.state in ACTIVE:
        raise UserError(f"“{dataset}” is being made: cancel job {dataset.job_id} first.")
    found = selectors.uses(dataset)
    if found:
        listed = ", ".join(f"the {use.kind} “{use.name}”" for use in found[:5])
        more = f" and {len(found) - 5} more" if len(found) > 5 else ""
        raise UserError(f"“{dataset}” is used by {listed}{more}: delete those first.")
    dataset.delete()


def require_name(owner: User, name: str) -> None:
    """Let names through that are free or this person's own.

    Raises:
        ValidationError: it is empty, too long, or another person's.
    """
    Dataset(owner=owner, name=name.strip()).clean_fields(exclude={"job", "origin"})
    other = Dataset.objects.filter(name=name.strip()).exclude(owner=owner).first()
    if other is not None and not owner.is_staff:
        whose = other.owner.get_username()
        raise ValidationError(
            {"name": f"“{name.strip()}” is {whose}'s: only {whose} adds versions. Choose another."}
        )


def create_dataset(*, owner: User, name: str, job: Job, description: str, origin: str) -> Dataset:
    """Return the next version of a name, saved; callers are in a transaction.

    Raises:
        ValidationError: a version of that name already has this job.
    """
    name = name.strip()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"dataset {name}"])
    same = Dataset.objects.filter(name=name, job=job).first()
    if same is not None:
        raise ValidationError({"name": f"“{same}” already holds exactly these rows."})
    last = Dataset.objects.filter(name=name).aggregate(last=Max("version"))["last"] or 0
    dataset = Dataset(
        owner=owner,
        name=name,
        version=last + 1,
        description=description.strip(),
        origin=origin,
        job=job,
    )
    dataset.full_clean()
    dataset.save()
    return dataset
