"""The list and the page of an experiment: right numbers in a fixed number of queries."""

from datetime import timedelta
from itertools import product

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from algorithms.base import UserError
from tests.webapp.experiments.factories import Bench, job_of, run_until
from tests.webapp.jobs import graphs
from webapp.experiments.detail import experiment_detail
from webapp.experiments.models import Experiment, ExperimentJob, Run
from webapp.experiments.selectors import (
    clone_config,
    experiment_page,
    tags_used,
    with_state,
)
from webapp.experiments.services import experiment_cancel, experiment_update
from webapp.experiments.states import derive
from webapp.jobs.leases import claim
from webapp.jobs.models import Artifact, Job
from webapp.jobs.states import JobState

pytestmark = pytest.mark.django_db


def rows_of(states: tuple[JobState, ...], bench: Bench) -> Experiment:
    """Return an experiment that needs jobs in these states."""
    experiment = Experiment.objects.create(owner=bench.user, name="x", config={})
    for number, state in enumerate(states):
        job = Job.objects.create(
            kind="train",
            title="t",
            spec={},
            code_version="1",
            fingerprint=f"{experiment.pk}-{number}",
            state=state,
            failure_class="bug" if state == JobState.FAILED else "",
            lease_expires_at=timezone.now() if state == JobState.RUNNING else None,
        )
        ExperimentJob.objects.create(experiment=experiment, job=job, role="train")
    return experiment


def test_the_state_in_sql_is_the_state_in_python(bench: Bench) -> None:
    mixtures = [(), *product(JobState, repeat=2)]
    expected = {}
    for states, cancelled in product(mixtures, (False, True)):
        experiment = rows_of(states, bench)
        if cancelled:
            Experiment.objects.filter(pk=experiment.pk).update(cancelled_at=timezone.now())
        expected[experiment.pk] = derive(states, cancelled=cancelled)
    found = {row.pk: vars(row)["derived_state"] for row in with_state(Experiment.objects.all())}
    assert found == expected


def test_a_row_tells_progress_and_counts(bench: Bench) -> None:
    bench.launch(("topr",), seeds=[0])
    job_id = run_until("train")
    Job.objects.filter(pk=job_id).update(progress_done=25, progress_total=50)
    (row,) = experiment_page().rows
    # dataset, policy, generation, grading, base evaluation; then training and its evaluation
    assert (row.jobs, row.succeeded, row.running, row.failed, row.runs) == (7, 5, 1, 0, 2)
    assert row.progress == pytest.approx(5.5 / 7)
    assert row.state == JobState.RUNNING


def test_the_list_takes_two_queries_however_long_it_is(
    bench: Bench, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(6):
        bench.launch(("topr",), title=f"Experiment {number}", seeds=[number])
    with django_assert_num_queries(2):
        page = experiment_page(search="experiment", state=JobState.QUEUED)
        assert [row.experiment.owner.username for row in page.rows] == ["ada"] * 6


def test_pages_follow_each_other_without_gap(bench: Bench) -> None:
    for number in range(5):
        bench.launch(("topr",), title=str(number), seeds=[0])
    first = experiment_page(limit=3)
    second = experiment_page(limit=3, offset=3)
    names = [row.experiment.name for row in (*first.rows, *second.rows)]
    assert names == ["4", "3", "2", "1", "0"]
    assert (first.total, first.has_more, second.has_more) == (5, True, False)


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("", ["Clipping", "Tapers"]),
        ("taper", ["Tapers"]),
        ("ppo", ["Clipping"]),
        ("ada night", ["Clipping"]),
        ("taper night", []),
        ("%", []),
    ],
)
def test_search_looks_at_names_tags_owners_and_runs(
    bench: Bench, search: str, found: list[str]
) -> None:
    bench.launch(("topr",), title="Tapers")
    clipping = bench.launch(("ppo",), title="Clipping")
    experiment_update(
        experiment=clipping, user=bench.user, name="Clipping", question="", tags=["night run"]
    )
    names = [row.experiment.name for row in experiment_page(search=search).rows]
    assert sorted(names) == found


def test_the_list_filters_by_tag_owner_and_state(bench: Bench) -> None:
    eve = Bench("eve")
    mine, other = bench.launch(title="mine"), eve.launch(("tis",), title="other")
    experiment_update(experiment=mine, user=bench.user, name="mine", question="", tags=["a", "b"])
    experiment_cancel(experiment=other, user=eve.user)
    names = [
        [row.experiment.name for row in page.rows]
        for page in (
            experiment_page(tag="b"),
            experiment_page(owner="eve"),
            experiment_page(state=JobState.CANCELLED),
        )
    ]
    assert names == [["mine"], ["other"], ["other"]]
    assert tags_used() == ["a", "b"]


def test_the_detail_draws_inputs_left_of_what_needs_them(bench: Bench) -> None:
    detail = experiment_detail(bench.launch())
    level = {card.job.pk: card.level for card in detail.jobs}
    assert detail.edges
    assert all(level[source] < level[job] for source, job in detail.edges)
    kinds = [sorted({card.role for card in column}) for column in detail.levels]
    assert kinds == [
        ["dataset", "policy"],
        ["evaluate", "generate"],
        ["grade"],
        ["train"],
        ["evaluate"],
    ]


def test_the_detail_takes_as_many_queries_for_many_runs_as_for_few(
    bench: Bench, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    few = bench.launch(("topr",), seeds=[0])
    many = bench.launch(("topr", "ppo", "tis"), seeds=list(range(5)))
    for experiment in (few, many):
        with django_assert_num_queries(5):
            detail = experiment_detail(experiment)
            assert [str(card.run) for card in detail.runs]
            assert [card.job.worker for card in detail.jobs]


def test_a_run_waits_fails_and_succeeds_with_what_it_needs(bench: Bench) -> None:
    experiment = bench.launch(("topr", "sft"), seeds=[0])
    worker = graphs.make_worker("one")
    generate = job_of(experiment, "generate")
    while (claimed := claim(worker=worker, labels=["cpu"])) is not None:
        graphs.fail(claimed) if claimed.job_id == generate.pk else graphs.succeed(claimed)
    detail = experiment_detail(experiment)
    states = {card.run.label: card.state for card in detail.runs}
    assert states == {
        "base policy": JobState.SUCCEEDED,
        "topr": JobState.FAILED,
        "sft": JobState.SUCCEEDED,
    }
    assert detail.state == JobState.FAILED
    assert detail.counts == {"succeeded": 5, "failed": 1, "waiting": 3}


def test_the_detail_says_with_how_many_others_a_job_is_shared(bench: Bench) -> None:
    first = bench.launch(("topr",), seeds=[0])
    bench.launch(("topr", "ppo"), title="Second", seeds=[0])
    gone = bench.launch(("topr",), title="Third", seeds=[0])
    experiment_cancel(experiment=gone, user=bench.user)
    assert {card.shared_with for card in experiment_detail(first).jobs} == {1}


def test_the_remaining_time_follows_rates_of_running_jobs(bench: Bench) -> None:
    experiment = bench.launch(("topr",), seeds=[0, 1])
    graphs.make_worker("second")
    job_id = run_until("train")
    now = timezone.now()
    Job.objects.filter(state=JobState.SUCCEEDED, kind="evaluate").update(
        started_at=now - timedelta(seconds=4), finished_at=now
    )
    assert experiment_detail(experiment).eta_s is None  # no training was measured yet
    Job.objects.filter(pk=job_id).update(
        progress_done=50, progress_total=100, progress_rate=5.0, progress_at=now
    )
    # 10 s left here, 20 s for the other training, and 4 s for the evaluation that follows
    assert experiment_detail(experiment).eta_s == pytest.approx(24, abs=1)


def test_the_remaining_time_is_unknown_while_no_worker_serves_the_label(bench: Bench) -> None:
    experiment = bench.launch(("topr",), seeds=[0], label="gpu")
    graphs.make_worker()
    assert experiment_detail(experiment).eta_s is None


def test_a_run_shows_the_figures_of_its_evaluation(bench: Bench) -> None:
    experiment = bench.launch(("topr",), seeds=[0])
    graphs.run_all()
    Artifact.objects.filter(job=job_of(experiment, "evaluate", "topr")).update(
        summary={"pass_at_1": 0.5}
    )
    runs = {card.run.label: card for card in experiment_detail(experiment).runs}
    assert runs["topr"].summary == {"pass_at_1": 0.5}
    assert runs["topr"].progress == 1.0
    assert runs["base policy"].train is None


def test_runs_of_one_algorithm_look_as_their_groups_do_in_the_plots(bench: Bench) -> None:
    experiment = bench.launch(("topr", "ppo"), seeds=[0, 1])
    Run.objects.filter(experiment=experiment, algorithm="ppo").update(algorithm="topr")
    cards = experiment_detail(experiment).runs
    assert [(card.run.label, card.variant) for card in cards] == [
        ("base policy", 0),
        *[("topr", 0)] * 2,
        *[("ppo", 1)] * 2,
    ]


def test_a_clone_starts_from_the_same_config(bench: Bench) -> None:
    experiment = bench.launch(axes={"settings.learning_rate": [1e-4, 3e-4]})
    assert clone_config(experiment).model_dump(mode="json") == experiment.config


def test_a_config_of_another_version_is_not_cloned_silently(bench: Bench) -> None:
    experiment = bench.launch()
    experiment.config["algorithms"][0]["algorithm"] = "gone"
    with pytest.raises(UserError, match="no algorithm gone"):
        clone_config(experiment)
