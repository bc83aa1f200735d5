"""Uploaded folders as artifacts."""

import hashlib
from pathlib import Path

from algorithms.base import Summary
from webapp.accounts.models import User
from webapp.jobs.models import Job
from webapp.jobs.services import upload_record


def uploaded(folder: Path, filename: str, size: int, owner: User) -> Job:
    """Return the upload job of a folder of files; callers are in a transaction.

    Args:
        folder: on the disk of the store: made by `Store.receiving`.
        size: of the files, in bytes.
    """
    summary: Summary = {"files": len(list(folder.iterdir())), "bytes": size}
    return upload_record(
        folder=folder,
        sha256=folder_sha256(folder),
        title=f"Upload of {filename}"[:200],
        summary=summary,
        user=owner,
    )


def folder_sha256(folder: Path) -> str:
    """Return a hash of the names and contents of a folder's files."""
    whole = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        with path.open("rb") as file:
            each = hashlib.file_digest(file, "sha256").hexdigest()
        whole.update(f"{path.name} {each}\n".encode())
    return whole.hexdigest()
