"""Choosing a recipe on the New experiment page, and its own settings from there to the jobs."""

import re

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse

from tests.webapp.experiments.factories import Bench, kinds_needed
from tests.webapp.jobs import graphs
from tests.webapp.posted import posted
from webapp.experiments.config import ExperimentConfig
from webapp.experiments.detail import experiment_detail
from webapp.experiments.models import Experiment
from webapp.experiments.recipes import RECIPE_NAMES, load
from webapp.jobs.leases import claim
from webapp.jobs.models import Job

pytestmark = pytest.mark.django_db
NEW = "experiments:new"


def choose(page: Client, recipe: str, **typed: str) -> QueryDict:
    """Open the page, tick TOPR, choose a recipe and type; return what the browser would post."""
    address = f"{reverse(NEW)}?algorithm=topr"
    data = posted(page.get(address).content.decode(), "new-experiment")
    data["recipe"] = recipe
    answer = page.post(reverse("experiments:recipe"), dict(data.lists()))
    assert answer.status_code == 200
    for name in [name for name in data if name.startswith("recipe_settings-")]:
        del data[name]
    for name, values in posted(answer.content.decode()).lists():
        data.setlist(name, values)
    data["name"], data["seeds"] = "Chosen", "0"
    for name, text in typed.items():
        data[f"recipe_settings-{name}"] = text
    return data


def plan_of(page: Client, data: QueryDict) -> str:
    return page.post(reverse("experiments:preview"), dict(data.lists())).content.decode()


def test_the_page_offers_every_recipe_with_what_it_does(page: Client) -> None:
    shown = page.get(reverse(NEW)).content.decode()
    for name in RECIPE_NAMES:
        assert f'<option value="{name}"' in shown
        data = QueryDict(mutable=True)
        data["recipe"] = name
        answer = page.post(reverse("experiments:recipe"), dict(data.lists()))
        if load(name).family == "control":  # another page
            assert answer.headers["HX-Redirect"] == reverse("experiments:new_control")
        else:
            assert load(name).summary[:40] in answer.content.decode()


def test_an_unknown_recipe_is_no_page(page: Client) -> None:
    assert page.post(reverse("experiments:recipe"), {"recipe": "sideways"}).status_code == 404


def test_the_plan_follows_the_recipe_and_its_settings(page: Client) -> None:
    shown = plan_of(page, choose(page, "iterated", iterations="3"))
    counts = dict(re.findall(r"<tr><td>(\w+)</td><td class=\"num\">(\d+)</td>", shown))
    assert counts == {"generate": "3", "grade": "3", "train": "3", "evaluate": "4"}


def test_an_error_of_the_recipes_settings_stands_at_its_field(page: Client) -> None:
    shown = plan_of(page, choose(page, "iterated", iterations="0"))
    assert 'data-error-for="id_recipe_settings-iterations"' in shown
    rule = plan_of(page, choose(page, "iterated", start="base", optimizer="carried"))
    assert 'data-error-for="errors-recipe_settings"' in rule
    missing = plan_of(page, choose(page, "mixture"))
    assert 'data-error-for="id_recipe_settings-first__rollouts_id"' in missing


def test_a_launched_recipe_is_stored_shown_and_cloned_with_its_settings(page: Client) -> None:
    data = choose(page, "iterated", iterations="2", start="base")
    answer = page.post(reverse(NEW), dict(data.lists()))
    assert answer.status_code == 302
    experiment = Experiment.objects.get()
    assert experiment.recipe == "iterated"
    config = ExperimentConfig.model_validate(experiment.config)
    assert config.recipe_settings == {"iterations": 2, "start": "base", "optimizer": "fresh"}
    told = page.get(reverse("experiments:detail", args=[experiment.pk])).content.decode()
    assert f"{load('iterated').title}, iterations 2, start base" in told
    clone = page.get(reverse("experiments:clone", args=[experiment.pk])).content.decode()
    again = posted(clone, "new-experiment")
    assert again["recipe"] == "iterated"
    assert again["recipe_settings-iterations"] == "2"
    assert again["recipe_settings-start"] == "base"


def test_a_recipes_setting_can_be_an_axis(page: Client) -> None:
    data = choose(page, "iterated")
    data.setlist("axis", ["0"])
    data["axis0-path"], data["axis0-values"] = "recipe.iterations", "1, 2"
    answer = page.post(reverse(NEW), dict(data.lists()))
    assert answer.status_code == 302
    labels = list(Experiment.objects.get().runs.values_list("label", flat=True))
    assert labels == ["base policy", "TOPR, iterations = 1", "TOPR, iterations = 2"]


def test_sets_and_policies_are_chosen_by_name(page: Client, bench: Bench) -> None:
    bench.launch(("topr",), seeds=[0])
    worker = graphs.make_worker()
    while claimed := claim(worker=worker, labels=["cpu"]):
        graphs.succeed(claimed)
    graded = Job.objects.get(kind="grade")
    data = choose(page, "mixture", first__rollouts_id=str(graded.pk))
    shown = page.post(reverse("experiments:recipe"), dict(data.lists())).content.decode()
    assert f'<option value="{graded.pk}">' in shown
    assert "No plan yet" not in plan_of(page, data)
    verifier = page.post(reverse("experiments:recipe"), {"recipe": "verifier"}).content.decode()
    assert f'<option value="{bench.policy.pk}">{bench.policy}' in verifier


def test_a_set_that_is_gone_is_told_at_its_field(page: Client, bench: Bench) -> None:
    config = bench.config(
        ("topr",), recipe="mixture", recipe_settings={"first": {"rollouts_id": 999_999}}
    )
    assert config.recipe_settings["first"]["rollouts_id"] == 999_999
    data = choose(page, "mixture", first__rollouts_id="999999")
    assert 'data-error-for="id_recipe_settings-first__rollouts_id"' in plan_of(page, data)


@pytest.mark.parametrize("recipe", ["iterated", "verifier"])
def test_a_run_of_several_stages_goes_from_launch_to_its_end(bench: Bench, recipe: str) -> None:
    settings = {"iterations": 2} if recipe == "iterated" else {}
    made = bench.launch(("topr",), seeds=[0], recipe=recipe, recipe_settings=settings)
    worker = graphs.make_worker()
    detail = experiment_detail(made)
    run = next(card for card in detail.runs if card.run.algorithm)
    assert run.state == "waiting"
    if recipe == "iterated":
        assert run.round == "1 of 2"
    while claimed := claim(worker=worker, labels=["cpu"]):
        graphs.succeed(claimed)
    detail = experiment_detail(made)
    assert {card.state for card in detail.runs} == {"succeeded"}
    assert detail.progress == 1.0
    needed = kinds_needed(made)
    if recipe == "iterated":
        assert needed["train@1"] == needed["train"] == needed["evaluate@1"] == 1
        assert next(card for card in detail.runs if card.run.algorithm).round == "2 of 2"
    else:
        assert needed["judge"] == 2  # the untrained verifier's and the trained one's
