"""The control laboratory's New experiment page: from question to launch, nothing lost."""

import re
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse

from tests.webapp.experiments.control.bench import ControlBench
from tests.webapp.experiments.factories import Bench, kinds_needed, make_user
from tests.webapp.posted import add_fields, posted
from webapp.catalogue.services import preset_create
from webapp.experiments.control.config import ControlConfig
from webapp.experiments.models import Experiment
from webapp.experiments.selectors import clone_config
from webapp.jobs.models import Job

pytestmark = pytest.mark.django_db
NEW = "experiments:new_control"


@pytest.fixture
def bench() -> ControlBench:
    return ControlBench()


@pytest.fixture
def page(client: Client, bench: ControlBench) -> Client:
    client.force_login(bench.user)
    return client


def opened(page: Client, address: str = "") -> QueryDict:
    return posted(page.get(address or reverse(NEW)).content.decode(), "new-experiment")


def add(page: Client, data: QueryDict, view: str = "control_row", **action: str) -> QueryDict:
    """Take in what a fragment answers, as the browser would."""
    return add_fields(page, data, reverse(f"experiments:{view}"), **action)


def typed(page: Client, *ticks: str, **changed: str) -> QueryDict:
    data = opened(page)
    for tick in ticks or ("bc", "td3_bc"):
        add(page, data, add=tick)
    data["name"], data["seeds"] = "Repaired", "0, 1"
    for name, text in changed.items():
        data[name.replace("0_", "0-", 1).replace("1p_", "1p-", 1)] = text
    return data


def plan(page: Client, data: QueryDict) -> str:
    answer = page.post(reverse("experiments:preview"), dict(data.lists()))
    assert answer.status_code == 200
    return answer.content.decode()


def counts(shown: str) -> dict[str, str]:
    return dict(re.findall(r"<tr><td>(\w+)</td><td class=\"num\">(\d+)</td>", shown))


def errors(shown: str) -> dict[str, str]:
    return dict(re.findall(r'<template data-error-for="([^"]*)">([^<]*)</template>', shown))


def launched(page: Client, data: QueryDict) -> Any:
    return page.post(reverse(NEW), dict(data.lists()))


def test_without_transitions_the_page_says_how_to_make_some(client: Client) -> None:
    client.force_login(make_user())
    shown = client.get(reverse(NEW)).content.decode()
    assert "No data set of transitions yet" in shown
    assert reverse("datasets:collect") in shown
    assert reverse("experiments:point_mass") in shown


def test_the_recipe_leads_from_one_page_to_the_other(page: Client) -> None:
    there = page.get(f"{reverse('experiments:new')}?recipe=control&dataset=7")
    assert there.headers["Location"] == f"{reverse(NEW)}?recipe=control&dataset=7"
    back = page.post(reverse("experiments:control_recipe"), {"recipe": "iterated"})
    assert back.headers["HX-Redirect"] == f"{reverse('experiments:new')}?recipe=iterated"


def test_the_page_starts_with_cdsa_as_the_environment_needs_it(
    page: Client, bench: ControlBench
) -> None:
    data = opened(page)
    assert (data["cor0-name"], data["cor1-name"]) == ("uncorrected", "CDSA")
    assert data["cor1p-auxiliary"] == "displacement"
    assert data["dataset_id"] == str(bench.dataset.pk)


def test_the_plan_counts_what_is_shared(page: Client) -> None:
    shown = plan(page, typed(page))
    assert counts(shown) == {
        "train_control": "4",
        "train_score": "1",
        "train_inverse_dynamics": "1",
        "evaluate_control": "8",
    }
    assert "base policy" not in shown
    assert "800" in shown  # episodes: eight evaluations of a hundred


def test_a_launch_makes_the_runs_and_the_page_of_the_experiment(page: Client) -> None:
    answer = launched(page, typed(page))
    experiment = Experiment.objects.get()
    assert answer.headers["Location"] == reverse("experiments:detail", args=[experiment.pk])
    assert experiment.recipe == "control"
    assert experiment.runs.count() == 8
    assert kinds_needed(experiment) == {
        "train": 4,
        "score": 1,
        "inverse_dynamics": 1,
        "evaluate": 8,
        "dataset": 1,
    }


def test_a_second_launch_shares_everything_with_the_first(page: Client) -> None:
    launched(page, typed(page))
    before = Job.objects.count()
    launched(page, typed(page, name="Again"))
    assert Experiment.objects.count() == 2
    assert Job.objects.count() == before


def test_presets_saved_choices_and_given_policies_can_be_ticked(
    page: Client, bench: ControlBench
) -> None:
    made = preset_create(
        owner=bench.user, name="Wide BC", algorithm="bc", params={"hidden_size": 512}
    )
    policy = bench.policy()
    data = typed(page, f"preset:{made.pk}", "td3_bc:AntMaze (CORL)", f"policy:{policy.pk}")
    assert data["row0p-hidden_size"] == "512"
    launched(page, data)
    config = clone_config(Experiment.objects.get())
    assert isinstance(config, ControlConfig)
    assert [one.label for one in config.algorithms] == ["Wide BC", "TD3+BC: AntMaze (CORL)"]
    assert config.algorithms[0].preset_id == made.pk
    assert [(one.label, one.policy_id) for one in config.policies] == [("Beeline", policy.pk)]


def test_a_correction_may_be_added_from_a_preset(page: Client) -> None:
    data = typed(page, "bc")
    added = add(page, data, "control_correction", **{"correction-start": "cdsa:MuJoCo"})
    assert (added["cor2-name"], added["cor2p-action_gain"]) == ("CDSA 2", "0.5")
    assert counts(plan(page, data))["evaluate_control"] == "6"


def test_a_network_starts_from_a_preset_and_keeps_what_else_was_typed(page: Client) -> None:
    data = opened(page)
    data["score-settings__steps"] = "777"
    asked = {"network": "score", "network-preset": "full"}
    answer = page.post(reverse("experiments:control_network"), dict(data.lists()) | asked)
    fragment = posted(answer.content.decode())
    assert fragment["score-params__hidden_size"] == "512"
    assert fragment["score-params__conditioning"] == "embedding"
    assert fragment["score-settings__steps"] == "777"
    back = dict(data.lists()) | dict(fragment.lists()) | asked | {"network-preset": "tiny"}
    tiny = posted(page.post(reverse("experiments:control_network"), back).content.decode())
    assert tiny["score-params__hidden_size"] == "256"
    unknown = dict(data.lists()) | asked | {"network-preset": "huge"}
    assert page.post(reverse("experiments:control_network"), unknown).status_code == 404


def test_an_axis_over_the_correction_is_offered_and_makes_only_evaluations(page: Client) -> None:
    data = typed(page, "bc")
    answer = page.post(reverse("experiments:axis"), dict(data.lists())).content.decode()
    assert 'value="correction.noise_level"' in answer
    assert 'value="score.params.variables"' not in answer
    data.appendlist("axis", "0")
    data["axis0-path"], data["axis0-values"] = "correction.noise_level", "0.2, 0.36"
    assert counts(plan(page, data))["train_control"] == "2"
    assert counts(plan(page, data))["evaluate_control"] == "6"


@pytest.mark.parametrize(
    ("field", "text", "says"),
    [
        ("row0p-hidden_size", "0", "between 1 and 4,096"),
        ("row1-label", "BC", "used twice"),
        ("cor1p-noise_level", "-1", "between 0 and 100, without 0"),
        ("cor1-name", "uncorrected", "used twice"),
        ("cor1p-auxiliary", "next", "forward model"),
        ("seeds", "one", "no seed"),
        ("settings-steps", "0", "between 1 and"),
        ("score-params__level_min", "2", "must not exceed"),
        ("evaluate-episodes", "x", "whole number"),
    ],
)
def test_what_is_wrong_is_told_where_it_was_typed_and_nothing_is_lost(
    page: Client, field: str, text: str, says: str
) -> None:
    data = typed(page)
    data[field] = text
    told = errors(plan(page, data))
    assert any(says in message for message in told.values()), told
    answer = launched(page, data)
    assert answer.status_code == 422
    assert not Experiment.objects.exists()
    assert posted(answer.content.decode(), "new-experiment")[field] == text


def test_without_any_policy_the_page_asks_for_one(page: Client) -> None:
    told = errors(plan(page, opened(page)))
    assert "Choose at least one algorithm" in told["errors-algorithms"]


def test_an_axis_over_data_sets_is_written_by_name(page: Client, bench: ControlBench) -> None:
    other = bench.collected("Beelines", seed=3)
    data = typed(page, "bc")
    data.appendlist("axis", "0")
    data["axis0-path"], data["axis0-values"] = "dataset_id", f"{bench.dataset}, {other}"
    launched(page, data)
    config = clone_config(Experiment.objects.get())
    assert config.axes == {"dataset_id": (bench.dataset.pk, other.pk)}


def test_a_clone_shows_everything_and_launches_the_same_jobs(
    page: Client, bench: ControlBench
) -> None:
    given = [{"label": "Beeline", "policy_id": bench.policy().pk, "stage": ""}]
    experiment = bench.launch(
        policies=given, axes={"correction.steps": [1, 5]}, evaluate={"episodes": 60}
    )
    before = Job.objects.count()
    data = opened(page, reverse("experiments:clone", args=[experiment.pk]))
    assert launched(page, data).status_code == 302
    clone = Experiment.objects.exclude(pk=experiment.pk).get()
    assert clone_config(clone) == clone_config(experiment)
    assert clone.cloned_from == experiment
    assert Job.objects.count() == before


def test_an_extension_adds_an_algorithm_and_keeps_the_rest(
    page: Client, bench: ControlBench
) -> None:
    experiment = bench.launch(("bc",))
    address = reverse("experiments:extend", args=[experiment.pk])
    data = opened(page, address)
    add(page, data, add="iql")
    preview = reverse("experiments:extend_preview", args=[experiment.pk])
    shown = page.post(preview, dict(data.lists())).content.decode()
    assert counts(shown)["train_control"] == "4"
    assert page.post(address, dict(data.lists())).status_code == 302
    assert experiment.runs.count() == 8
    labels = list(experiment.runs.order_by("position").values_list("label", flat=True))
    assert labels[:4] == ["BC", "BC", "BC + CDSA", "BC + CDSA"]


def test_what_was_typed_comes_back_after_a_reload(page: Client) -> None:
    data = typed(page, question="Why?")
    answer = page.post(reverse("experiments:control_restore"), dict(data.lists()))
    again = posted(answer.content.decode(), "new-experiment")
    assert again["question"] == "Why?"
    assert again["row1-label"] == "TD3+BC"
    launched(page, data)
    answer = page.post(reverse("experiments:control_restore"), dict(data.lists()))
    assert answer.status_code == 204


def test_a_recipe_chosen_elsewhere_keeps_what_was_typed_here(client: Client) -> None:
    bench = Bench()
    client.force_login(bench.user)
    data = posted(client.get(reverse("experiments:new")).content.decode(), "new-experiment")
    data["name"], data["recipe"] = "Mine", "control"
    address = f"{reverse('experiments:restore')}?recipe=iterated"
    again = posted(client.post(address, dict(data.lists())).content.decode(), "new-experiment")
    assert (again["name"], again["recipe"]) == ("Mine", "iterated")
    assert again["recipe_settings-iterations"]


def test_three_minutes_of_point_mass_are_one_click_however_often(client: Client) -> None:
    client.force_login(make_user())
    for _ in range(2):
        answer = client.post(reverse("experiments:point_mass"))
    experiment = Experiment.objects.get()
    assert answer.headers["Location"] == reverse("experiments:detail", args=[experiment.pk])
    kinds = sorted(Job.objects.values_list("kind", flat=True))
    assert kinds.count("collect") == 1
    assert kinds.count("train_control") == 4
    assert kinds.count("evaluate_control") == 8
