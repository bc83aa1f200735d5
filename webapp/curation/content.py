"""What steps would keep of a set, computed on columns that are kept in memory per artifact."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.db.models import Q

from algorithms.base import CorruptArtifactError, UserError
from algorithms.curation.columns import Columns, load_columns
from algorithms.curation.pipeline import Curated, curate
from algorithms.curation.steps import CurateSpec
from algorithms.curation.summary import Composition, compose
from algorithms.data.tables import ROLLOUTS_FILE
from webapp.jobs.models import Artifact, Job
from webapp.jobs.states import JobState
from webapp.jobs.store import ArtifactDamaged, default_store

CURATABLE = ("grade", "curate", "mix")
GRADED = Q(kind__in=CURATABLE) | Q(
    kind="score", inputs__role="rollouts", inputs__source__kind__in=CURATABLE
)
"""Jobs whose completions are graded: scoring keeps the grades that there are."""


@dataclass(frozen=True)
class Preview:
    """A set before and after its steps."""

    before: Composition
    after: Composition
    curated: Curated


def source_job(pk: int) -> Job:
    """Return a finished job whose completions can be curated, its artifact with it.

    Raises:
        Job.DoesNotExist: no such job, not finished, or one without grades.
    """
    job = Job.objects.select_related("artifact").get(GRADED, pk=pk, state=JobState.SUCCEEDED)
    if not Artifact.objects.filter(job=job).exists():
        raise Job.DoesNotExist
    return job


def columns_of(job: Job) -> Columns:
    """Return the columns of a set; read once per artifact.

    Raises:
        UserError: the file is gone or damaged, or not graded.
    """
    try:
        return _columns(*_place(job))
    except (ArtifactDamaged, CorruptArtifactError) as error:
        raise UserError(
            f"The completions of job {job.pk} cannot be read ({error}) "
            "Recompute the job on its page."
        ) from error


def composition_of(job: Job) -> Composition:
    """Return the composition of a whole set; computed once per artifact.

    Raises:
        UserError: the file is gone or damaged, or not graded.
    """
    columns_of(job)
    return _composition(*_place(job))


def _place(job: Job) -> tuple[Path, str]:
    folder = default_store().folder(job.artifact.path)
    return folder / ROLLOUTS_FILE, job.artifact.manifest_sha256


@lru_cache(maxsize=8)
def _columns(path: Path, manifest_sha256: str) -> Columns:  # noqa: ARG001 - part of the key
    return load_columns(path)


@lru_cache(maxsize=8)
def _composition(path: Path, manifest_sha256: str) -> Composition:
    columns = _columns(path, manifest_sha256)
    return compose(columns, columns.all_rows)


def preview(job: Job, spec: CurateSpec) -> Preview:
    """Return what a `curate` job with this spec would write, in figures.

    Raises:
        StepError: a step asks for more than there is, or leaves nothing.
        UserError: the file is gone or damaged, or not graded.
    """
    columns = columns_of(job)
    curated = curate(columns, spec)
    return Preview(composition_of(job), compose(columns, curated.rows), curated)
