"""Jobs that fail by themselves: each is classed, told in words, and tried again or not."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from tests.faults.lab import Lab
from tests.faults.patients import folder_of, launch, points, policy, training
from tests.webapp.jobs.graphs import reload, state
from webapp.jobs.models import Artifact, Attempt, Job, LogLine
from webapp.jobs.services import job_cancel, job_recompute, job_retry
from webapp.jobs.states import FailureClass, JobState
from webapp.jobs.store import default_store


def attempts(job: Job) -> int:
    return Attempt.objects.filter(job=job).count()


def test_failures_are_classed_and_only_what_may_pass_is_tried_again(ready_lab: Lab) -> None:
    # The loss is also asked once before the first step: the fifth call is step 3.
    faults = ["nan", "user", "memory", "bug", "exit"]
    jobs = dict(
        zip(
            faults,
            launch(*(training(steps=6, fault=f, at=5, sleep_s=0) for f in faults)),
            strict=True,
        )
    )
    # One attempt each shows the class; that they are tried again is shown by the bug.
    Job.objects.filter(pk__in=[jobs["memory"].pk, jobs["exit"].pk]).update(max_attempts=1)
    ready_lab.start_worker()
    ready_lab.start_worker()
    ready_lab.wait_until_finished(*jobs.values(), timeout_s=240)
    assert {fault: (reload(job).failure_class, attempts(job)) for fault, job in jobs.items()} == {
        "nan": (FailureClass.NON_FINITE, 1),
        "user": (FailureClass.USER_ERROR, 1),
        "memory": (FailureClass.OUT_OF_MEMORY, 1),
        "bug": (FailureClass.BUG, 2),
        "exit": (FailureClass.BUG, 1),
    }
    assert {state(job) for job in jobs.values()} == {JobState.FAILED}
    messages = {fault: reload(job).failure_message for fault, job in jobs.items()}
    assert "not a finite number at step 3" in messages["nan"]
    assert messages["user"] == "The dataset has no prompt about cats. Add one."
    assert "nobody thought of this" in messages["bug"]
    assert len(reload(jobs["bug"]).failure_reference) == 8
    assert "Traceback" in reload(jobs["bug"]).failure_detail
    assert {step for name, step in points(jobs["nan"]) if name == "loss"} == {0, 1, 2}
    for job in jobs.values():
        assert not list(default_store().root.glob(f".staging-{job.pk}-*"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("this machine does not allow mounting a small file system")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_fails_the_job_in_words_and_leaves_no_half_artifact(
    lab: Lab, small_disk: Path
) -> None:
    lab.environment["LAB_VAR"] = str(small_disk)
    lab.start_worker()
    (job,) = launch(policy(hidden_size=512))
    Job.objects.update(max_attempts=2)
    lab.wait_until_finished(job)
    assert (state(job), reload(job).failure_class) == (JobState.FAILED, FailureClass.STORAGE)
    assert "No space left on device" in reload(job).failure_message
    assert attempts(job) == 2
    assert not Artifact.objects.exists()
    assert list((small_disk / "artifacts").iterdir()) == []


def test_a_damaged_input_stops_the_job_and_recomputing_it_lets_it_go_on(ready_lab: Lab) -> None:
    ready_lab.start_worker()
    source = Job.objects.get(kind="policy")
    weights = folder_of(source) / "model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:100] + b"x" + content[101:])
    altered, truncated = (training(seed, steps=2, sleep_s=0) for seed in (0, 1))
    (job,) = launch(altered)
    ready_lab.wait_until_finished(job)
    assert reload(job).failure_class == FailureClass.CORRUPT_INPUT
    assert f"made by job {source.pk} (policy: Tiny Llama)" in reload(job).failure_message
    assert "model.safetensors was altered" in reload(job).failure_message
    weights.write_bytes(content[:-1])
    (other,) = launch(truncated)
    ready_lab.wait_until_finished(other)
    assert f"has {len(content) - 1} bytes instead of {len(content)}" in (
        reload(other).failure_message
    )
    assert (attempts(job), attempts(other)) == (1, 1)
    job_recompute(job=source, user=None)
    ready_lab.wait_until_finished(source, job, other)
    assert {state(job), state(other)} == {JobState.SUCCEEDED}


def test_cancelling_a_running_job_ends_every_process_of_it(ready_lab: Lab) -> None:
    ready_lab.start_worker()
    (job,) = launch(training(fault="deaf", sleep_s=0.3))
    ready_lab.wait_until_at(job, 5)
    processes = ready_lab.processes_of(job)
    assert len(processes) == 3
    assert len({os.getsid(process.pid) for process in processes}) == 2
    job_cancel(job=job, user=None)
    ready_lab.wait_until_finished(job)
    assert state(job) == JobState.CANCELLED
    ready_lab.await_silence(processes, timeout_s=0)
    assert not Artifact.objects.filter(job=job).exists()
    job_retry(job=job, user=None)
    ready_lab.wait_until_finished(job)
    assert state(job) == JobState.SUCCEEDED
    resumed = LogLine.objects.get(job=job, text__startswith="Resumed from the").text
    assert int(resumed.rstrip(".").split()[-1]) >= 5
    ready_lab.await_silence(ready_lab.processes_of(job))
    assert not (settings.VAR / "checkpoints" / str(job.pk)).exists()


def test_a_runner_deaf_to_sigterm_is_cancelled_after_the_grace_period(ready_lab: Lab) -> None:
    ready_lab.environment["LAB_STOP_GRACE_S"] = "1"
    ready_lab.start_worker()
    (job,) = launch(training(sleep_s=0.3))
    ready_lab.wait_until_at(job, 2)
    ready_lab.runner_of(job).send_signal(signal.SIGSTOP)
    job_cancel(job=job, user=None)
    ready_lab.wait_until_finished(job)
    assert state(job) == JobState.CANCELLED
    assert ready_lab.processes_of(job) == []
