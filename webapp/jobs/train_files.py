"""Small files that a training leaves for its page: in its artifact, or beside its checkpoints."""

from pathlib import Path

from django.conf import settings

from webapp.jobs.models import Job
from webapp.jobs.store import ArtifactDamaged, default_store


def train_file(job: Job, name: str, *, live: str) -> Path | None:
    """Return the file of an artifact or, while there is none, that of the newest attempt.

    Args:
        live: where it lies below the folder of an attempt, such as "state/name"; only a worker
            on this machine, or on shared storage, has it there.
    """
    artifact = getattr(job, "artifact", None)
    if artifact is None:
        root: Path = settings.VAR / "checkpoints" / str(job.pk)
        found = sorted(root.glob(f"[0-9]*/{live}"), key=lambda path: path.stat().st_mtime)
        return found[-1] if found else None
    try:
        path = default_store().folder(artifact.path) / name
    except ArtifactDamaged:
        return None
    return path if path.is_file() else None
