"""The recipe `mixture`: which sets are mixed, with which weights; no database."""

from typing import Any

import pytest
from pydantic import ValidationError

from webapp.experiments.config import ExperimentConfig
from webapp.experiments.named_ids import named_ids
from webapp.experiments.plan import Plan, Sources
from webapp.experiments.planner import plan, rollout_ids

SOURCES = Sources(
    datasets={1: "d" * 64}, policies={1: "p" * 64}, rollouts={7: "r" * 64, 8: "s" * 64, 9: "t" * 64}
)


def config(**changes: Any) -> ExperimentConfig:
    values: dict[str, Any] = {
        "recipe": "mixture",
        "recipe_settings": {"first": {"rollouts_id": 7}},
        "dataset_id": 1,
        "policy_id": 1,
        "algorithms": [{"label": "topr", "algorithm": "topr"}],
    }
    return ExperimentConfig.model_validate(values | changes)


def planned(**changes: Any) -> Plan:
    return plan(config(**changes), SOURCES)


def refusals(**changes: Any) -> dict[tuple[int | str, ...], str]:
    with pytest.raises(ValidationError) as caught:
        config(**changes)
    return {error["loc"]: error["msg"] for error in caught.value.errors()}


def test_own_completions_and_a_set_that_exists_are_mixed_once_for_all_runs() -> None:
    made = planned(
        recipe_settings={"own_weight": 3, "first": {"rollouts_id": 7, "weight": 1}, "size": 40},
        seeds=[0, 1],
    )
    assert made.jobs_by_kind == {"generate": 1, "grade": 1, "mix": 1, "train": 2, "evaluate": 3}
    run = made.runs[1]
    assert run.specs["mix"] == {"weights": [3.0, 1.0], "size": 40, "seed": 0}
    assert run.nodes["mix"].inputs["source_1"] is run.nodes["grade"]
    assert run.nodes["mix"].inputs["source_2"].fingerprint == SOURCES.rollouts[7]
    assert run.nodes["train"].inputs["rollouts"] is run.nodes["mix"]


def test_without_own_completions_nothing_is_generated() -> None:
    settings = {
        "own_weight": 0,
        "first": {"rollouts_id": 7, "weight": 2},
        "third": {"rollouts_id": 8},
    }
    made = planned(recipe_settings=settings, seeds=[0])
    assert made.jobs_by_kind == {"mix": 1, "train": 1, "evaluate": 2}
    assert made.runs[1].specs["mix"]["weights"] == [2.0, 1.0]


def test_given_completions_are_the_experiments_own() -> None:
    mix = planned(rollouts_id=9, seeds=[0]).runs[1].nodes["mix"]
    assert mix.inputs["source_1"].fingerprint == SOURCES.rollouts[9]


def test_a_curation_chooses_among_the_own_completions() -> None:
    steps = [{"name": "positives", "steps": [{"op": "positives"}]}]
    run = planned(curations=steps, seeds=[0]).runs[1]
    assert run.nodes["mix"].inputs["source_1"] is run.nodes["curate"]


def test_one_set_is_no_mixture() -> None:
    where = ("recipe_settings", "first", "rollouts_id")
    assert where in refusals(recipe_settings={})
    assert where in refusals(recipe_settings={"own_weight": 0, "first": {"rollouts_id": 7}})
    axes = {"recipe.own_weight": [0, 1]}
    assert where in refusals(recipe_settings={"first": {"rollouts_id": 7}}, axes=axes)


def test_a_set_is_not_mixed_with_itself() -> None:
    settings = {"first": {"rollouts_id": 7}, "second": {"rollouts_id": 7}}
    assert list(refusals(recipe_settings=settings)) == [("recipe_settings",)]


def test_weights_can_be_an_axis() -> None:
    made = planned(axes={"recipe.own_weight": [1, 3]}, seeds=[0])
    weights = [run.specs["mix"]["weights"] for run in made.runs if run.algorithm]
    assert weights == [[1.0, 1.0], [3.0, 1.0]]
    assert made.jobs_by_kind["generate"] == 1


def test_sets_are_found_wherever_the_config_names_them() -> None:
    made = config(
        rollouts_id=9,
        recipe_settings={"first": {"rollouts_id": 7}},
        axes={"recipe.first.rollouts_id": [7, 8]},
    )
    assert rollout_ids(made) == {7, 8, 9}
    assert named_ids(made, "rollouts_id") == {
        "recipe_settings.first.rollouts_id": 7,
        "axes.recipe.first.rollouts_id.0": 7,
        "axes.recipe.first.rollouts_id.1": 8,
    }


def test_an_algorithm_of_reference_answers_needs_no_mixture() -> None:
    made = planned(algorithms=[{"label": "sft", "algorithm": "sft"}], seeds=[0])
    assert made.jobs_by_kind == {"train": 1, "evaluate": 2}
