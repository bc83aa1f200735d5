"""A study small enough for tests, and a lab in which its jobs have run."""

from collections.abc import Callable, Mapping
from pathlib import Path

from django.utils import timezone

from webapp.jobs.models import Artifact, Job, MetricPoint
from webapp.jobs.states import JobState
from webapp.studies.facts import load_facts
from webapp.studies.library import StudyFile, study_files

SMALL = (Path(__file__).parent / "small.yaml").read_text(encoding="utf-8")


def write_small(folder: Path, text: str = SMALL) -> None:
    """Make the folder one of studies with this one in it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "small.yaml").write_text(text, encoding="utf-8")


def small() -> StudyFile:
    """Return the small study of the settings' folder."""
    return study_files()["small"]


Summary = Mapping[str, float | int | str]


def finish(file: StudyFile, outcome: Callable[[str, int], Summary | None]) -> None:
    """End every job of the study: evaluations and curves with what `outcome(label, seed)` says.

    A run whose outcome is None stays as it is.
    """
    plan = file.scales["cpu"].plan
    assert plan is not None
    now = timezone.now()
    done: set[str] = set()
    for planned in plan.experiments.values():
        for cell in planned.cells:
            for seed, run in cell.runs.items():
                summary = outcome(cell.label, seed)
                if summary is None:
                    continue
                for role, node in run.nodes.items():
                    _end(node.fingerprint, summary if role == "evaluate" else {}, done)
                if "train" in run.nodes and "pass_at_1" in summary:
                    _curve(run.nodes["train"].fingerprint, float(summary["pass_at_1"]))
        for source in planned.sources.all:
            _end(source.fingerprint, {}, done)
    Job.objects.filter(state=JobState.SUCCEEDED).update(started_at=now, finished_at=now)
    assert load_facts(plan).states[JobState.SUCCEEDED] == len(done)


def _end(fingerprint: str, summary: Summary, done: set[str]) -> None:
    if fingerprint in done:
        return
    done.add(fingerprint)
    job = Job.objects.get(fingerprint=fingerprint)
    for state in (JobState.QUEUED, JobState.RUNNING, JobState.SUCCEEDED):
        if job.state == state or (state == JobState.QUEUED and job.state != JobState.WAITING):
            continue
        lease = timezone.now() if state == JobState.RUNNING else None
        Job.objects.filter(pk=job.pk).update(state=state, lease_expires_at=lease)
    Artifact.objects.create(
        job=job, path=f"{job.pk}", size_bytes=1, manifest_sha256="0" * 64, attempt=1,
        summary=dict(summary),
    )  # fmt: skip


def _curve(fingerprint: str, last: float) -> None:
    job = Job.objects.get(fingerprint=fingerprint)
    MetricPoint.objects.bulk_create(
        MetricPoint(
            job=job, name=name, step=step, samples=16 * step, tokens=48 * step, seconds=step,
            value=value,
        )
        for step in (0, 2, 4)
        for name, value in (
            ("eval_sampled_accuracy", 0.3 + (last - 0.3) * step / 4),
            ("eval_invalid_share", 0.1),
        )
    )  # fmt: skip
