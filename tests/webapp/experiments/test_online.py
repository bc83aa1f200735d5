"""The recipe `online`: one job a run, schedules by name, what does not fit; no database."""

from typing import Any

import pytest
from pydantic import ValidationError

from algorithms.online.settings import NEVER, Schedule
from algorithms.specs import OnlineSpec
from webapp.experiments.config import ExperimentConfig
from webapp.experiments.plan import Plan, RunPlan, Sources
from webapp.experiments.planner import plan
from webapp.experiments.recipes.online import notes, schedules

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
