"""Pages of experiments: the list, one experiment, and its buttons."""

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from tests.webapp.experiments.factories import Bench, job_of, make_user
from tests.webapp.jobs import graphs
from webapp.experiments.models import Experiment
from webapp.jobs.failures import Failure
from webapp.jobs.leases import finish_failure
from webapp.jobs.models import Job
from webapp.jobs.states import FailureClass, JobState

pytestmark = pytest.mark.django_db

LIST_QUERIES = 6
"""Session, person, count, page, tags and, for the pagination, nothing more."""


@pytest.fixture
def bench(client: Client) -> Bench:
    """Return a person with a dataset and a policy, who is signed in."""
    bench = Bench()
    client.force_login(bench.user)
    return bench


def page(client: Client, experiment: Experiment, fragment: str = "") -> str:
    address = reverse("experiments:detail", args=[experiment.pk])
    return client.get(address, {"fragment": fragment} if fragment else {}).content.decode()


def press(client: Client, button: str, experiment: Experiment, **sent: str) -> str:
    """Press a button of the experiment's page and return the page that follows."""
    address = reverse(f"experiments:{button}", args=[experiment.pk])
    headers = {"Referer": "http://testserver" + reverse("experiments:list")}
    return client.post(address, sent, follow=True, headers=headers).content.decode()


def test_an_empty_list_says_what_an_experiment_is_and_offers_the_first_step(
    client: Client, bench: Bench
) -> None:
    shown = client.get(reverse("experiments:list")).content.decode()
    assert "No experiments yet" in shown
    assert reverse("experiments:new") in shown


def test_the_list_is_searched_by_word_state_and_tag(client: Client, bench: Bench) -> None:
    bench.launch(title="Taper or not")
    address = reverse("experiments:list")
    assert "Taper or not" in client.get(address, {"q": "taper ppo"}).content.decode()
    assert "Nothing matches" in client.get(address, {"q": "dpo"}).content.decode()
    assert "Nothing matches" in client.get(address, {"state": "succeeded"}).content.decode()
    assert "Nothing matches" in client.get(address, {"tag": "none"}).content.decode()


@pytest.mark.parametrize("number", [1, 7])
def test_the_list_takes_the_same_queries_for_any_number_of_experiments(
    client: Client,
    bench: Bench,
    number: int,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for one in range(number):
        bench.launch(title=f"Experiment {one}")
    with django_assert_max_num_queries(LIST_QUERIES):
        client.get(reverse("experiments:list"))


def test_the_page_shows_every_job_with_its_inputs_and_every_run(
    client: Client, bench: Bench
) -> None:
    experiment = bench.launch(("topr", "ppo"))
    shown = page(client, experiment)
    jobs = Job.objects.filter(needed_by__experiment=experiment).distinct()
    for job in jobs:
        inputs = " ".join(
            str(pk) for pk in job.inputs.values_list("source", flat=True).order_by("source")
        )
        assert f'data-node="{job.pk}" data-inputs="{inputs}"' in shown
    assert shown.count("<tr>") == 1 + experiment.runs.count()
    assert "base policy" in shown


def test_the_page_takes_the_same_queries_for_any_number_of_runs(
    client: Client, bench: Bench, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    small = bench.launch(("topr",), seeds=[0])
    large = bench.launch(("topr", "ppo", "tis"), seeds=[0, 1, 2, 3])
    with django_assert_max_num_queries(12):
        page(client, small)
    with django_assert_max_num_queries(12):
        page(client, large)


def test_a_failed_job_is_explained_where_the_experiment_is_shown(
    client: Client, bench: Bench
) -> None:
    experiment = bench.launch(("topr",), seeds=[0])
    claimed = graphs.take()
    failure = Failure(FailureClass.USER_ERROR, "There is no train split <b>here</b>.")
    finish_failure(job_id=claimed.job_id, attempt=claimed.attempt, failure=failure)
    shown = page(client, experiment, "status")
    assert "There is no train split &lt;b&gt;here&lt;/b&gt;." in shown
    assert "Change what the message names" in shown
    assert "Retry what failed" in shown


def test_runs_wait_while_what_they_share_is_computed(client: Client, bench: Bench) -> None:
    experiment = bench.launch(("topr",), seeds=[0])
    graphs.take()
    shown = page(client, experiment, "work")
    assert shown.count("state-waiting") == experiment.runs.count()


def test_cancel_and_retry_by_the_owner(client: Client, bench: Bench) -> None:
    experiment = bench.launch(("topr",), seeds=[0])
    shown = press(client, "cancel", experiment)
    assert "cancelled" in shown
    experiment.refresh_from_db()
    assert experiment.cancelled_at is not None
    shown = press(client, "retry", experiment)
    assert "Queued again" in shown
    assert job_of(experiment, "train", "topr").state == JobState.WAITING


def test_a_button_that_cannot_do_anything_says_why(client: Client, bench: Bench) -> None:
    experiment = bench.launch(("topr",), seeds=[0])
    assert "nothing to retry" in press(client, "retry", experiment)
    assert "cancel it first" in press(client, "delete", experiment)
    assert Experiment.objects.filter(pk=experiment.pk).exists()


def test_priority_reaches_the_jobs_and_nonsense_is_refused(client: Client, bench: Bench) -> None:
    experiment = bench.launch(("topr",), seeds=[0])
    press(client, "priority", experiment, priority="7")
    assert job_of(experiment, "train", "topr").priority == 7
    assert "whole number" in press(client, "priority", experiment, priority="soon")
    assert job_of(experiment, "train", "topr").priority == 7


def test_what_is_cancelled_can_be_deleted(client: Client, bench: Bench) -> None:
    experiment = bench.launch(("topr",), seeds=[0])
    press(client, "cancel", experiment)
    assert "was deleted" in press(client, "delete", experiment)
    assert not Experiment.objects.filter(pk=experiment.pk).exists()


@pytest.mark.parametrize("button", ["cancel", "retry", "priority", "delete"])
def test_others_may_look_and_not_touch(client: Client, bench: Bench, button: str) -> None:
    experiment = bench.launch(("topr",), seeds=[0])
    client.force_login(make_user("eve"))
    assert experiment.name in page(client, experiment)
    address = reverse(f"experiments:{button}", args=[experiment.pk])
    assert client.post(address, {"priority": "5"}).status_code == 403
    assert client.get(address).status_code == 405
