"""The experiment's description: what is completed, what is refused, and at which path."""

from typing import Any

import pytest
from pydantic import ValidationError

from algorithms.catalogue import ALGORITHMS
from webapp.experiments.config import ExperimentConfig

VALID: dict[str, Any] = {
    "dataset_id": 1,
    "policy_id": 1,
    "algorithms": [
        {"label": "TOPR", "algorithm": "topr"},
        {"label": "positives", "algorithm": "positives"},
    ],
    "seeds": [0, 1],
}


def refusals(**changes: Any) -> dict[tuple[int | str, ...], str]:
    with pytest.raises(ValidationError) as caught:
        ExperimentConfig.model_validate(VALID | changes)
    return {error["loc"]: error["msg"] for error in caught.value.errors()}


def choice(**changes: Any) -> dict[str, Any]:
    return {"label": "one", "algorithm": "topr"} | changes


def test_hyperparameters_are_completed_with_defaults() -> None:
    config = ExperimentConfig.model_validate(VALID)
    defaults = ALGORITHMS["topr"].params().model_dump(mode="json")
    assert config.algorithms[0].params == defaults


def test_a_config_survives_json() -> None:
    axes = {"settings.learning_rate": [1e-4, 3e-4], "settings.optimizer": ["adamw", "adafactor"]}
    config = ExperimentConfig.model_validate(VALID | {"axes": axes})
    again = ExperimentConfig.model_validate_json(config.model_dump_json())
    assert again == config


def test_an_unknown_algorithm_lists_the_known_ones() -> None:
    found = refusals(algorithms=[choice(), choice(label="two", algorithm="grpoo")])
    message = found["algorithms", 1, "algorithm"]
    assert "grpoo" in message
    assert all(name in message for name in ALGORITHMS)


def test_a_wrong_hyperparameter_is_reported_at_its_field() -> None:
    found = refusals(algorithms=[choice(params={"baseline": "high", "warp": 1})])
    assert set(found) == {
        ("algorithms", 0, "params", "baseline"),
        ("algorithms", 0, "params", "warp"),
    }


def test_labels_must_differ() -> None:
    found = refusals(algorithms=[choice(), choice(algorithm="ppo")])
    assert list(found) == [("algorithms", 1, "label")]


def test_labels_that_differ_in_spaces_only_are_the_same() -> None:
    found = refusals(algorithms=[choice(label="a b"), choice(label=" a  b ")])
    assert list(found) == [("algorithms", 1, "label")]


@pytest.mark.parametrize("label", ["", "   ", "base policy", "x" * 81])
def test_a_label_is_short_not_empty_and_not_the_base_policys(label: str) -> None:
    assert list(refusals(algorithms=[choice(label=label)])) == [("algorithms", 0, "label")]


@pytest.mark.parametrize(
    ("seeds", "loc"),
    [([], ("seeds",)), ([0, 0], ("seeds", 1)), ([-1], ("seeds", 0)), ([0.5], ("seeds", 0))],
)
def test_seeds_are_different_whole_numbers(seeds: list[float], loc: tuple[int | str, ...]) -> None:
    assert list(refusals(seeds=seeds)) == [loc]


def test_no_algorithm_is_refused() -> None:
    assert list(refusals(algorithms=[])) == [("algorithms",)]


def test_an_unknown_recipe_lists_the_known_ones() -> None:
    assert "offline" in refusals(recipe="sideways")["recipe",]


def test_a_setting_that_the_recipe_does_not_have_is_refused_at_its_field() -> None:
    found = refusals(recipe_settings={"iterations": 3})
    assert list(found) == [("recipe_settings", "iterations")]


def test_a_recipe_without_settings_has_no_axes() -> None:
    found = refusals(axes={"recipe.iterations": [1, 2]})
    assert "no settings" in found["axes", "recipe.iterations"]


def test_a_nested_setting_is_reported_at_its_path() -> None:
    found = refusals(generate={"sampling": {"temperature": -1}}, settings={"steps": 0})
    assert set(found) == {("generate", "sampling", "temperature"), ("settings", "steps")}


def test_axis_values_become_the_types_of_their_fields() -> None:
    axes = {"settings.learning_rate": ["1e-3", 1], "params.baseline": [0]}
    config = ExperimentConfig.model_validate(VALID | {"axes": axes})
    assert config.axes == {"settings.learning_rate": (0.001, 1.0), "params.baseline": (0.0,)}
    assert all(type(value) is float for values in config.axes.values() for value in values)


@pytest.mark.parametrize(
    ("axes", "loc"),
    [
        ({"settings.warp": [1]}, ("axes", "settings.warp")),
        ({"params.warp": [1]}, ("axes", "params.warp")),
        ({"warp": [1]}, ("axes", "warp")),
        ({"settings": [1]}, ("axes", "settings")),
        ({"generate.sampling": [1]}, ("axes", "generate.sampling")),
        ({"settings.steps.more": [1]}, ("axes", "settings.steps.more")),
        ({"settings.steps": []}, ("axes", "settings.steps")),
        ({"settings.steps": [10, 0]}, ("axes", "settings.steps", 1)),
        ({"settings.steps": [10, "ten"]}, ("axes", "settings.steps", 1)),
        ({"settings.steps": [10, "10"]}, ("axes", "settings.steps", 1)),
        ({"settings.learning_rate": ["nan"]}, ("axes", "settings.learning_rate", 0)),
        ({"policy_id": ["x"]}, ("axes", "policy_id", 0)),
    ],
)
def test_a_wrong_axis_is_reported_at_its_value(
    axes: dict[str, list[Any]], loc: tuple[int | str, ...]
) -> None:
    assert list(refusals(axes=axes)) == [loc]


def test_an_unknown_axis_field_lists_the_known_ones() -> None:
    assert "settings.learning_rate" in refusals(axes={"settings.lr": [1]})["axes", "settings.lr"]


def test_values_that_break_a_rule_only_together_are_refused() -> None:
    message = refusals(axes={"settings.batch_size": [64]})["axes", "settings.batch_size"]
    assert "micro_batch_size" in message


def test_values_that_fit_only_together_are_taken() -> None:
    axes = {"settings.batch_size": [64, 256], "settings.micro_batch_size": [32, 64]}
    assert ExperimentConfig.model_validate(VALID | {"axes": axes}).axes["settings.batch_size"]


def test_more_runs_than_the_limit_are_refused_with_both_numbers() -> None:
    axes = {"settings.steps": list(range(1, 102)), "rewards.invalid": list(range(-5, 5))}
    message = refusals(axes=axes)["axes",]
    assert "4040" in message
    assert "2000" in message


def test_a_flood_of_axis_values_is_refused_without_multiplying_it_out() -> None:
    many = list(range(1, 200))
    names = ["steps", "warmup_steps", "evaluate_every", "evaluate_problems", "checkpoint_every"]
    assert list(refusals(axes={f"settings.{name}": many for name in names})) == [("axes",)]


def test_a_second_grader_for_the_evaluation_is_refused() -> None:
    found = refusals(evaluate={"grading": {"grader": "exact"}})
    assert list(found) == [("evaluate", "grading")]


def test_unknown_fields_are_refused() -> None:
    assert list(refusals(question="why")) == [("question",)]
