"""Uploaded files between the upload and the import: kept on disk, so that no mistake loses one."""

import json
import re
import secrets
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404

from algorithms.data.records import SUFFIXES
from algorithms.data.rows import Format, format_of
from webapp.accounts.models import User
from webapp.components.formats import size
from webapp.datasets.families import Family

KEEP_S = 7 * 86_400
"""A file that nobody imported is removed after so long, when the next one comes."""
_TOKEN = re.compile(r"[\w-]{20,40}")
_ABOUT = "about.json"
TRANSITIONS_SUFFIXES = (".hdf5", ".h5", ".npz")
"""Of files of transitions: D4RL's and Minari's HDF5, and NPZ."""
Purpose = Family | Literal["sb3", "normalisation", "torchscript", "onnx"]
"""What a file is to become: a data set, or (a part of) a policy for control."""
SUFFIXES_OF: Mapping[Purpose, Sequence[str]] = {
    "prompts": tuple(SUFFIXES),
    "transitions": TRANSITIONS_SUFFIXES,
    "sb3": (".zip",),
    "normalisation": (".pkl",),
    "torchscript": (".pt", ".pth", ".ts", ".torchscript", ".zip"),
    "onnx": (".onnx",),
}


@dataclass(frozen=True)
class StagedFile:
    """A file that waits for its import."""

    token: str
    filename: str
    """As the person's computer calls it."""
    size_bytes: int
    owner_id: int
    name: str = ""
    """What the person wants to call the dataset."""
    description: str = ""
    family: Purpose = "prompts"
    """What it is to become."""

    @property
    def folder(self) -> Path:
        return _root() / self.token

    @property
    def path(self) -> Path:
        """The file; its name keeps the format's suffix only."""
        return self.folder / f"data{Path(self.filename).suffix.lower()}"

    @property
    def format(self) -> Format:
        return format_of(self.path)


def stage(
    *,
    owner: User,
    filename: str,
    chunks: Iterable[bytes],
    name: str = "",
    description: str = "",
    family: Purpose = "prompts",
) -> StagedFile:
    """Store an uploaded file and return where it waits.

    Raises:
        ValidationError: The file is empty, too large, or of no known format; nothing is kept.
    """
    _remove_old()
    staged = StagedFile(
        token=secrets.token_urlsafe(18),
        filename=Path(filename).name,
        size_bytes=0,
        owner_id=owner.pk,
        name=name,
        description=description,
        family=family,
    )
    require_known_format(staged.filename, family)
    staged.folder.mkdir(parents=True)
    try:
        written = _write(staged.path, chunks)
        staged = StagedFile(**(asdict(staged) | {"size_bytes": written}))
        (staged.folder / _ABOUT).write_text(json.dumps(asdict(staged)))
    except BaseException:
        shutil.rmtree(staged.folder, ignore_errors=True)
        raise
    return staged


def require_known_format(filename: str, family: Purpose = "prompts") -> None:
    """Let files through whose name says what they are.

    Raises:
        ValidationError: The ending is not one that is read.
    """
    suffixes = SUFFIXES_OF[family]
    if Path(filename).suffix.lower() not in suffixes:
        known = ", ".join(suffixes)
        message = f"“{Path(filename).name}” is of no format that is read here. Upload {known}."
        raise ValidationError({"file": message})


def too_large() -> ValidationError:
    """Return the error of a file above the limit."""
    limit = size(settings.LAB_UPLOAD_MAX_BYTES)
    return ValidationError(
        {
            "file": f"The file is larger than {limit}, the most that is accepted here. Put it on "
            "the worker's disk and name its path, or ask the administrator to raise "
            "LAB_UPLOAD_MAX_BYTES."
        }
    )


def _write(path: Path, chunks: Iterable[bytes]) -> int:
    written = 0
    with path.open("wb") as file:
        for chunk in chunks:
            written += len(chunk)
            if written > settings.LAB_UPLOAD_MAX_BYTES:
                raise too_large()
            file.write(chunk)
    if not written:
        raise ValidationError({"file": "The file is empty (0 bytes)."})
    return written


def find(*, token: str, user: User) -> StagedFile:
    """Return a staged file of this person.

    Raises:
        Http404: It is not there (any more).
        PermissionDenied: Someone else uploaded it.
    """
    about = _root() / token / _ABOUT
    if not _TOKEN.fullmatch(token) or not about.is_file():
        raise Http404("This upload is no longer here: it was imported or removed. Upload it again.")
    staged = StagedFile(**json.loads(about.read_text()))
    if staged.owner_id != user.pk:
        raise PermissionDenied("This upload belongs to someone else.")
    return staged


def discard(staged: StagedFile) -> None:
    """Remove a staged file."""
    shutil.rmtree(staged.folder, ignore_errors=True)


def _remove_old() -> None:
    root = _root()
    root.mkdir(parents=True, exist_ok=True)
    for folder in root.iterdir():
        if time.time() - folder.stat().st_mtime > KEEP_S:
            shutil.rmtree(folder, ignore_errors=True)


def _root() -> Path:
    return Path(settings.VAR) / "uploads"
