"""The input artifacts of a job, checked before it starts."""

from pathlib import Path

from algorithms.base import CorruptArtifactError, UserError
from algorithms.checkpoints import checkpoint_path
from webapp.jobs.models import Artifact, Job, JobInput
from webapp.jobs.states import JobState
from webapp.jobs.store import ArtifactDamaged, Store


class InputGone(Exception):  # noqa: N818 - not an error: someone has it computed again
    """An input is being computed again: the job waits for it."""


def input_folders(job: Job, store: Store) -> dict[str, Path]:
    """Return the folder of each input by role, every byte of it verified.

    An input is an artifact, or a policy that a training kept in its artifact.

    Raises:
        CorruptArtifactError: A file of one is missing, truncated or altered.
        UserError: A training kept no policy at that step.
        InputGone: An input has no artifact at the moment.
    """
    folders = {}
    for edge in JobInput.objects.filter(job=job).select_related("source").order_by("role"):
        source = edge.source
        artifact = Artifact.objects.filter(job=source).first()
        if artifact is None or source.state != JobState.SUCCEEDED:
            raise InputGone(f"Job {source.pk} ({source.kind}) is computed again.")
        part = "" if edge.checkpoint is None else checkpoint_path(edge.checkpoint)
        try:
            store.verify(artifact.path, artifact.manifest_sha256, part)
        except ArtifactDamaged as damage:
            raise CorruptArtifactError(_message(edge, damage)) from damage
        except FileNotFoundError as error:
            raise UserError(_not_kept(edge)) from error
        folders[edge.role] = store.folder(artifact.path) / part
    return folders


def _not_kept(edge: JobInput) -> str:
    return (
        f"Job {edge.source_id} ({edge.source.title}) kept no policy after {edge.checkpoint} "
        "updates: it may have stopped before them. Choose another one, or what it ended with."
    )


def _message(edge: JobInput, damage: ArtifactDamaged) -> str:
    source = edge.source
    again = " Upload the file again." if source.kind == "upload" else ""
    return (
        f"The {edge.role} input, made by job {source.pk} ({source.kind}: {source.title}), is "
        f"damaged: {damage}.{again}"
    )
