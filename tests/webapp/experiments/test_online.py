"""The recipe `online`: one job a run, schedules by name, what does not fit, what is drawn."""

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pydantic import ValidationError

from algorithms.online.settings import NEVER, Schedule
from algorithms.specs import OnlineSpec
from tests.webapp.experiments.factories import Bench
from tests.webapp.posted import posted
from webapp.experiments.config import ExperimentConfig
from webapp.experiments.plan import Plan, RunPlan, Sources
from webapp.experiments.planner import plan
from webapp.experiments.recipes.online import notes, schedules
from webapp.experiments.views_schedules import address

SOURCES = Sources(
    datasets={1: "d" * 64, 2: "e" * 64}, policies={1: "p" * 64}, rollouts={9: "r" * 64}
)


def config(*names: str, recipe: dict[str, Any] | None = None, **changes: Any) -> ExperimentConfig:
    values = {
        "recipe": "online",
        "recipe_settings": recipe or {},
        "dataset_id": 1,
        "policy_id": 1,
        "algorithms": [{"label": name, "algorithm": name} for name in names or ("rec",)],
        "seeds": [0],
    }
    return ExperimentConfig.model_validate(values | changes)


def planned(*names: str, **changes: Any) -> Plan:
    return plan(config(*names, **changes), SOURCES)


def trained(made: Plan) -> list[RunPlan]:
    return [run for run in made.runs if run.algorithm]


def spec(run: RunPlan) -> OnlineSpec:
    found = run.nodes["train"].spec
    assert isinstance(found, OnlineSpec)
    return found


def test_each_algorithm_and_seed_is_one_job_and_one_evaluation() -> None:
    made = planned("rec", "grpo", seeds=[0, 1])
    assert made.jobs_by_kind == {"online": 4, "evaluate": 5}
    nodes = trained(made)[0].nodes
    assert set(nodes) == {"train", "evaluate"}
    assert {role: given.fingerprint[0] for role, given in nodes["train"].inputs.items()} == {
        "policy": "p",
        "dataset": "d",
        "eval_dataset": "d",
    }
    assert nodes["evaluate"].inputs["policy"] is nodes["train"]


def test_what_learns_from_references_trains_on_them() -> None:
    [run] = trained(planned("sft"))
    assert run.nodes["train"].kind == "train"


def test_a_regime_is_its_schedule_by_another_name() -> None:
    by_name = planned(recipe={"regime": "periodic"})
    by_number = planned(recipe={"sync_interval": 20})
    assert trained(by_name)[0].nodes["train"].fingerprint == (
        trained(by_number)[0].nodes["train"].fingerprint
    )
    assert spec(trained(by_name)[0]).schedule == Schedule(sync_interval=20)


def test_regimes_are_compared_as_an_axis() -> None:
    regimes = ["on_policy", "periodic", "delayed", "offline"]
    made = config(axes={"recipe.regime": regimes})
    runs = trained(plan(made, SOURCES))
    pairs = [(spec(run).schedule.sync_interval, spec(run).schedule.sync_offset) for run in runs]
    assert pairs == [(1, 0), (20, 0), (1, 10), (NEVER, 0)]
    assert list(schedules(made)) == [f"regime = {name}" for name in regimes]
    [warned] = notes(made)
    assert warned.startswith("regime = offline: The generator never takes over")


def test_an_engine_that_leaves_no_memory_for_the_training_is_warned_of() -> None:
    [said] = notes(config(generate={"engine": "vllm"}))
    assert "lower gpu_memory_utilization" in said
    assert notes(config(generate={"engine": "vllm", "vllm": {"gpu_memory_utilization": 0.4}})) == []


def test_interval_and_offset_are_axes_and_equal_schedules_are_drawn_once() -> None:
    made = config(
        "rec",
        "grpo",
        axes={"recipe.sync_interval": [1, 20], "settings.learning_rate": [1e-4, 1e-3]},
    )
    assert len(trained(plan(made, SOURCES))) == 8
    assert [one.sync_interval for one, _ in schedules(made).values()] == [1, 20]


@pytest.mark.parametrize(
    ("changes", "loc", "message"),
    [
        ({"settings": {"batch_size": 64}}, ("settings", "batch_size"), "Set batch_size to 128"),
        ({"generate": {"completions": 4}}, ("settings", "batch_size"), "Set batch_size to 64"),
        ({"rollouts_id": 9}, ("rollouts_id",), "the policy writes"),
        (
            {"curations": [{"name": "AK", "steps": [{"op": "anna_karenina", "size": 8}]}]},
            ("curations",),
            "take the curations out",
        ),
        (
            {"recipe": {"regime": "periodic", "sync_interval": 5}},
            ("recipe_settings",),
            "set regime to custom",
        ),
        (
            {"recipe": {"regime": "periodic"}, "axes": {"recipe.sync_interval": [1, 5]}},
            ("axes", "recipe.sync_interval"),
            "set regime to custom",
        ),
    ],
)
def test_what_does_not_fit_is_told_at_its_field(
    changes: dict[str, Any], loc: tuple[str, ...], message: str
) -> None:
    settings = {"micro_batch_size": 64} | changes.pop("settings", {})
    with pytest.raises(ValidationError) as caught:
        config(settings=settings, **changes)
    [error] = caught.value.errors()
    assert error["loc"][: len(loc)] == loc
    assert message.lower() in error["msg"].lower()


def test_pairs_are_left_to_other_recipes() -> None:
    with pytest.raises(ValidationError) as caught:
        config("dpo")
    assert caught.value.errors()[0]["loc"] == ("algorithms", 0, "label")


def test_replay_may_learn_from_more_than_is_written() -> None:
    replay = {"buffer": "priority", "reuse_cooldown": 2}
    made = config(recipe={"prompts_per_step": 8, "replay": replay})
    assert spec(trained(plan(made, SOURCES))[0]).replay.reuse_cooldown == 2


@pytest.mark.django_db
def test_the_page_draws_the_schedules_that_are_typed_and_warns_before_the_launch(
    client: Client,
) -> None:
    client.force_login(Bench().user)
    shown = client.get(reverse("experiments:new")).content.decode()
    data = posted(shown, "new-experiment")
    row = client.post(reverse("experiments:row"), dict(data.lists()) | {"add": "rec"})
    for name, values in posted(row.content.decode()).lists():
        data.setlist(name, values)
    data["recipe"] = "online"
    chosen = client.post(reverse("experiments:recipe"), {"recipe": "online"}).content.decode()
    assert reverse("experiments:schedules") in chosen
    for name, values in posted(chosen).lists():
        data.setlist(name, values)
    data["recipe_settings-sync_interval"] = "300"
    data["recipe_settings-sync_offset"] = "199"
    answer = client.post(reverse("experiments:preview"), data)
    assert "never takes over trained weights within 250 updates" in answer.content.decode()
    url = json.loads(answer["HX-Trigger"])["lab:coefficient"]["url"]
    version, ages = json.loads(client.get(url).content)["data"]
    assert (len(version["y"]), max(version["y"]), ages["y"][-1]) == (250, 0, 249)


@pytest.mark.django_db
def test_the_plot_of_an_address_has_a_line_for_each_schedule_and_survives_nonsense(
    client: Client,
) -> None:
    client.force_login(Bench().user)
    url = address(config(axes={"recipe.regime": ["on_policy", "delayed"]}))
    traces = json.loads(client.get(url).content)["data"]
    names = ["regime = on_policy", "regime = delayed"]
    assert [trace["name"] for trace in traces] == [name for name in names for _ in range(2)]
    assert traces[3]["y"][:13] == [*range(11), 10, 10]
    plain = reverse("experiments:schedules")
    assert len(json.loads(client.get(plain).content)["data"]) == 2
    assert json.loads(client.get(f"{plain}?schedule=x|{{}}|y|z").content)["data"] == []
    assert (
        address(
            ExperimentConfig.model_validate(
                config().model_dump() | {"recipe": "offline", "recipe_settings": {}}
            )
        )
        == ""
    )
