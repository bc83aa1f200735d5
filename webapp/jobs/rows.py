"""Rows for the nodes of a plan."""

from collections.abc import Sequence

from algorithms.base import UserError
from webapp.accounts.models import User
from webapp.jobs.graph import Given, Kept, Node, maker
from webapp.jobs.models import Job, JobInput
from webapp.jobs.states import JobState


def create_missing(
    wanted: Sequence[Node],
    user: User | None,
    priority: int,
    state: JobState = JobState.WAITING,
) -> None:
    """Insert jobs that are not there yet, inputs first (their ids are smaller), and their edges.

    Raises:
        UserError: A given artifact has no job.
    """
    existing = _ids({node.fingerprint for node in wanted})
    new = [node for node in wanted if node.fingerprint not in existing]
    Job.objects.bulk_create(
        [_row(node, user, priority, state) for node in new], ignore_conflicts=True
    )
    sources = {maker(source).fingerprint for node in new for source in node.inputs.values()}
    ids = _ids(sources | {node.fingerprint for node in new})
    if gone := sources - ids.keys():
        raise UserError(_gone_message(new, gone))
    JobInput.objects.bulk_create(
        [
            JobInput(
                job_id=ids[node.fingerprint],
                role=role,
                source_id=ids[maker(source).fingerprint],
                checkpoint=source.step if isinstance(source, Kept) else None,
            )
            for node in new
            for role, source in node.inputs.items()
        ],
        ignore_conflicts=True,
    )


def _row(node: Node, user: User | None, priority: int, state: JobState) -> Job:
    return Job(
        kind=node.kind,
        title=node.title[:200],
        spec=node.spec.model_dump(mode="json"),
        fingerprint=node.fingerprint,
        code_version=node.full_code_version,
        created_by=user,
        label=node.label,
        priority=priority,
        state=state,
    )


def _ids(fingerprints: set[str]) -> dict[str, int]:
    rows = Job.objects.filter(fingerprint__in=fingerprints)
    return dict(rows.values_list("fingerprint", "id"))


def _gone_message(nodes: Sequence[Node], gone: set[str]) -> str:
    roles = {
        role
        for node in nodes
        for role, source in node.inputs.items()
        if isinstance(maker(source), Given) and maker(source).fingerprint in gone
    }
    return f"The {' and '.join(sorted(roles))} that was chosen no longer exists: choose another."
