"""Policies in the browser."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from tests.webapp.experiments.factories import Bench, make_dataset, make_policy, make_user
from tests.webapp.jobs import graphs
from webapp.experiments.models import Run
from webapp.jobs.models import Artifact
from webapp.policies.models import Policy

pytestmark = pytest.mark.django_db

NEW = "/policies/new/"


@pytest.fixture(autouse=True)
def own_var(settings: Settings, tmp_path: Path) -> Path:
    """Artifacts of a test go to its own folder."""
    settings.VAR = tmp_path
    return tmp_path


@pytest.fixture
def bench(client: Client) -> Bench:
    """Return a person with a dataset and a policy, who is signed in."""
    bench = Bench()
    client.force_login(bench.user)
    return bench


def posted(client: Client, **changes: str) -> dict[str, str]:
    """Return what the browser sends for the page as it is shown, with changes."""
    page: Any = client.get(NEW)
    sent: dict[str, str] = {"way": "tiny", "name": "new one", "label": "cpu"}
    for form in (page.context["sources"]["tiny"], page.context["warm"]):
        for bound in form:
            value = bound.value()
            if value is not None and value is not False:  # 0 is a value
                sent[bound.html_name] = "on" if value is True else str(value)
    return sent | changes


def test_an_empty_list_offers_the_first_step(client: Client) -> None:
    client.force_login(make_user())
    page = client.get(reverse("policies:list"))

    assert b"No policies yet" in page.content
    assert NEW.encode() in page.content


def test_the_list_asks_the_database_four_times(
    client: Client, bench: Bench, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(5):
        make_policy(bench.user, f"policy {number}", seed=number)

    with django_assert_num_queries(4):  # session, person, count, page
        page = client.get(reverse("policies:list"))
    assert page.content.count(b"row-link") == 6


def test_a_tiny_policy_is_made_as_the_form_stands(client: Client, bench: Bench) -> None:
    answer = client.post(NEW, posted(client))

    policy = Policy.objects.get(name="new one")
    assert answer["Location"] == reverse("policies:detail", args=[policy.pk])
    assert policy.job.kind == "policy"
    assert policy.job.spec["source"]["hidden_size"] == 128


def test_a_warm_start_is_a_training_on_the_chosen_dataset(client: Client, bench: Bench) -> None:
    data = posted(client, warm_start="on", dataset=str(bench.dataset.pk), **{"warm-seed": "7"})

    assert client.post(NEW, data).status_code == 302

    job = Policy.objects.get(name="new one").job
    assert (job.kind, job.spec["algorithm"], job.spec["seed"]) == ("train", "sft", 7)
    assert job.spec["settings"]["stop_at_accuracy"] == pytest.approx(0.25)
    assert job.inputs.get(role="dataset").source_id == bench.dataset.job_id


def test_mistakes_stay_at_their_fields_and_nothing_typed_is_lost(
    client: Client, bench: Bench
) -> None:
    changes = {"tiny-hidden_size": "7", "tiny-characters": "0123 odd", "warm_start": "on"}

    page: Any = client.post(NEW, posted(client, **changes, **{"warm-settings__steps": "0"}))

    assert page.status_code == 422
    assert "hidden_size" in page.context["sources"]["tiny"].errors
    assert "settings__steps" in page.context["warm"].errors
    assert "Choose the dataset" in page.content.decode()
    assert b'value="0123 odd"' in page.content
    assert not Policy.objects.filter(name="new one").exists()


def test_a_taken_name_is_told_at_the_name(client: Client, bench: Bench) -> None:
    page: Any = client.post(NEW, posted(client, name=bench.policy.name))

    assert page.status_code == 422
    assert "already exists" in page.context["name_form"].errors["name"][0]


def test_a_policy_shows_its_files_its_lineage_and_how_well_it_does(
    client: Client, bench: Bench, own_var: Path
) -> None:
    bench.launch(title="Which is best?")
    graphs.run_all()
    Artifact.objects.filter(job__kind="evaluate").update(
        summary={"problems": 400, "greedy_accuracy": 0.41, "pass_at_1": 0.283, "invalid_share": 0.0}
    )
    folder = own_var / "artifacts" / bench.policy.job.artifact.path
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"hidden_size": 16, "model_type": "llama"}))
    (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": "<eos>"}))

    page = client.get(reverse("policies:detail", args=[bench.policy.pk])).content.decode()

    assert "28.3 %" in page
    assert "Which is best?" in page
    assert "&lt;eos&gt;" in page
    assert page.count("28.3 %") == 1  # the base policy's own evaluation, no run's


def test_a_model_whose_files_are_gone_says_so(client: Client, bench: Bench) -> None:
    graphs.run_all()

    page = client.get(reverse("policies:detail", args=[bench.policy.pk])).content.decode()

    assert "The stored model cannot be read" in page


def test_the_page_of_a_policy_asks_the_database_seven_times(
    client: Client, bench: Bench, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    bench.launch()
    graphs.run_all()

    with django_assert_num_queries(7):  # session, person, policy, inputs, uses, evaluations (2)
        client.get(reverse("policies:detail", args=[bench.policy.pk]))


def test_the_checkpoint_of_a_run_is_kept_as_a_policy(client: Client, bench: Bench) -> None:
    experiment = bench.launch()
    page = client.get(reverse("policies:from_run"))
    assert b"No run has trained yet" in page.content
    graphs.run_all()
    run = Run.objects.filter(experiment=experiment, algorithm="topr").first()
    assert run is not None

    page = client.get(reverse("policies:from_run"), {"run": run.pk})
    assert f'<option value="{run.pk}" selected>topr, seed 0</option>' in page.content.decode()
    client.post(reverse("policies:from_run"), {"run": str(run.pk), "name": "trained"})

    kept = Policy.objects.get(name="trained").job
    assert (kept.kind, kept.spec["algorithm"]) == ("train", "topr")


def test_a_deletion_that_is_refused_says_why(client: Client, bench: Bench) -> None:
    dataset = make_dataset(bench.user, "Other", seed=5)
    policy = make_policy(bench.user, "warm", dataset=dataset)

    page = client.post(reverse("policies:delete", args=[policy.pk]), follow=True)

    assert Policy.objects.filter(pk=policy.pk).exists()
    assert "is being made" in " ".join(str(m) for m in page.context["messages"])


def test_only_the_owner_deletes(client: Client, bench: Bench) -> None:
    graphs.run_all()
    client.force_login(make_user("eve"))
    assert client.post(reverse("policies:delete", args=[bench.policy.pk])).status_code == 403

    client.force_login(bench.user)
    client.post(reverse("policies:delete", args=[bench.policy.pk]))
    assert not Policy.objects.filter(pk=bench.policy.pk).exists()
