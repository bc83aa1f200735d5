"""Ensuring, cancelling, retrying and recomputing jobs."""

import hashlib
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection

from algorithms.base import UserError
from algorithms.specs import EvaluateSpec, TrainSpec
from tests.webapp.jobs.graphs import (
    dataset,
    fail,
    generate,
    grade,
    policy,
    reload,
    run_all,
    state,
    succeed,
    take,
)
from webapp.accounts.models import User
from webapp.jobs.graph import Given, Kept, Node, given
from webapp.jobs.leases import finish_cancelled
from webapp.jobs.models import Artifact, Job
from webapp.jobs.services import (
    job_cancel,
    job_recompute,
    job_retry,
    job_set_priority,
    jobs_ensure,
    upload_record,
)
from webapp.jobs.states import FailureClass, JobState
from webapp.jobs.store import default_store

pytestmark = pytest.mark.django_db(transaction=True)


def ensure(*nodes: Node, priority: int = 0) -> list[Job]:
    jobs = jobs_ensure(nodes=nodes, user=None, priority=priority)
    return [jobs[node.fingerprint] for node in nodes]


def test_the_closure_is_created_and_what_is_ready_is_queued() -> None:
    jobs = jobs_ensure(nodes=[grade()], user=None)
    states = {job.kind: job.state for job in jobs.values()}
    assert states == {
        "dataset": "queued",
        "policy": "queued",
        "generate": "waiting",
        "grade": "waiting",
    }


def test_jobs_run_in_the_order_of_the_graph() -> None:
    ensure(grade())
    assert run_all()[2:] == ["generate", "grade"]


def test_a_second_plan_shares_every_job_and_a_third_adds_only_what_is_new() -> None:
    ensure(grade())
    before = set(Job.objects.values_list("id", flat=True))
    ensure(grade())
    assert set(Job.objects.values_list("id", flat=True)) == before
    ensure(grade(seed=1))
    new = Job.objects.exclude(id__in=before)
    assert sorted(new.values_list("kind", flat=True)) == ["generate", "grade"]


def test_two_launches_at_the_same_instant_share_their_jobs() -> None:
    barrier = threading.Barrier(4)
    found: list[set[int]] = []
    errors: list[BaseException] = []

    def launch(seed: int) -> None:
        try:
            barrier.wait(10)
            jobs = jobs_ensure(nodes=[grade(), policy(seed), dataset(seed)], user=None)
            found.append({job.pk for job in jobs.values() if job.kind in {"generate", "grade"}})
        except BaseException as error:  # noqa: BLE001 - shown by the assertion below
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=launch, args=[seed % 2]) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert errors == []
    assert len(found) == 4
    assert all(ids == found[0] for ids in found)
    assert Job.objects.count() == 6


def test_a_given_artifact_becomes_an_input_and_a_missing_one_is_named() -> None:
    (base,) = ensure(policy())
    node = Node(
        kind="generate",
        spec=generate().spec,
        title="Completions",
        inputs={"policy": Given(base.fingerprint), "dataset": dataset()},
    )
    (job,) = ensure(node)
    assert job.fingerprint == generate().fingerprint
    assert set(job.inputs.values_list("role", flat=True)) == {"policy", "dataset"}
    lost = Node(
        kind="generate",
        spec=generate(seed=5).spec,
        title="Completions",
        inputs={"policy": Given("f" * 64), "dataset": dataset()},
    )
    with pytest.raises(UserError, match="policy that was chosen no longer exists"):
        ensure(lost)


def test_a_job_planned_after_its_inputs_succeeded_is_queued_at_once() -> None:
    ensure(policy(), dataset())
    run_all()
    assert ensure(generate())[0].state == JobState.QUEUED


def test_the_higher_priority_of_two_plans_holds_for_all_that_is_needed() -> None:
    ensure(grade(), priority=1)
    ensure(generate(), priority=5)
    ensure(grade(), priority=3)
    priorities = dict(Job.objects.values_list("kind", "priority"))
    assert priorities == {"dataset": 5, "policy": 5, "generate": 5, "grade": 3}


def test_a_failed_or_cancelled_job_that_is_needed_again_is_tried_again() -> None:
    data, base = ensure(dataset(), policy())
    job_cancel(job=base, user=None)
    fail(take())
    assert state(data) == JobState.FAILED
    (job,) = ensure(generate())
    assert (state(data), state(base), state(job)) == ("queued", "queued", "waiting")
    assert reload(data).failure_class == ""


def test_a_succeeded_job_does_not_pull_its_failed_inputs_along() -> None:
    (job,) = ensure(generate())
    run_all()
    base = Job.objects.get(kind="policy")
    job_recompute(job=base, user=None)
    fail(take())
    ensure(generate())
    assert (state(base), state(job)) == (JobState.FAILED, JobState.SUCCEEDED)
    ensure(grade())
    assert state(base) == JobState.FAILED


def test_cancel_works_at_once_where_a_job_waits() -> None:
    (job,) = ensure(generate())
    source = Job.objects.get(kind="policy")
    for each in (job, source):
        job_cancel(job=each, user=None)
        assert state(each) == JobState.CANCELLED


def test_cancel_asks_the_worker_where_a_job_runs() -> None:
    (job,) = ensure(policy())
    claimed = take()
    job_cancel(job=job, user=None)
    assert state(job) == JobState.RUNNING
    assert reload(job).stop_requested_at is not None
    finish_cancelled(job_id=job.pk, attempt=claimed.attempt)
    assert state(job) == JobState.CANCELLED


@pytest.mark.parametrize("end", [succeed, fail])
def test_cancelling_what_has_ended_is_refused_in_words(end: object) -> None:
    (job,) = ensure(policy())
    assert callable(end)
    end(take())
    with pytest.raises(UserError, match=r"has already (succeeded|failed)"):
        job_cancel(job=job, user=None)
    (other,) = ensure(dataset())
    job_cancel(job=other, user=None)
    with pytest.raises(UserError, match="already cancelled"):
        job_cancel(job=other, user=None)


def test_a_job_wanted_again_while_it_is_stopped_goes_back_to_the_queue() -> None:
    (job,) = ensure(policy())
    claimed = take()
    job_cancel(job=job, user=None)
    ensure(policy())
    finish_cancelled(job_id=job.pk, attempt=claimed.attempt)
    assert state(job) == JobState.QUEUED
    assert reload(job).attempts_used == 0


def test_retry_gives_a_new_budget_and_a_higher_attempt() -> None:
    (job,) = ensure(policy())
    fail(take())
    job_retry(job=job, user=None)
    assert reload(job).attempts_used == 0
    assert take().attempt == 2


def test_retry_brings_the_failed_inputs_back_too() -> None:
    (job,) = ensure(grade())
    fail(take())
    fail(take())
    job_cancel(job=job, user=None)
    job_retry(job=job, user=None)
    assert state(job) == JobState.WAITING
    assert set(Job.objects.exclude(pk=job.pk).values_list("kind", "state")) == {
        ("dataset", "queued"),
        ("policy", "queued"),
        ("generate", "waiting"),
    }


def test_only_what_failed_or_was_cancelled_is_retried() -> None:
    (job,) = ensure(policy())
    with pytest.raises(UserError, match="is queued: only a failed or cancelled job"):
        job_retry(job=job, user=None)


def test_recompute_makes_its_dependents_wait_and_frees_those_that_failed_on_it() -> None:
    queued, failed = ensure(generate(), generate(seed=1))
    succeed(take())
    succeed(take())
    claimed = take()
    fail(claimed, FailureClass.CORRUPT_INPUT)
    failed, queued = Job.objects.get(pk=claimed.job_id), Job.objects.get(state=JobState.QUEUED)
    base = Job.objects.get(kind="policy")
    job_recompute(job=base, user=None)
    assert (state(base), state(queued), state(failed)) == ("queued", "waiting", "waiting")
    assert not Artifact.objects.filter(job=base).exists()
    assert run_all() == ["policy", "generate", "generate"]


def test_recompute_is_for_succeeded_jobs() -> None:
    (job,) = ensure(policy())
    with pytest.raises(UserError, match="only a succeeded job"):
        job_recompute(job=job, user=None)


def test_priority_reaches_what_is_still_needed() -> None:
    (job,) = ensure(grade())
    ensure(policy(seed=9))
    succeed(take())
    job_set_priority(job=job, priority=7, user=None)
    done, other = Job.objects.filter(state="succeeded").get(), Job.objects.latest("id")
    assert (reload(done).priority, other.priority) == (0, 0)
    assert Job.objects.filter(priority=7).count() == 3


def test_others_may_not_change_a_job_but_staff_may() -> None:
    owner, stranger = User.objects.create_user("owner"), User.objects.create_user("stranger")
    staff = User.objects.create_user("staff", is_staff=True)
    (job,) = jobs_ensure(nodes=[policy()], user=owner).values()
    with pytest.raises(PermissionDenied):
        job_cancel(job=job, user=stranger)
    with pytest.raises(PermissionDenied):
        job_set_priority(job=job, priority=1, user=stranger)
    job_cancel(job=job, user=staff)
    with pytest.raises(PermissionDenied):
        job_retry(job=job, user=stranger)
    job_retry(job=job, user=owner)
    assert state(job) == JobState.QUEUED


def upload(content: bytes, title: str = "My rows") -> Job:
    folder = default_store().receiving()
    (folder / "rows.parquet").write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    return upload_record(folder=folder, sha256=sha256, title=title, summary={"rows": 2}, user=None)


def stored(job: Job) -> Path:
    return default_store().folder(Artifact.objects.get(job=job).path)


def test_an_upload_is_a_job_that_has_succeeded_with_its_artifact() -> None:
    job = upload(b"rows")
    assert job.state == JobState.SUCCEEDED
    assert (stored(job) / "rows.parquet").read_bytes() == b"rows"
    assert Artifact.objects.get(job=job).summary == {"rows": 2}


def test_the_same_upload_twice_is_one_job_and_leaves_no_second_folder() -> None:
    first = upload(b"rows")
    folders = set(default_store().root.iterdir())
    assert upload(b"rows", "Again").pk == first.pk
    assert {path for path in default_store().root.iterdir() if path.is_dir()} <= folders


def test_uploading_again_mends_a_damaged_copy() -> None:
    job = upload(b"rows")
    (stored(job) / "rows.parquet").write_bytes(b"rots")
    assert upload(b"rows").pk == job.pk
    assert (stored(job) / "rows.parquet").read_bytes() == b"rows"


def test_an_upload_cannot_be_recomputed() -> None:
    with pytest.raises(UserError, match="upload it again"):
        job_recompute(job=upload(b"rows"), user=None)


def evaluation(checkpoint: int | None) -> Node:
    """Return the evaluation of a training's policy, or of one that it kept on its way."""
    own = dataset()
    training = Node(
        kind="train",
        spec=TrainSpec(algorithm="sft"),
        title="Training",
        inputs={"policy": policy(), "dataset": own, "eval_dataset": own},
    )
    chosen = training if checkpoint is None else Kept(training, checkpoint)
    inputs = {"policy": chosen, "dataset": own}
    return Node(kind="evaluate", spec=EvaluateSpec(), title="Evaluation", inputs=inputs)


def test_a_kept_policy_is_an_input_of_its_own() -> None:
    jobs = ensure(evaluation(None), evaluation(50), evaluation(100))
    assert len({job.pk for job in jobs}) == 3
    edges = [job.inputs.get(role="policy") for job in jobs]
    assert len({edge.source_id for edge in edges}) == 1
    assert [edge.checkpoint for edge in edges] == [None, 50, 100]
    assert run_all()[-4:] == ["train", "evaluate", "evaluate", "evaluate"]


def test_a_given_input_may_name_a_step() -> None:
    (job,) = ensure(evaluation(50))
    training = job.inputs.get(role="policy").source
    again = replace(
        evaluation(50), inputs={"policy": given(f"{training.fingerprint}@50"), "dataset": dataset()}
    )
    assert ensure(again) == [job]
    lost = replace(again, inputs={"policy": given(f"{'0' * 64}@50"), "dataset": dataset()})
    with pytest.raises(UserError, match="The policy that was chosen no longer exists"):
        ensure(lost)
