"""The recipe `iterated`: chains, what they share, and what a round takes over; no database."""

from typing import Any

import pytest
from pydantic import ValidationError

from algorithms.specs import GenerateSpec
from webapp.experiments.config import ExperimentConfig
from webapp.experiments.plan import Plan, RunPlan, Sources
from webapp.experiments.planner import plan
from webapp.experiments.recipes.iterated import round_seed
from webapp.experiments.roles import is_own

SOURCES = Sources(
    datasets={1: "d" * 64, 2: "e" * 64}, policies={1: "p" * 64}, rollouts={9: "r" * 64}
)
KARENINA = {"name": "AK", "steps": [{"op": "anna_karenina", "size": 8}]}
UNIFORM = {"name": "uniform", "steps": [{"op": "uniform", "size": 8}]}


def config(*names: str, iterations: int = 3, **changes: Any) -> ExperimentConfig:
    settings = {"iterations": iterations} | changes.pop("settings_of_recipe", {})
    choices = [{"label": name, "algorithm": name} for name in names or ("topr",)]
    values = {
        "recipe": "iterated",
        "recipe_settings": settings,
        "dataset_id": 1,
        "policy_id": 1,
        "algorithms": choices,
        "seeds": [0],
    }
    return ExperimentConfig.model_validate(values | changes)


def planned(*names: str, **changes: Any) -> Plan:
    return plan(config(*names, **changes), SOURCES)


def trained(made: Plan, seed: int = 0) -> RunPlan:
    return next(run for run in made.runs if run.algorithm and run.seed == seed)


def fingerprints(run: RunPlan) -> dict[str, str]:
    return {role: node.fingerprint for role, node in run.nodes.items()}


def test_each_policy_writes_the_completions_that_the_next_one_learns_from() -> None:
    nodes = trained(planned()).nodes
    base = SOURCES.policies[1]
    assert nodes["generate@1"].inputs["policy"].fingerprint == base
    assert nodes["train@1"].inputs["policy"].fingerprint == base
    for number, before in ((2, "train@1"), (3, "train@2")):
        assert nodes[f"generate@{number}"].inputs["policy"] is nodes[before]
        assert nodes[f"grade@{number}"].inputs["rollouts"] is nodes[f"generate@{number}"]
    assert nodes["train@2"].inputs["policy"] is nodes["train@1"]
    assert nodes["train"].inputs["rollouts"] is nodes["grade@3"]
    assert nodes["train"].inputs["policy"] is nodes["train@2"]


def test_every_iteration_is_evaluated_on_every_set_and_the_last_has_no_number() -> None:
    nodes = trained(planned(benchmarks=[2])).nodes
    evaluations = {role: node for role, node in nodes.items() if role.startswith("evaluate")}
    assert set(evaluations) == {
        *("evaluate@1", "evaluate:2@1"),
        *("evaluate@2", "evaluate:2@2"),
        *("evaluate", "evaluate:2"),
    }
    assert evaluations["evaluate:2@2"].inputs["policy"] is nodes["train@2"]
    assert evaluations["evaluate"].inputs["policy"] is nodes["train"]


def test_the_whole_chain_is_planned() -> None:
    made = planned("topr", "ppo", seeds=[0, 1])
    # The first completions are shared; then two algorithms x two seeds have two rounds each.
    assert made.jobs_by_kind == {
        "generate": 1 + 4 * 2,
        "grade": 1 + 4 * 2,
        "train": 4 * 3,
        "evaluate": 1 + 4 * 3,
    }


def test_seeds_share_the_first_completions_and_nothing_after_their_first_training() -> None:
    made = planned(seeds=[0, 1])
    first, second = (fingerprints(trained(made, seed)) for seed in (0, 1))
    assert {role for role in first if first[role] == second[role]} == {"generate@1", "grade@1"}


def test_the_first_iteration_is_that_of_the_offline_recipe() -> None:
    iterated = trained(planned())
    offline = trained(planned(recipe="offline", recipe_settings={}))
    for role in ("generate", "grade", "train", "evaluate"):
        assert iterated.nodes[f"{role}@1"].fingerprint == offline.nodes[role].fingerprint


def test_more_iterations_reuse_the_ones_that_are_there() -> None:
    three, five = planned(), planned(iterations=5)
    assert {node.fingerprint for node in three.nodes} < {node.fingerprint for node in five.nodes}
    short, long = trained(three), trained(five)
    assert short.nodes["train"].fingerprint == long.nodes["train@3"].fingerprint


def test_branching_at_the_second_iteration_reuses_the_first() -> None:
    made = planned(axes={"recipe.start": ["previous", "base"]})
    one, other = (fingerprints(run) for run in made.runs if run.algorithm)
    shared = {role for role in one if one[role] == other[role]}
    assert shared == {
        *("generate@1", "grade@1", "train@1", "evaluate@1"),
        *("generate@2", "grade@2"),  # the first policy writes them either way
    }


def test_training_from_the_base_policy_reads_the_previous_policys_completions() -> None:
    nodes = trained(planned(settings_of_recipe={"start": "base"})).nodes
    assert nodes["train@2"].inputs["policy"].fingerprint == SOURCES.policies[1]
    assert nodes["generate@3"].inputs["policy"] is nodes["train@2"]


def test_draws_differ_between_rounds_and_runs_and_are_the_same_every_time() -> None:
    made = planned(seeds=[0, 1], generate={"seed": 5})
    seeds = [
        spec.seed
        for seed in (0, 1)
        for number in (1, 2, 3)
        if isinstance(spec := trained(made, seed).nodes[f"generate@{number}"].spec, GenerateSpec)
    ]
    assert seeds[0] == seeds[3] == 5
    assert len(set(seeds)) == 5
    assert round_seed(5, 2, 0) == seeds[1] == 1_927_495_641  # sha256("5/2/0"), 31 bits


def test_a_curation_is_done_in_every_round_with_a_draw_of_its_own() -> None:
    made = planned(curations=[KARENINA, UNIFORM])
    runs = [run for run in made.runs if run.algorithm]
    assert [run.axes for run in runs] == [{"curation": "AK"}, {"curation": "uniform"}]
    for run in runs:
        specs = [run.specs[f"curate@{number}"] for number in (1, 2, 3)]
        assert len({spec["seed"] for spec in specs}) == 3
        assert all(spec["steps"] == specs[0]["steps"] for spec in specs)
        assert run.nodes["train"].inputs["rollouts"] is run.nodes["curate@3"]


def test_a_carried_optimizer_is_kept_by_each_training_and_read_by_the_next() -> None:
    run = trained(planned(settings_of_recipe={"optimizer": "carried"}))
    assert all(run.specs[role]["keep_optimizer"] for role in ("train@1", "train@2", "train"))
    assert "optimizer" not in run.nodes["train@1"].inputs
    assert run.nodes["train@2"].inputs["optimizer"] is run.nodes["train@1"]
    fresh = trained(planned())
    assert not fresh.specs["train"]["keep_optimizer"]
    assert "optimizer" not in fresh.nodes["train"].inputs


def test_moments_cannot_be_carried_to_weights_that_they_do_not_belong_to() -> None:
    with pytest.raises(ValidationError) as caught:
        config(settings_of_recipe={"optimizer": "carried", "start": "base"})
    assert [error["loc"] for error in caught.value.errors()] == [("recipe_settings",)]


def test_given_completions_are_learned_from_in_the_first_iteration_only() -> None:
    nodes = trained(planned(rollouts_id=9)).nodes
    assert nodes["train@1"].inputs["rollouts"].fingerprint == SOURCES.rollouts[9]
    assert "generate@1" not in nodes
    assert nodes["generate@2"].inputs["policy"] is nodes["train@1"]


def test_an_algorithm_of_reference_answers_is_trained_once() -> None:
    made = planned("sft", axes={"recipe.iterations": [1, 3]})
    assert made.jobs_by_kind == {"train": 1, "evaluate": 2}
    assert list(trained(made).nodes) == ["train", "evaluate"]


def test_iterations_can_be_compared_as_an_axis() -> None:
    made = planned(axes={"recipe.iterations": [1, 2]})
    assert [run.label for run in made.runs] == [
        "base policy",
        "topr, iterations = 1",
        "topr, iterations = 2",
    ]
    one, two = made.runs[1].nodes, made.runs[2].nodes
    assert one["train"].fingerprint == two["train@1"].fingerprint


def test_what_comes_after_the_first_completions_belongs_to_the_run() -> None:
    run = trained(planned())
    assert [role for role in run.nodes if not is_own(role)] == ["generate@1", "grade@1"]


def test_a_run_records_its_recipe() -> None:
    run = trained(planned())
    assert run.specs["recipe"] == {
        "name": "iterated",
        "iterations": 3,
        "start": "previous",
        "optimizer": "fresh",
    }
