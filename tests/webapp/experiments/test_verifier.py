"""The recipe `verifier`: who solves, who judges, what is learned and weighed; no database."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pydantic import ValidationError
from pytest_django import Settings

from tests.webapp.results import made
from webapp.experiments.config import ExperimentConfig
from webapp.experiments.models import Experiment
from webapp.experiments.plan import Plan, RunPlan, Sources
from webapp.experiments.planner import plan, source_ids
from webapp.experiments.roles import is_own
from webapp.jobs.graph import Kept
from webapp.jobs.models import Artifact

SOURCES = Sources(
    datasets={1: "d" * 64, 2: "e" * 64},
    policies={1: "p" * 64, 2: "q" * 64},
    rollouts={9: "r" * 64},
)


def config(*names: str, **changes: Any) -> ExperimentConfig:
    values: dict[str, Any] = {
        "recipe": "verifier",
        "dataset_id": 1,
        "policy_id": 1,
        "algorithms": [{"label": name, "algorithm": name} for name in names or ("topr",)],
        "seeds": [0],
    }
    return ExperimentConfig.model_validate(values | changes)


def planned(*names: str, **changes: Any) -> Plan:
    return plan(config(*names, **changes), SOURCES)


def trained(made: Plan) -> RunPlan:
    return next(run for run in made.runs if run.algorithm)


def test_solutions_are_judged_learned_from_and_weighed() -> None:
    nodes = trained(planned()).nodes
    assert nodes["verify"].inputs["rollouts"] is nodes["grade"]
    assert nodes["ask"].inputs["dataset"] is nodes["verify"]
    assert nodes["grade_asked"].inputs["rollouts"] is nodes["ask"]
    assert nodes["train"].inputs["rollouts"] is nodes["grade_asked"]
    assert nodes["train"].inputs["eval_dataset"] is nodes["verify_held_out"]
    assert nodes["judge"].inputs["policy"] is nodes["train"]
    assert nodes["judge"].inputs["dataset"] is nodes["verify_held_out"]
    assert nodes["evaluate"].kind == "weigh"
    assert nodes["evaluate"].inputs["solutions"] is nodes["grade_held_out"]
    assert nodes["evaluate"].inputs["verdicts"] is nodes["grade_verdicts"]


def test_the_untrained_verifier_judges_the_same_solutions() -> None:
    made = planned()
    base, run = made.runs[0], trained(made)
    assert base.label == "base policy"
    for role in ("solve_held_out", "grade_held_out", "verify_held_out"):
        assert base.nodes[role].fingerprint == run.nodes[role].fingerprint
    assert base.nodes["judge"].inputs["policy"].fingerprint == SOURCES.policies[1]
    assert base.nodes["judge"].spec == run.nodes["judge"].spec


def test_everything_before_the_trainings_is_shared() -> None:
    made = planned("topr", "ppo", seeds=[0, 1])
    # solutions and verdicts to learn from, solutions of held-out problems; a verdict set a run
    assert made.jobs_by_kind == {
        "generate": 2 + 1 + 5,
        "grade": 2 + 1 + 5,
        "verify": 2,
        "train": 4,
        "weigh": 5,
    }


def test_numbers_and_sampling_are_those_of_the_settings() -> None:
    settings = {"verifications": 3, "held_out_solutions": 8, "held_out_verifications": 5}
    evaluate = {"problems": 20, "seed": 7, "sampling": {"temperature": 0.5}}
    specs = trained(planned(recipe_settings=settings, evaluate=evaluate)).specs
    assert specs["ask"]["completions"] == 3
    assert specs["ask"]["split"] == specs["verify"]["split"] == "train"
    held = specs["solve_held_out"]
    assert (held["completions"], held["prompts"], held["split"]) == (8, 20, "test")
    assert (held["seed"], held["sampling"]["temperature"]) == (7, 0.5)
    assert specs["judge"]["completions"] == 5
    assert specs["judge"]["split"] == specs["verify_held_out"]["split"] == "test"
    assert specs["judge"]["prompts"] is None
    assert specs["train"]["eval_split"] == "test"


def test_verdicts_are_read_as_the_recipe_says_and_solutions_as_the_experiment_says() -> None:
    settings = {
        "verdicts": {"template": "{question}{solution}=", "accept": "1", "reject": "0"},
        "grading": {"grader": "integer"},
    }
    specs = trained(planned(recipe_settings=settings, grading={"grader": "number"})).specs
    for role in ("grade", "grade_held_out"):
        assert specs[role]["grading"]["grader"] == "number"
    for role in ("grade_asked", "grade_verdicts", "train"):
        assert specs[role]["grading"]["grader"] == "integer"
    assert specs["evaluate"]["accept"] == "1"
    assert specs["verify"]["template"] == specs["verify_held_out"]["template"]


def test_another_policy_can_be_the_verifier() -> None:
    made = config(recipe_settings={"verifier_policy_id": 2})
    assert source_ids(made)[1] == {1, 2}
    nodes = trained(plan(made, SOURCES)).nodes
    assert nodes["generate"].inputs["policy"].fingerprint == SOURCES.policies[1]
    for role in ("ask", "train"):
        assert nodes[role].inputs["policy"].fingerprint == SOURCES.policies[2]


def test_a_curation_chooses_among_the_verdicts() -> None:
    steps = [{"name": "positives", "steps": [{"op": "positives"}]}]
    nodes = trained(planned(curations=steps)).nodes
    assert nodes["curate"].inputs["rollouts"] is nodes["grade_asked"]
    assert nodes["train"].inputs["rollouts"] is nodes["curate"]
    assert nodes["verify"].inputs["rollouts"] is nodes["grade"]


def test_given_solutions_are_judged_as_they_are() -> None:
    nodes = trained(planned(rollouts_id=9)).nodes
    assert nodes["verify"].inputs["rollouts"].fingerprint == SOURCES.rollouts[9]
    assert "generate" not in nodes


def test_supervised_training_takes_the_right_verdicts() -> None:
    nodes = trained(planned("sft")).nodes
    assert nodes["train"].inputs["dataset"] is nodes["verify"]
    assert "ask" not in nodes


def test_only_training_and_judging_belong_to_a_run() -> None:
    run = trained(planned())
    own = {role for role in run.nodes if is_own(role)}
    assert own == {"train", "judge", "grade_verdicts", "evaluate"}


def test_verdicts_need_both_places_and_two_words() -> None:
    for wrong in ({"template": "{question}"}, {"accept": "A", "reject": " A "}):
        with pytest.raises(ValidationError) as caught:
            config(recipe_settings={"verdicts": wrong})
        assert caught.value.errors()[0]["loc"][:2] == ("recipe_settings", "verdicts")


def test_a_verifier_weighs_solutions_of_every_benchmark() -> None:
    plain, made = planned(seeds=[0, 1]), planned(seeds=[0, 1], benchmarks=[2])
    nodes = trained(made).nodes
    assert nodes["solve_held_out:2"].inputs["dataset"].fingerprint == SOURCES.datasets[2]
    assert nodes["solve_held_out:2"].spec == nodes["solve_held_out"].spec
    assert nodes["judge:2"].inputs["dataset"] is nodes["verify_held_out:2"]
    assert nodes["judge:2"].inputs["policy"] is nodes["train"]
    assert nodes["evaluate:2"].kind == "weigh"
    assert nodes["evaluate:2"].inputs["solutions"] is nodes["grade_held_out:2"]
    assert nodes["evaluate:2"].inputs["verdicts"] is nodes["grade_verdicts:2"]
    # Solutions once, verdicts of the untrained verifier and of two trained ones.
    assert made.jobs_by_kind - plain.jobs_by_kind == {
        "generate": 1 + 3,
        "grade": 1 + 3,
        "verify": 1,
        "weigh": 3,
    }
    assert {node.fingerprint for node in plain.nodes} < {node.fingerprint for node in made.nodes}


def test_every_verifier_that_a_training_keeps_judges_the_same_solutions() -> None:
    steps = {"steps": 20, "keep_every": 8}
    made = planned(settings=steps, evaluate_checkpoints=True)
    nodes = trained(made).nodes
    for step in (8, 16):
        kept = nodes[f"judge+{step}"].inputs["policy"]
        assert isinstance(kept, Kept)
        assert (kept.training, kept.step) == (nodes["train"], step)
        assert nodes[f"judge+{step}"].spec == nodes["judge"].spec
        weighed = nodes[f"evaluate+{step}"].inputs
        assert weighed["solutions"] is nodes["grade_held_out"]
        assert weighed["verdicts"] is nodes[f"grade_verdicts+{step}"]
        assert is_own(f"judge+{step}")
    assert not any("+" in role for role in made.runs[0].nodes)


@pytest.mark.django_db
def test_the_experiments_page_shows_what_verifiers_differ_in(
    client: Client, settings: Settings, tmp_path: Path
) -> None:
    settings.VAR = tmp_path
    lab = made.make_lab(algorithms=("topr",))
    told = {"maj_at_n": 0.25, "weighted_at_n": 0.75, "verdict_accuracy": 0.625}
    Artifact.objects.filter(job__kind="evaluate").update(summary=told)
    client.force_login(made.make_user("grace"))
    address = f"/experiments/{lab.experiment.pk}/"
    assert "75.0 %" not in client.get(address).content.decode()
    Experiment.objects.filter(pk=lab.experiment.pk).update(recipe="verifier")
    shown = client.get(address).content.decode()
    assert "Weighted self-consistency</th>" in shown
    for text in ("25.0 %", "75.0 %", "62.5 %"):
        assert text in shown


def test_no_verifier_is_looked_for_where_none_is_kept() -> None:
    with pytest.raises(ValidationError) as caught:
        config(evaluate_checkpoints=True)
    assert [error["loc"] for error in caught.value.errors()] == [("evaluate_checkpoints",)]
