"""The New experiment page filled already: clones, extensions, what was typed before."""

import pytest
from django.test import Client
from django.urls import reverse

from tests.webapp.experiments.factories import Bench, make_user
from tests.webapp.experiments.new_page import launch, typed
from tests.webapp.posted import posted
from webapp.experiments.models import Experiment
from webapp.experiments.selectors import clone_config

pytestmark = pytest.mark.django_db


def test_a_clone_posts_the_same_config(page: Client, bench: Bench) -> None:
    original = bench.launch(
        ("topr", "ppo"),
        seeds=[0, 1, 2, 9],
        settings={"learning_rate": 2.5e-5, "epochs": 0.5},
        axes={"settings.steps": [10, 20], "params.positive_ratio_max": [1, None]},
        rewards={"invalid": 0},
    )
    address = reverse("experiments:clone", args=[original.pk])
    data = typed(page, address=address)
    assert data["name"] == "First (copy)"
    assert launch(page, data).status_code == 302
    clone = Experiment.objects.get(cloned_from=original)
    assert clone.config == original.config
    assert clone.launch_key != original.launch_key


def test_an_unticked_box_stays_unticked_in_a_clone(page: Client, bench: Bench) -> None:
    choice = {"label": "t", "algorithm": "topr", "params": {"length_normalisation": False}}
    original = bench.launch((), algorithms=[choice])
    data = typed(page, address=reverse("experiments:clone", args=[original.pk]))
    assert "row0p-length_normalisation" not in data


def test_an_extension_adds_algorithms_and_seeds(page: Client, bench: Bench) -> None:
    experiment = bench.launch(("topr",), seeds=[0])
    address = reverse("experiments:extend", args=[experiment.pk])
    data = typed(page, "ppo", address=address, seeds="0-1")
    plan = page.post(
        reverse("experiments:extend_preview", args=[experiment.pk]), dict(data.lists())
    )
    assert "5</b> runs" in plan.content.decode()
    assert page.post(address, dict(data.lists())).status_code == 302
    experiment.refresh_from_db()
    config = clone_config(experiment)
    assert [c.label for c in config.algorithms] == ["topr", "PPO"]
    assert config.seeds == (0, 1)
    assert experiment.runs.count() == 5


def test_an_extension_that_takes_something_away_is_refused(page: Client, bench: Bench) -> None:
    experiment = bench.launch(("topr",), seeds=[0, 1])
    address = reverse("experiments:extend", args=[experiment.pk])
    answer = page.post(address, dict(typed(page, address=address, seeds="1").lists()))
    assert answer.status_code == 422
    assert "An extension keeps every run" in answer.content.decode()
    assert experiment.runs.count() == 3


def test_only_the_owner_extends_but_anybody_clones(client: Client, bench: Bench) -> None:
    experiment = bench.launch(("topr",))
    client.force_login(make_user("bob"))
    assert client.get(reverse("experiments:extend", args=[experiment.pk])).status_code == 403
    assert client.get(reverse("experiments:clone", args=[experiment.pk])).status_code == 200


def test_what_was_typed_before_a_session_ended_is_restored(page: Client) -> None:
    data = typed(page, "topr", name="Kept", seeds="5-9")
    data["row0p-baseline"] = "7"
    answer = page.post(reverse("experiments:restore"), dict(data.lists()))
    again = posted(answer.content.decode(), "new-experiment")
    assert (again["name"], again["seeds"], again["row0p-baseline"]) == ("Kept", "5-9", "7")
    assert again["launch_key"] == data["launch_key"]


def test_nothing_is_restored_once_it_was_launched(page: Client) -> None:
    data = typed(page, "topr", name="Gone")
    launch(page, data)
    assert page.post(reverse("experiments:restore"), dict(data.lists())).status_code == 204
    assert page.post(reverse("experiments:restore"), {"launch_key": "x"}).status_code == 204
