"""The planner: counts of the issue, sharing, pairing, axes; no database."""

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from algorithms.catalogue import ALGORITHMS
from algorithms.specs import EvaluateSpec, TrainSpec
from webapp.experiments.config import ExperimentConfig
from webapp.experiments.plan import Plan, Sources
from webapp.experiments.planner import plan, source_ids
from webapp.jobs.graph import Given, Kept

SOURCES = Sources(datasets={1: "d" * 64, 2: "e" * 64}, policies={1: "p" * 64, 2: "q" * 64})
FIVE = ("reinforce", "ppo", "tis", "positives", "topr")


def config(names: tuple[str, ...] = FIVE, **changes: Any) -> ExperimentConfig:
    choices = [{"label": name, "algorithm": name} for name in names]
    values = {"dataset_id": 1, "policy_id": 1, "algorithms": choices, "seeds": [0, 1]}
    return ExperimentConfig.model_validate(values | changes)


def planned(**changes: Any) -> Plan:
    return plan(config(**changes), SOURCES)


def test_five_algorithms_with_two_seeds_share_one_generation_and_one_grading() -> None:
    made = planned()
    assert made.jobs_by_kind == {"generate": 1, "grade": 1, "train": 10, "evaluate": 11}
    assert len(made.runs) == 11
    assert [run.algorithm for run in made.runs].count("") == 1
    base = made.runs[0]
    assert (base.label, base.algorithm, list(base.nodes)) == ("base policy", "", ["evaluate"])


def test_a_sixth_algorithm_adds_only_its_own_jobs() -> None:
    before = {node.fingerprint for node in planned().nodes}
    after = {node.fingerprint: node for node in planned(names=(*FIVE, "sft")).nodes}
    assert before < set(after)
    new = [after[fingerprint] for fingerprint in set(after) - before]
    assert sorted(node.kind for node in new) == ["evaluate", "evaluate", "train", "train"]
    assert all("sft" in node.title for node in new)


def test_inputs_come_before_what_needs_them() -> None:
    nodes = planned().nodes
    position = {node.fingerprint: number for number, node in enumerate(nodes)}
    for node in nodes:
        for source in node.inputs.values():
            assert position.get(source.fingerprint, -1) < position[node.fingerprint]


def test_a_changed_reward_keeps_the_generation_and_regrades() -> None:
    before, after = planned(), planned(rewards={"invalid": -2.0})
    common = {n.fingerprint for n in before.nodes} & {n.fingerprint for n in after.nodes}
    kinds = [node.kind for node in after.nodes if node.fingerprint in common]
    assert kinds == ["evaluate", "generate"]  # the base policy's evaluation is the same as well


def test_reference_algorithms_take_the_dataset_and_no_rollouts() -> None:
    made = planned(names=("sft",))
    assert made.jobs_by_kind == {"train": 2, "evaluate": 3}
    train = made.runs[1].nodes["train"]
    assert train.inputs["dataset"].fingerprint == SOURCES.datasets[1]
    assert "rollouts" not in train.inputs


def test_every_run_is_evaluated_on_the_same_problems_with_the_same_seed() -> None:
    made = planned(eval_dataset_id=2, evaluate={"seed": 7})
    evaluations = [run.nodes["evaluate"] for run in made.runs]
    assert {node.inputs["dataset"].fingerprint for node in evaluations} == {SOURCES.datasets[2]}
    specs = [node.spec for node in evaluations]
    assert all(spec == specs[0] for spec in specs)
    assert isinstance(specs[0], EvaluateSpec)
    assert specs[0].seed == 7


def test_the_seed_of_a_run_is_the_seed_of_its_training() -> None:
    for run in planned(seeds=[3, 5]).runs[1:]:
        spec = run.nodes["train"].spec
        assert isinstance(spec, TrainSpec)
        assert spec.seed == run.seed


def test_the_version_of_an_algorithm_is_part_of_its_training_only() -> None:
    for run in planned().runs[1:]:
        version = ALGORITHMS[run.algorithm].version
        assert run.nodes["train"].code_version == f"{run.algorithm}-{version}"
        assert run.nodes["generate"].code_version == ""


def test_an_axis_on_generation_makes_one_rollout_set_per_value() -> None:
    made = planned(names=("topr", "sft"), seeds=[0], axes={"generate.completions": [4, 8]})
    assert made.jobs_by_kind == {"generate": 2, "grade": 2, "train": 3, "evaluate": 4}
    labels = [run.label for run in made.runs]
    assert labels == ["base policy", "topr, completions = 4", "topr, completions = 8", "sft"]


def test_an_axis_of_hyperparameters_multiplies_only_algorithms_that_have_it() -> None:
    made = planned(names=("topr", "positives"), seeds=[0], axes={"params.baseline": [0.0, 0.5]})
    labels = [run.label for run in made.runs]
    assert labels == ["base policy", "topr, baseline = 0", "topr, baseline = 0.5", "positives"]
    spec = made.runs[2].nodes["train"].spec
    assert isinstance(spec, TrainSpec)
    assert spec.params["baseline"] == 0.5


def test_an_axis_of_policies_evaluates_each_base_policy() -> None:
    made = planned(names=("topr",), seeds=[0], axes={"policy_id": [1, 2]})
    assert [run.label for run in made.runs] == [
        "base policy, policy_id = 1",
        "base policy, policy_id = 2",
        "topr, policy_id = 1",
        "topr, policy_id = 2",
    ]
    assert source_ids(config(axes={"policy_id": [1, 2]}, eval_dataset_id=9)) == ({1, 9}, {1, 2})


def test_labels_call_sources_by_name_where_that_fits() -> None:
    asked = config(names=("topr",), seeds=[0], axes={"policy_id": [1, 2], "dataset_id": [1, 2]})
    called = {"policy_id": {1: "Small", 2: "Large"}, "dataset_id": {1: "Sums", 2: "S" * 120}}
    sources = replace(SOURCES, names=called)
    labels = [run.label for run in plan(asked, sources).runs]
    assert "topr, policy = Small, dataset = Sums" in labels
    assert "base policy, policy = Large, dataset = Sums" in labels
    assert f"topr, policy = Small, dataset = {'S' * 120}" in labels
    long = replace(SOURCES, names=called | {"policy_id": {1: "P" * 120, 2: "Q" * 120}})
    assert "topr, policy_id = 1, dataset_id = 2" in [run.label for run in plan(asked, long).runs]


def test_axes_multiply() -> None:
    axes = {"settings.learning_rate": [1e-4, 3e-4], "rewards.invalid": [-1, -2, -3]}
    made = planned(names=("topr",), axes=axes)
    assert made.jobs_by_kind == {"generate": 1, "grade": 3, "train": 12, "evaluate": 13}


def test_the_chosen_grader_judges_rollouts_and_held_out_completions() -> None:
    made = planned(names=("topr",), seeds=[0], grading={"grader": "exact"})
    specs = made.runs[1].specs
    graders = [specs[role]["grading"]["grader"] for role in ("grade", "train", "evaluate")]
    assert graders == ["exact"] * 3


def test_two_groups_with_equal_settings_share_their_training() -> None:
    twice = [{"label": label, "algorithm": "topr"} for label in ("a", "b")]
    made = planned(algorithms=twice, seeds=[0])
    assert made.jobs_by_kind["train"] == 1
    assert len(made.runs) == 3


def test_only_training_and_evaluation_belong_to_a_run() -> None:
    made = planned()
    for role in ("train", "evaluate"):
        fingerprints = [run.nodes[role].fingerprint for run in made.runs if role in run.nodes]
        assert len(set(fingerprints)) == len(fingerprints)
    assert len({run.nodes["grade"].fingerprint for run in made.runs[1:]}) == 1


def test_the_queue_does_not_change_a_fingerprint() -> None:
    on_cpu, on_gpu = planned(), planned(label="gpu")
    assert [n.fingerprint for n in on_cpu.nodes] == [n.fingerprint for n in on_gpu.nodes]
    assert {node.label for node in on_gpu.nodes} == {"gpu"}


@pytest.mark.parametrize("module", ["planner", "recipes.offline"])
def test_planning_needs_neither_orm_nor_broker(module: str) -> None:
    code = (
        f"import sys, webapp.experiments.{module}; "
        "print(sorted({'django', 'celery', 'psycopg'} & {m.split('.')[0] for m in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip() == "[]"


def test_every_run_is_evaluated_on_each_further_benchmark_once() -> None:
    made = planned(benchmarks=[2, 2, 1])  # 1 is the evaluation dataset itself
    for run in made.runs:
        assert {role for role in run.nodes if role.startswith("evaluate")} == {
            "evaluate",
            "evaluate:2",
        }
        own, further = run.nodes["evaluate"], run.nodes["evaluate:2"]
        assert further.spec == own.spec
        assert further.inputs["policy"] == own.inputs["policy"]
        assert further.inputs["dataset"] == Given("e" * 64)


KEEPS = {"settings": {"steps": 100, "keep_every": 40}}


def roles_of(made: Plan) -> list[str]:
    return [role for role in made.runs[1].nodes if role.startswith("evaluate")]


def test_every_kept_policy_is_evaluated_as_the_last_one_is() -> None:
    made = planned(names=("topr",), seeds=[0], evaluate_checkpoints=True, **KEEPS)
    assert roles_of(made) == ["evaluate", "evaluate+40", "evaluate+80"]
    assert list(made.runs[0].nodes) == ["evaluate"]  # the base policy, step 0
    nodes = made.runs[1].nodes
    for step in (40, 80):
        node = nodes[f"evaluate+{step}"]
        assert node.spec == nodes["evaluate"].spec
        assert node.inputs["policy"] == Kept(nodes["train"], step)
        assert node.inputs["dataset"] == nodes["evaluate"].inputs["dataset"]
        assert node.title == f"Evaluate topr, seed 0 after {step} updates"
    assert len({node.fingerprint for node in made.nodes}) == made.jobs_by_kind.total() == 7


def test_asking_for_them_later_adds_only_their_evaluations() -> None:
    before = {node.fingerprint for node in planned(**KEEPS).nodes}
    after = planned(evaluate_checkpoints=True, **KEEPS)
    new = [node for node in after.nodes if node.fingerprint not in before]
    assert {node.kind for node in new} == {"evaluate"}
    assert len(new) == 10 * 2


def test_keeping_other_policies_makes_other_trainings() -> None:
    kept, none = planned(**KEEPS), planned(settings={"steps": 100})
    assert kept.runs[1].nodes["train"].fingerprint != none.runs[1].nodes["train"].fingerprint


def test_a_policy_kept_by_a_training_may_be_the_start_of_everything() -> None:
    sources = Sources(datasets={1: "d" * 64}, policies={1: f"{'p' * 64}@40"})
    nodes = plan(config(names=("topr",)), sources).runs[1].nodes
    for role in ("generate", "train"):
        assert nodes[role].inputs["policy"] == Kept(Given("p" * 64), 40)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 100}, "No training keeps a policy"),
        ({"keep_every": 40, "epochs": 2.0}, "count steps, not epochs"),
        ({"keep_every": 40, "stop_at_accuracy": 0.5}, "leave stop at accuracy empty"),
    ],
)
def test_kept_policies_are_planned_where_their_steps_are_known(
    settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message) as caught:
        config(evaluate_checkpoints=True, settings=settings)
    assert caught.value.errors()[0]["loc"] == ("evaluate_checkpoints",)


def test_an_axis_may_say_what_is_kept() -> None:
    made = planned(
        names=("topr",),
        seeds=[0],
        evaluate_checkpoints=True,
        settings={"steps": 100},
        axes={"settings.keep_every": [0, 50]},
    )
    assert [len(run.nodes) for run in made.runs] == [1, 4, 5]


def test_a_reference_goes_to_trainings_that_read_one() -> None:
    algorithms = [
        {"label": "anchored", "algorithm": "grpo", "params": {"reference_kl": "k3"}},
        {"label": "free", "algorithm": "grpo", "params": {"reference_kl": "none"}},
        {"label": "topr", "algorithm": "topr"},
    ]
    made = planned(algorithms=algorithms, seeds=[0], reference_policy_id=2)
    given = {run.label: run.nodes["train"].inputs.get("reference") for run in made.runs[1:]}
    assert given == {"anchored": Given("q" * 64), "free": None, "topr": None}
    assert source_ids(config(reference_policy_id=7)) == ({1}, {1, 7})


def test_the_starting_policy_as_the_reference_is_the_default() -> None:
    algorithms = [{"label": "a", "algorithm": "grpo", "params": {"reference_kl": "k3"}}]
    chosen = planned(algorithms=algorithms, reference_policy_id=1)
    usual = planned(algorithms=algorithms)
    assert [n.fingerprint for n in chosen.nodes] == [n.fingerprint for n in usual.nodes]
