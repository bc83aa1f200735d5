"""Experiments' lives: launch, share, extend, cancel, retry, prioritise, delete."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction

from algorithms.base import UserError
from tests.webapp.experiments.factories import (
    FIVE,
    Bench,
    job_of,
    kinds_needed,
    make_policy,
    make_user,
    run_until,
)
from tests.webapp.jobs import graphs
from webapp.experiments.models import Experiment, ExperimentJob
from webapp.experiments.needs import jobs_of
from webapp.experiments.services import (
    experiment_cancel,
    experiment_delete,
    experiment_extend,
    experiment_launch,
    experiment_preview,
    experiment_retry_failed,
    experiment_set_priority,
    experiment_update,
)
from webapp.experiments.states import derive
from webapp.jobs.leases import Claim
from webapp.jobs.models import Job
from webapp.jobs.states import FailureClass, JobState
from webapp.policies.services import policy_from_run

pytestmark = pytest.mark.django_db


def state_of(experiment: Experiment) -> JobState:
    experiment.refresh_from_db()
    states = list(jobs_of(experiment).values_list("state", flat=True))
    return derive(states, cancelled=experiment.cancelled_at is not None)


def test_launching_makes_the_planned_runs_and_jobs(bench: Bench) -> None:
    experiment = bench.launch(FIVE)
    assert experiment.runs.count() == 11
    assert kinds_needed(experiment) == {
        "dataset": 1, "policy": 1, "generate": 1, "grade": 1, "train": 10, "evaluate": 11,
    }  # fmt: skip
    assert ExperimentJob.objects.filter(experiment=experiment, run=None).count() == 4
    run = experiment.runs.get(label="topr", seed=1)
    assert run.config["train"]["seed"] == 1
    assert set(run.config) == {"generate", "grade", "train", "evaluate"}
    assert list(run.needs.order_by("role").values_list("role", flat=True)) == ["evaluate", "train"]


def test_every_job_of_a_launched_experiment_can_be_run(bench: Bench) -> None:
    experiment = bench.launch()
    graphs.run_all()
    assert state_of(experiment) == JobState.SUCCEEDED


def test_a_second_experiment_shares_what_it_needs(bench: Bench) -> None:
    first = bench.launch(("topr",))
    before = Job.objects.count()
    second = bench.launch(("topr", "ppo"), title="Second")
    assert Job.objects.count() == before + 4  # two trainings and evaluations of ppo
    assert job_of(first, "grade") == job_of(second, "grade")
    assert job_of(first, "train", "topr", 1) == job_of(second, "train", "topr", 1)


def test_launching_twice_with_one_key_makes_one_experiment(bench: Bench) -> None:
    key = uuid4()
    made = [
        experiment_launch(owner=bench.user, name="x", config=bench.config(), launch_key=key)
        for _ in range(2)
    ]
    assert made[0] == made[1]
    assert made[0].runs.count() == 5


def test_somebody_elses_launch_key_is_refused(bench: Bench) -> None:
    key = uuid4()
    experiment_launch(owner=bench.user, name="x", config=bench.config(), launch_key=key)
    with pytest.raises(PermissionDenied):
        experiment_launch(owner=make_user("eve"), name="y", config=bench.config(), launch_key=key)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"dataset_id": 999}, "dataset_id"),
        ({"eval_dataset_id": 999}, "eval_dataset_id"),
        ({"policy_id": 999}, "policy_id"),
        ({"axes": {"policy_id": [999]}}, "axes.policy_id"),
    ],
)
def test_a_source_that_does_not_exist_is_told_at_its_field(
    bench: Bench, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        bench.launch(**changes)
    assert list(caught.value.message_dict) == [field]
    assert not Experiment.objects.exists()


@pytest.mark.parametrize("name", ["", "   ", "x" * 161])
def test_a_name_is_needed_and_not_endless(bench: Bench, name: str) -> None:
    with pytest.raises(ValidationError) as caught:
        bench.launch(title=name)
    assert list(caught.value.message_dict) == ["name"]


def test_tags_lose_doubles_and_spaces(bench: Bench) -> None:
    made = experiment_launch(
        owner=bench.user, name="x", config=bench.config(), tags=[" a  b", "a b", "", "c"]
    )
    assert made.tags == ["a b", "c"]


def test_a_policy_still_in_the_making_is_part_of_the_experiment(bench: Bench) -> None:
    bench.policy = make_policy(bench.user, "Warm", dataset=bench.dataset)
    experiment = bench.launch(("topr",))
    assert kinds_needed(experiment)["policy"] == 2  # the random weights and the warm start
    assert state_of(experiment) == JobState.QUEUED
    graphs.run_all()
    assert state_of(experiment) == JobState.SUCCEEDED


def test_extending_by_an_algorithm_adds_only_its_runs(bench: Bench) -> None:
    experiment = bench.launch(("topr",))
    graphs.run_all()
    kept = set(jobs_of(experiment).values_list("pk", flat=True))
    experiment_extend(experiment=experiment, config=bench.config(("topr", "ppo")), user=bench.user)
    added = jobs_of(experiment).exclude(pk__in=kept)
    assert sorted(added.values_list("kind", flat=True)) == ["evaluate"] * 2 + ["train"] * 2
    assert [run.position for run in experiment.runs.order_by("position")] == list(range(5))
    assert not Job.objects.filter(pk__in=kept).exclude(state=JobState.SUCCEEDED).exists()
    assert sorted(graphs.run_all()) == ["evaluate"] * 2 + ["train"] * 2


def test_extending_by_a_seed_adds_one_run_per_algorithm(bench: Bench) -> None:
    experiment = bench.launch()
    experiment_extend(experiment=experiment, config=bench.config(seeds=[0, 1, 2]), user=bench.user)
    assert experiment.runs.filter(seed=2).count() == 2
    experiment.refresh_from_db()
    assert experiment.config["seeds"] == [0, 1, 2]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, "Nothing is added"),
        ({"names": ("topr", "ppo", "tis"), "rewards": {"invalid": -2}}, "rewards"),
        ({"names": ("topr", "tis")}, "ppo, seed 0"),
        ({"seeds": [1, 2]}, "seed 0"),
        ({"names": ("topr", "ppo", "tis"), "axes": {"settings.steps": [10]}}, "topr"),
    ],
)
def test_an_extension_that_changes_or_adds_nothing_is_refused(
    bench: Bench, changes: dict[str, Any], reason: str
) -> None:
    experiment = bench.launch()
    with pytest.raises(UserError, match=reason):
        experiment_extend(
            experiment=experiment,
            config=bench.config(**changes),
            user=bench.user,
        )
    assert experiment.runs.count() == 5


def test_cancelling_stops_everything_that_only_this_experiment_needs(bench: Bench) -> None:
    experiment = bench.launch()
    running = run_until("generate")
    report = experiment_cancel(experiment=experiment, user=bench.user)
    assert state_of(experiment) == JobState.CANCELLED
    assert Job.objects.get(pk=running).stop_requested_at is not None
    assert len(report.stopped) == 10  # the base policy's evaluation had succeeded
    assert report.kept == ()
    assert report.sentence == "10 jobs cancelled."
    assert not Job.objects.filter(state__in=[JobState.WAITING, JobState.QUEUED]).exists()


def test_cancelling_keeps_jobs_that_another_experiment_needs_and_says_so(bench: Bench) -> None:
    first = bench.launch(("topr",))
    second = bench.launch(("topr", "ppo"), title="Second", seeds=[0])
    run_until("generate")
    report = experiment_cancel(experiment=first, user=bench.user)
    assert {job.kind for job in report.stopped} == {"train", "evaluate"}
    assert {entry.job.kind for entry in report.kept} == {"generate", "grade", "train", "evaluate"}
    assert all(entry.needed_by == ("“Second”",) for entry in report.kept)
    assert "kept for “Second”" in report.sentence
    assert job_of(second, "generate").stop_requested_at is None
    assert state_of(first) == JobState.CANCELLED
    assert state_of(second) == JobState.RUNNING


def test_cancelling_leaves_the_policy_that_is_being_made(bench: Bench) -> None:
    bench.policy = make_policy(bench.user, "Warm", dataset=bench.dataset)
    experiment = bench.launch(("topr",))
    report = experiment_cancel(experiment=experiment, user=bench.user)
    assert bench.policy.job.pk in {entry.job.pk for entry in report.kept}
    assert graphs.run_all() == ["dataset", "policy", "train"]


def test_cancelling_the_last_of_two_experiments_stops_the_shared_jobs(bench: Bench) -> None:
    first, second = bench.launch(), bench.launch(title="Second")
    experiment_cancel(experiment=first, user=bench.user)
    report = experiment_cancel(experiment=second, user=bench.user)
    assert len(report.stopped) == 11


def test_cancelling_stops_shared_jobs_that_someone_else_started(bench: Bench) -> None:
    first = bench.launch()
    other = Bench("eve")
    second = other.launch(title="Second")
    experiment_cancel(experiment=first, user=bench.user)
    report = experiment_cancel(experiment=second, user=other.user)
    assert len(report.stopped) == 11


def test_cancelling_twice_or_after_the_end_is_refused(bench: Bench) -> None:
    experiment = bench.launch(("topr",))
    experiment_cancel(experiment=experiment, user=bench.user)
    with pytest.raises(UserError, match="cancelled before"):
        experiment_cancel(experiment=experiment, user=bench.user)
    done = bench.launch(("ppo",), title="Second")
    graphs.run_all()
    with pytest.raises(UserError, match="has ended"):
        experiment_cancel(experiment=done, user=bench.user)


def test_a_cancelled_experiment_continues_by_retry(bench: Bench) -> None:
    experiment = bench.launch()
    running = run_until("generate")
    experiment_cancel(experiment=experiment, user=bench.user)
    assert experiment_retry_failed(experiment=experiment, user=bench.user) == 9
    assert Job.objects.get(pk=running).stop_requested_at is None
    assert state_of(experiment) == JobState.RUNNING


def test_retry_repeats_only_what_failed(bench: Bench) -> None:
    experiment = bench.launch(("topr", "ppo"), seeds=[0])
    worker = graphs.make_worker("fails once")
    failed = run_until("train", worker)
    graphs.fail(Claim(job_id=failed, attempt=1, kind="train"))
    graphs.run_all()
    assert state_of(experiment) == JobState.FAILED
    assert experiment_retry_failed(experiment=experiment, user=bench.user) == 1
    assert graphs.run_all() == ["train", "evaluate"]
    assert state_of(experiment) == JobState.SUCCEEDED


def test_retry_without_a_failure_is_refused(bench: Bench) -> None:
    experiment = bench.launch()
    with pytest.raises(UserError, match="Nothing of “First” failed"):
        experiment_retry_failed(experiment=experiment, user=bench.user)


def test_launching_again_revives_what_was_cancelled(bench: Bench) -> None:
    experiment_cancel(experiment=bench.launch(), user=bench.user)
    again = bench.launch(title="Again")
    graphs.run_all()
    assert state_of(again) == JobState.SUCCEEDED


def test_a_shared_job_has_the_highest_priority_of_live_experiments(bench: Bench) -> None:
    low, high = bench.launch(), bench.launch(title="Second")
    experiment_set_priority(experiment=high, priority=5, user=bench.user)
    experiment_set_priority(experiment=low, priority=2, user=bench.user)
    assert job_of(low, "generate").priority == 5
    experiment_cancel(experiment=high, user=bench.user)
    assert job_of(low, "generate").priority == 2


def test_a_lowered_priority_lowers_the_jobs(bench: Bench) -> None:
    experiment = bench.launch()
    experiment_set_priority(experiment=experiment, priority=5, user=bench.user)
    experiment_set_priority(experiment=experiment, priority=-5, user=bench.user)
    assert job_of(experiment, "train", "topr").priority == -5


def test_an_absurd_priority_is_refused(bench: Bench) -> None:
    with pytest.raises(UserError, match="-100 and 100"):
        experiment_set_priority(experiment=bench.launch(), priority=10**6, user=bench.user)


def test_an_active_experiment_is_not_deleted(bench: Bench) -> None:
    with pytest.raises(UserError, match="cancel it first"):
        experiment_delete(experiment=bench.launch(), user=bench.user)


def test_deleting_keeps_jobs_and_what_other_experiments_show(bench: Bench) -> None:
    first, second = bench.launch(), bench.launch(title="Second")
    jobs = Job.objects.count()
    experiment_delete(experiment=first, user=bench.user)  # nothing runs for it alone
    assert Job.objects.count() == jobs
    assert second.runs.count() == 5
    assert Experiment.objects.get() == second


def test_an_experiment_with_a_policy_made_from_it_is_not_deleted(bench: Bench) -> None:
    experiment = bench.launch()
    graphs.run_all()
    run = experiment.runs.get(label="topr", seed=0)
    policy_from_run(owner=bench.user, name="Best", run=run)
    with pytest.raises(UserError, match="“Best”"):
        experiment_delete(experiment=experiment, user=bench.user)


def test_name_question_and_tags_can_be_changed(bench: Bench) -> None:
    experiment = bench.launch()
    experiment_update(
        experiment=experiment, user=bench.user, name=" New  name", question="Why?", tags=["a"]
    )
    experiment.refresh_from_db()
    assert (experiment.name, experiment.question, experiment.tags) == ("New name", "Why?", ["a"])


def test_somebody_else_cannot_change_an_experiment(bench: Bench) -> None:
    experiment, eve = bench.launch(), make_user("eve")
    calls: list[Callable[[], object]] = [
        lambda: experiment_cancel(experiment=experiment, user=eve),
        lambda: experiment_retry_failed(experiment=experiment, user=eve),
        lambda: experiment_delete(experiment=experiment, user=eve),
        lambda: experiment_set_priority(experiment=experiment, priority=1, user=eve),
        lambda: experiment_extend(experiment=experiment, config=bench.config(), user=eve),
        lambda: experiment_update(experiment=experiment, user=eve, name="x", question="", tags=[]),
    ]
    for call in calls:
        with pytest.raises(PermissionDenied), transaction.atomic():
            call()


def test_staff_may_cancel_what_others_own(bench: Bench) -> None:
    experiment = bench.launch()
    experiment_cancel(experiment=experiment, user=make_user("root", is_staff=True))
    assert state_of(experiment) == JobState.CANCELLED


def test_a_preview_counts_jobs_and_work_before_and_after(bench: Bench) -> None:
    config = bench.config(FIVE)
    before = experiment_preview(config=config)
    assert (before.runs, before.groups, before.jobs, before.existing) == (11, 6, 23, 0)
    assert before.total == before.remaining
    assert before.total.completions == 8 * 8  # eight training problems, eight completions each
    assert before.total.steps == 10 * 250
    assert before.total.samples == 10 * 250 * 128
    assert before.total.evaluation_completions == 11 * 4 * (1 + 4)
    assert before.warnings == ()
    bench.launch(("topr",), seeds=[0])
    run_until("train")
    after = experiment_preview(config=config)
    assert after.existing == 5
    assert after.done == 3  # generation, grading, the base policy's evaluation
    assert after.remaining.completions == 0
    train = next(kind for kind in after.kinds if kind.kind == "train")
    assert (train.planned, train.new, dict(train.existing)) == (10, 9, {"running": 1})


def test_a_preview_writes_nothing(bench: Bench) -> None:
    jobs = Job.objects.count()
    experiment_preview(config=bench.config(FIVE))
    assert (Job.objects.count(), Experiment.objects.count()) == (jobs, 0)


def test_a_preview_warns_of_a_split_that_is_not_there(bench: Bench) -> None:
    preview = experiment_preview(config=bench.config(generate={"split": "tran"}))
    assert preview.warnings == ("“Addition v1” has no problem in the split “tran”.",)


def test_a_failed_source_is_named_and_tried_again(bench: Bench) -> None:
    job = bench.dataset.job
    graphs.fail(graphs.take(), FailureClass.USER_ERROR)
    assert graphs.state(job) == JobState.FAILED
    assert f"Job {job.pk}" in experiment_preview(config=bench.config()).warnings[0]
    bench.launch()
    assert graphs.state(job) == JobState.QUEUED
