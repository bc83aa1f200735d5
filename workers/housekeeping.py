"""What killed processes leave on a machine: processes of theirs, folders, checkpoints."""

import logging
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from webapp.jobs.models import Artifact, Job
from webapp.jobs.states import JobState
from webapp.jobs.store import default_store
from workers.guard import end_all, markers

KEEP_S = 3600.0
"""Folders younger than this are left alone: someone may be about to record them."""

_ATTEMPT = re.compile(r"(\d+)-(\d+)")

logger = logging.getLogger(__name__)


def end_orphans() -> int:
    """Kill processes on this machine of attempts that run no longer; return how many attempts."""
    suffix = f"@{settings.VAR}"
    ours = {mark for mark in markers().values() if mark.endswith(suffix)}
    orphans = {mark for mark in ours if not _runs(mark.removesuffix(suffix))}
    for mark in orphans:
        logger.warning("killing what is left of %s", mark)
        end_all(mark)
    return len(orphans)


def _runs(name: str) -> bool:
    """Whether `JOB-ATTEMPT` is the current attempt of a running job."""
    match = _ATTEMPT.fullmatch(name)
    if match is None:
        return False
    job_id, attempt = map(int, match.groups())
    return Job.objects.filter(pk=job_id, attempt=attempt, state=JobState.RUNNING).exists()


def tidy() -> int:
    """Remove unrecorded artifact folders and checkpoints nobody resumes from; return how many."""
    stale = [*_stale_artifacts(), *_stale_checkpoints()]
    for folder in stale:
        logger.info("removing %s", folder)
        shutil.rmtree(folder, ignore_errors=True)
    return len(stale)


def _stale_artifacts() -> Iterator[Path]:
    """Yield staged and published folders without a row, old enough, of no running attempt."""
    store = default_store()
    recorded = set(Artifact.objects.values_list("path", flat=True))
    for folder in store.root.iterdir():
        if folder.is_dir() and folder.name not in recorded and _is_old(folder):
            match = _ATTEMPT.search(folder.name)
            if match is None or not _runs(match.group()):
                yield folder


def _stale_checkpoints() -> Iterator[Path]:
    """Yield checkpoints of jobs that succeeded or are gone; failed ones may be retried."""
    root: Path = settings.VAR / "checkpoints"
    folders = {path.name: path for path in root.glob("[0-9]*")} if root.exists() else {}
    kept = Job.objects.exclude(state=JobState.SUCCEEDED).filter(pk__in=[*map(int, folders)])
    for name in set(folders) - {str(pk) for pk in kept.values_list("id", flat=True)}:
        yield folders[name]


def _is_old(folder: Path) -> bool:
    try:
        return time.time() - folder.stat().st_mtime > KEEP_S
    except FileNotFoundError:
        return False
