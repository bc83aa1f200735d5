"""Policies of the last checkpoint of a training that did not reach its end."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from django.conf import settings
from django.db import transaction

from algorithms.base import UserError
from algorithms.catalogue import CONTROL_ALGORITHMS
from algorithms.checkpoints import (
    CONTROL_STATE_FILE,
    CONTROL_WEIGHTS_FILE,
    control_checkpoint_name,
    control_checkpoint_step,
)
from algorithms.control_derived_specs import KeepCheckpointSpec
from webapp.accounts.models import User
from webapp.datasets.uploading import folder_sha256
from webapp.jobs.graph import Given, Node
from webapp.jobs.models import Job, JobInput
from webapp.jobs.services import upload_record
from webapp.jobs.states import JobState
from webapp.jobs.store import default_store
from webapp.policies.models import Policy
from webapp.policies.services import policy_from_node

KIND = "keep_checkpoint"
ENDED_EARLY = (JobState.FAILED, JobState.CANCELLED)
FILES = (CONTROL_WEIGHTS_FILE, CONTROL_STATE_FILE)


@dataclass(frozen=True)
class Checkpoint:
    """The newest checkpoint of a training that did not end; every one was found good."""

    step: int
    """Updates done."""
    folder: Path


def last_checkpoint(job: Job) -> Checkpoint | None:
    """Return what a failed or cancelled training left on this machine's disk, if anything."""
    if job.kind != "train_control" or job.state not in ENDED_EARLY:
        return None
    root: Path = settings.VAR / "checkpoints" / str(job.pk)
    pattern = f"[0-9]*/state/{control_checkpoint_name(0)[:5]}*"
    whole = [
        Checkpoint(control_checkpoint_step(folder.name), folder)
        for folder in root.glob(pattern)
        if all((folder / name).is_file() for name in FILES)
    ]
    return max(whole, key=lambda found: found.step, default=None)


def kept_of(job: Job, step: int) -> Policy | None:
    """Return the policy that was already made of a training's checkpoint."""
    found = Policy.objects.filter(
        job__kind=KIND,
        job__spec__step=step,
        job__inputs__role="checkpoint",
        job__inputs__source__artifact__summary__training=job.pk,
    )
    return found.order_by("pk").first()


def suggested_name(job: Job, step: int) -> str:
    """Return a name for the policy that no other has."""
    known = CONTROL_ALGORITHMS.get(job.spec["algorithm"])
    title = known.title if known else job.spec["algorithm"]
    name = f"{title}, seed {job.spec['seed']}, step {step:,}"[:100]
    taken = Policy.objects.filter(name=name).exists()
    return f"{name} (job {job.pk})" if taken else name


def policy_from_checkpoint(
    *, owner: User, name: str, job: Job, description: str = "", label: str = "cpu"
) -> Policy:
    """Return a policy of the last good checkpoint of a training that failed or was cancelled.

    The checkpoint is copied first: what becomes of the training later does not touch it.

    Raises:
        UserError: the job is no such training, or no checkpoint of it is on this machine.
        ValidationError: the name is taken or empty.
    """
    found = last_checkpoint(job)
    if found is None:
        raise UserError(_why_not(job))
    store = default_store()
    folder = store.receiving()
    try:
        size = _copied(found, folder)
        with transaction.atomic():
            upload = upload_record(
                folder=folder,
                sha256=folder_sha256(folder),
                title=f"Checkpoint of job {job.pk} from step {found.step:,}",
                summary={"files": len(FILES), "bytes": size, "training": job.pk},
                user=owner,
            )
            node = _node(job, found.step, upload.fingerprint)
            node = replace(node, title=f"Policy {name.strip()}"[:200], label=label)
            about = description or f"After {found.step:,} updates of job {job.pk}: {job.title}."
            return policy_from_node(owner=owner, name=name, node=node, description=about)
    finally:
        store.discard(folder)


def _copied(found: Checkpoint, folder: Path) -> int:
    """Copy a checkpoint's files; return their bytes.

    Raises:
        UserError: it went away meanwhile.
    """
    try:
        for name in FILES:
            shutil.copyfile(found.folder / name, folder / name)
    except OSError as error:
        raise UserError(
            f"The checkpoint from step {found.step:,} cannot be read: {error}. If the training "
            "was retried meanwhile, it goes on from there by itself."
        ) from error
    return sum((folder / name).stat().st_size for name in FILES)


def _node(job: Job, step: int, upload: str) -> Node:
    data = JobInput.objects.select_related("source").get(job=job, role="transitions")
    spec = KeepCheckpointSpec.model_validate({**job.spec, "step": step})
    known = CONTROL_ALGORITHMS.get(spec.algorithm)
    return Node(
        kind=KIND,
        spec=spec,
        title="",
        inputs={"transitions": Given(data.source.fingerprint), "checkpoint": Given(upload)},
        code_version=f"{spec.algorithm}-{known.version}" if known else "",
    )


def _why_not(job: Job) -> str:
    if job.kind != "train_control":
        return (
            f"Job {job.pk} is of the kind {job.kind}: only trainings of control keep checkpoints."
        )
    if job.state not in ENDED_EARLY:
        return (
            f"Job {job.pk} is {job.state}: a checkpoint is kept as a policy when a training failed "
            "or was cancelled; what a finished one ended with is its policy."
        )
    return (
        f"No checkpoint of job {job.pk} is on this machine: it ended before the first one, or ran "
        "on another machine, or its files were removed. Train again with a smaller "
        "checkpoint_every."
    )
