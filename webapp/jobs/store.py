"""The artifact store: folders that appear whole or not at all, with the checksum of every file."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from django.conf import settings

MANIFEST = "manifest.json"
STAGING = ".staging-"


class Entry(TypedDict):
    """A file in the manifest."""

    name: str
    bytes: int
    sha256: str


class ArtifactDamaged(Exception):  # noqa: N818 - the state of a file, not of a program
    """A file of an artifact is missing, truncated or altered; the message names it."""


@dataclass(frozen=True)
class StoredArtifact:
    """A published folder."""

    path: str
    """Relative to the store."""
    size_bytes: int
    """Of all files, the manifest not counted."""
    manifest_sha256: str


class Store:
    """A folder with one folder per artifact."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def staging(self, job_id: int, attempt: int) -> Path:
        """Return an empty folder on the store's own disk for this attempt to write into.

        Those of the job's earlier attempts are removed: one that still writes writes in vain.
        """
        for number in range(1, attempt + 1):
            self.clear_staging(job_id, number)
        folder = self._staging(job_id, attempt)
        folder.mkdir(parents=True)
        return folder

    def clear_staging(self, job_id: int, attempt: int) -> None:
        """Delete what an attempt has left unpublished."""
        shutil.rmtree(self._staging(job_id, attempt), ignore_errors=True)

    def _staging(self, job_id: int, attempt: int) -> Path:
        return self.root / f"{STAGING}{job_id}-{attempt}"

    def receiving(self) -> Path:
        """Return an empty folder on the store's own disk for an upload to be written into."""
        self.root.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{STAGING}upload-", dir=self.root))
        folder.chmod(0o755)
        return folder

    def folder(self, path: str) -> Path:
        """Return where a published artifact is.

        Raises:
            ArtifactDamaged: The path leads out of the store.
        """
        folder = self.root / path
        if not folder.resolve().is_relative_to(self.root.resolve()) or not path:
            raise ArtifactDamaged(f"{path!r} is not a folder of the artifact store")
        return folder

    def publish(self, staging: Path, job_id: int, attempt: int) -> StoredArtifact:
        """Make a staged folder permanent: checksums, fsync, rename. The staging folder is gone.

        Raises:
            ValueError: It is empty, or holds something else than files and folders.
            OSError: The disk is full or broken.
        """
        files = {name: staging / name for name in _file_names(staging) if name != MANIFEST}
        if not files:
            raise ValueError(f"job {job_id} left no file in its output folder")
        entries = [_described(name, path) for name, path in files.items()]
        text = json.dumps({"files": entries}, indent=1)
        _write_synced(staging / MANIFEST, text)
        for folder in sorted({path.parent for path in files.values()} | {staging}):
            _sync(folder)
        name = f"{job_id}-{attempt}"
        # Left by a crash before its row was written: nobody refers to it.
        shutil.rmtree(self.root / name, ignore_errors=True)
        staging.rename(self.root / name)
        _sync(self.root)
        return StoredArtifact(
            path=name,
            size_bytes=sum(entry["bytes"] for entry in entries),
            manifest_sha256=hashlib.sha256(text.encode()).hexdigest(),
        )

    def verify(self, path: str, manifest_sha256: str, part: str = "") -> None:
        """Check every byte of a published artifact, or of one folder in it, against its manifest.

        Files that were verified on this machine and not touched since are not read again.

        Raises:
            ArtifactDamaged: A file is missing, truncated or altered.
            FileNotFoundError: The artifact has no such part.
        """
        folder = self.folder(path)
        manifest = _read_manifest(folder, manifest_sha256)
        if part:
            manifest = [entry for entry in manifest if entry["name"].startswith(f"{part}/")]
        if not manifest:
            raise FileNotFoundError(f"{path} holds no {part}")
        seen = self._seen(f"{path}/{part}" if part else path)
        for entry in manifest:
            _check_size(folder / entry["name"], entry)
        signature = [manifest_sha256, *(_signature(folder / entry["name"]) for entry in manifest)]
        if _read_json(seen) == signature:
            return
        for entry in manifest:
            if _sha256(folder / entry["name"]) != entry["sha256"]:
                raise ArtifactDamaged(f"{entry['name']} was altered (its checksum differs)")
        seen.write_text(json.dumps(signature))

    def discard(self, staging: Path) -> None:
        """Delete a staging folder that is not wanted any more."""
        shutil.rmtree(staging, ignore_errors=True)

    def remove(self, path: str) -> None:
        """Delete a published artifact; nothing happens where there is none."""
        for seen in (self._seen(path), *self.root.glob(f".verified-{path.replace('/', '_')}_*")):
            seen.unlink(missing_ok=True)
        shutil.rmtree(self.folder(path), ignore_errors=True)

    def _seen(self, path: str) -> Path:
        """Return where it is noted that files were verified."""
        return self.root / f".verified-{path.replace('/', '_')}.json"


def default_store() -> Store:
    """Return the store of this installation."""
    root = settings.VAR / "artifacts"
    root.mkdir(parents=True, exist_ok=True)
    return Store(root)


def _file_names(folder: Path) -> Iterator[str]:
    """Yield names relative to the folder, sorted; links could lead anywhere and are refused."""
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise ValueError(f"{path.name} is not a regular file")
        if path.is_file():
            yield path.relative_to(folder).as_posix()


def _described(name: str, path: Path) -> Entry:
    """Return an entry of the manifest, the file's content being on disk."""
    _sync(path)
    return {"name": name, "bytes": path.stat().st_size, "sha256": _sha256(path)}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_synced(path: Path, text: str) -> None:
    with path.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _read_json(path: Path) -> object:
    try:
        return json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return None


def _read_manifest(folder: Path, expected_sha256: str) -> list[Entry]:
    try:
        text = (folder / MANIFEST).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise ArtifactDamaged(f"the folder {folder.name} or its {MANIFEST} is missing") from None
    if hashlib.sha256(text).hexdigest() != expected_sha256:
        raise ArtifactDamaged(f"{MANIFEST} was altered (its checksum differs)")
    files: list[Entry] = json.loads(text)["files"]
    return files


def _check_size(path: Path, entry: Entry) -> None:
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        raise ArtifactDamaged(f"{entry['name']} is missing") from None
    if size != entry["bytes"]:
        raise ArtifactDamaged(f"{entry['name']} has {size} bytes instead of {entry['bytes']}")


def _signature(path: Path) -> list[int]:
    """Return what changes when a file is written: inode, size and times in nanoseconds."""
    stat = path.stat()
    return [stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]
