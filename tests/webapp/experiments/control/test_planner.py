"""What an experiment of the control laboratory plans: what is shared, and what each axis adds."""

from collections import Counter

import pytest

from algorithms.catalogue import CONTROL_ALGORITHMS, CORRECTIONS
from algorithms.control_specs import EvaluateControlSpec, TrainControlSpec, TrainScoreSpec
from tests.webapp.experiments.control.asked import SOURCES, config, fingerprints, planned
from webapp.experiments.configs import config_of
from webapp.experiments.control.notes import notes
from webapp.experiments.plan import Plan
from webapp.experiments.planner import plan, source_ids
from webapp.experiments.recipes.control import side_by_side


def added(before: Plan, after: Plan) -> Counter[str]:
    """Return the kinds of jobs that the second plan has more; the first one's are all in it."""
    assert fingerprints(before) <= fingerprints(after)
    new = (node for node in after.nodes if node.fingerprint not in fingerprints(before))
    return Counter(node.kind for node in new)


def test_two_algorithms_two_seeds_as_they_are_and_corrected_share_trainings_and_networks() -> None:
    made = planned()
    assert made.jobs_by_kind == {
        "train_control": 4,
        "train_score": 1,
        "train_inverse_dynamics": 1,
        "evaluate_control": 8,
    }
    labels = [(run.label, run.seed) for run in made.runs]
    assert labels == [
        (label, seed) for label in ("BC", "BC + CDSA", "TD3+BC", "TD3+BC + CDSA") for seed in (0, 1)
    ]


def test_roles_say_what_is_own_and_what_is_shared() -> None:
    plain, corrected = planned().runs[0], planned().runs[2]
    assert set(plain.nodes) == {"train", "evaluate"}
    assert set(corrected.nodes) == {"train", "evaluate", "score", "inverse_dynamics"}
    assert plain.nodes["train"].fingerprint == corrected.nodes["train"].fingerprint
    assert set(corrected.nodes["evaluate"].inputs) == {"policy", "score", "inverse_dynamics"}
    assert set(plain.nodes["evaluate"].inputs) == {"policy"}


def test_versions_of_algorithm_and_correction_are_part_of_the_jobs() -> None:
    plain, corrected = planned().runs[0], planned().runs[2]
    assert plain.nodes["train"].code_version == f"bc-{CONTROL_ALGORITHMS['bc'].version}"
    assert corrected.nodes["evaluate"].code_version == f"cdsa-{CORRECTIONS['cdsa'].version}"
    assert plain.nodes["evaluate"].code_version == ""


def test_a_third_algorithm_plans_only_what_is_new() -> None:
    more = planned(names=("bc", "td3_bc", "iql"))
    assert added(planned(), more) == {"train_control": 2, "evaluate_control": 4}


def test_two_experiments_on_the_same_data_share_the_networks() -> None:
    one, other = planned(names=("bc",)), planned(names=("iql",))
    shared = fingerprints(one) & fingerprints(other)
    kinds = Counter(node.kind for node in one.nodes if node.fingerprint in shared)
    assert kinds == {"train_score": 1, "train_inverse_dynamics": 1}


def test_other_data_share_nothing() -> None:
    assert not fingerprints(planned()) & fingerprints(planned(dataset_id=2))


def test_an_axis_over_the_correction_adds_evaluations_only() -> None:
    # 0.2 is the preset's own level, so half of the four corrected evaluations are new levels.
    made = planned(axes={"correction.noise_level": [0.2, 0.36]})
    assert added(planned(), made) == {"evaluate_control": 4}
    labels = [run.label for run in made.runs]
    assert "BC" in labels
    assert "BC + CDSA, noise_level = 0.36" in labels
    assert len(made.runs) == 12


def test_noise_on_actions_concerns_policies_as_they_are_too() -> None:
    made = planned(axes={"evaluate.noise": [0.0, 0.5]})
    assert added(planned(), made) == {"evaluate_control": 8}


def test_a_setting_of_the_score_network_leaves_uncorrected_runs_alone() -> None:
    made = planned(axes={"score.params.hidden_size": [64, 256]})
    assert made.jobs_by_kind["train_score"] == 2
    assert made.jobs_by_kind["train_control"] == 4
    assert [run.label for run in made.runs].count("BC") == 2


def test_the_level_of_the_indicator_makes_no_other_evaluation_of_uncorrected_policies() -> None:
    before, after = planned(), planned(evaluate={"ood_level": 0.5})
    kept = fingerprints(before) & fingerprints(after)
    plain = [run.nodes["evaluate"].fingerprint for run in before.runs if "+ CDSA" not in run.label]
    assert set(plain) <= kept
    assert added_evaluations(before, after) == 4


def added_evaluations(before: Plan, after: Plan) -> int:
    new = fingerprints(after) - fingerprints(before)
    return sum(node.kind == "evaluate_control" for node in after.nodes if node.fingerprint in new)


def test_an_axis_over_data_sets_trains_policies_and_networks_on_each() -> None:
    made = planned(axes={"dataset_id": [1, 2]})
    assert made.jobs_by_kind == {
        "train_control": 8,
        "train_score": 2,
        "train_inverse_dynamics": 2,
        "evaluate_control": 16,
    }


def test_a_given_policy_is_evaluated_without_a_training() -> None:
    policies = [{"label": "SAC", "policy_id": 2, "stage": "stage_2"}]
    made = planned(names=(), policies=policies)
    assert made.jobs_by_kind == {
        "train_score": 1,
        "train_inverse_dynamics": 1,
        "evaluate_control": 2,
    }
    assert [(run.label, run.algorithm, run.seed) for run in made.runs] == [
        ("SAC", "", 0),
        ("SAC + CDSA", "", 0),
    ]
    plain = made.runs[0].nodes["evaluate"]
    assert plain.inputs["policy"].fingerprint == SOURCES.policies[2]
    assert isinstance(plain.spec, EvaluateControlSpec)
    assert plain.spec.stage == "stage_2"


def test_without_a_correction_no_network_is_trained() -> None:
    made = planned(corrections=[{"name": "uncorrected"}])
    assert made.jobs_by_kind == {"train_control": 4, "evaluate_control": 4}


def test_a_density_of_observations_gets_a_network_of_its_own() -> None:
    params = {"density": "both", "state_gain": 0.5}
    made = planned(corrections=[{"name": "both", "correction": "cdsa", "params": params}])
    nodes = made.runs[0].nodes
    variables = {
        role: node.spec.params.variables
        for role, node in nodes.items()
        if isinstance(node.spec, TrainScoreSpec)
    }
    assert variables == {"score": "joint", "state_score": "state"}
    assert "state_score" in nodes["evaluate"].inputs


def test_seeds_are_trained_side_by_side_where_asked() -> None:
    made = planned(names=("bc",), seeds=[0, 1, 2, 5], settings={"parallel_seeds": 2})
    told = {
        (node.spec.seed, node.spec.settings.parallel_seeds)
        for node in made.nodes
        if isinstance(node.spec, TrainControlSpec)
    }
    assert told == {(0, 2), (2, 1), (5, 1)}
    seeds = [
        run.nodes["evaluate"].spec.policy_seed  # type: ignore[attr-defined]  # an evaluation's
        for run in made.runs
        if run.label == "BC"
    ]
    assert seeds == [0, 1, None, None]


@pytest.mark.parametrize(
    ("seed", "most", "dealt"),
    [
        (4, 3, (3, 2)),
        (3, 3, (3, 2)),
        (0, 3, (0, 3)),
        (2, 3, (0, 3)),
        (7, 3, (7, 1)),
        (2, 1, (2, 1)),
    ],
)
def test_seeds_that_follow_each_other_are_dealt_out(
    seed: int, most: int, dealt: tuple[int, int]
) -> None:
    assert side_by_side((0, 1, 2, 3, 4, 7), seed, most) == dealt


def test_runs_say_what_is_paired_with_what() -> None:
    records = [run.specs["recipe"] for run in planned(names=("bc",), seeds=[0]).runs]
    assert [(one["policy"], one["correction"], one["corrects"]) for one in records] == [
        ("BC", "uncorrected", False),
        ("BC", "CDSA", True),
    ]


def test_evaluations_of_one_experiment_play_the_same_episodes() -> None:
    asked = {"episodes": 60, "purpose": "reporting", "seed": 4}
    specs = [run.nodes["evaluate"].spec for run in planned(evaluate=asked).runs]
    episodes = {(one.episodes, one.purpose, one.seed) for one in specs}  # type: ignore[attr-defined]
    assert episodes == {(60, "reporting", 4)}


def test_sources_are_all_that_the_config_names() -> None:
    policies = [{"label": "A", "policy_id": 2}]
    asked = config(policies=policies, axes={"dataset_id": [1, 2]})
    assert source_ids(asked) == ({1, 2}, {2})


def test_a_config_survives_json_and_plans_the_same() -> None:
    asked = config(axes={"correction.steps": [1, 5]})
    again = config_of(asked.model_dump(mode="json"))
    assert again == asked
    assert fingerprints(plan(again, SOURCES)) == fingerprints(plan(asked, SOURCES))


def test_notes_warn_of_few_episodes_tuning_and_levels_that_were_not_learned() -> None:
    asked = config(
        evaluate={"episodes": 20, "purpose": "tuning"}, axes={"correction.noise_level": [0.2, 3.0]}
    )
    said = " ".join(notes(asked))
    assert "20 episodes" in said
    assert "tuning" in said
    assert "noise level 3 " in said
    assert notes(config()) == []
