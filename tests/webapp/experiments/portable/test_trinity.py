"""Files of Trinity-RFT: the REC family, data, model and schedule under its names."""

from typing import Any

import pytest
import yaml

from algorithms.catalogue import ALGORITHMS
from tests.webapp.experiments.portable.files import TRINITY
from webapp.experiments.config import ExperimentConfig
from webapp.experiments.planner import plan
from webapp.experiments.portable.reading import read
from webapp.experiments.portable.text import dump


def changed(**algorithm: Any) -> str:
    data = yaml.safe_load(TRINITY)
    data["algorithm"] |= algorithm
    return dump(data)


def test_the_published_configuration_becomes_rec_with_its_sizes() -> None:
    reading = read(TRINITY)
    assert reading.problems == ()
    assert reading.config is not None
    assert reading.document is not None
    [choice] = reading.config.algorithms
    params = ALGORITHMS["rec"].params.model_validate(dict(choice.params))
    wanted = {
        "clip": "one_side",
        "weight": "importance_sampling",
        "clip_low": 0.6,
        "clip_high": 2.0,
        "outer_low": 0.6,
        "outer_high": 2.0,
        "std_normalise": "none",
        "regulariser": "none",
        "aggregation": "token_mean",
        "reference_kl": "none",
    }
    assert params.model_dump(include=set(wanted)) == wanted
    assert isinstance(reading.config, ExperimentConfig)
    settings = reading.config.settings
    assert (settings.steps, settings.batch_size, settings.learning_rate) == (160, 768, 1e-6)
    assert (settings.evaluate_every, settings.checkpoint_every) == (20, 20)
    assert reading.config.generate.completions == 8
    assert reading.config.generate.sampling.max_new_tokens == 1024
    source = reading.document.datasets["gsm8k"].model_dump()["source"]
    assert (source["name"], source["subset"]) == ("openai/gsm8k", "main")
    assert (source["train_split"], source["test_split"]) == ("train", "test")


def test_the_schedule_becomes_the_online_recipe() -> None:
    data = yaml.safe_load(TRINITY)
    data["algorithm"] |= {"sample_strategy_args": {"max_staleness": 4}}
    replay = {"enable": True, "reuse_cooldown_time": 2, "priority_fn_args": {"decay": 1.5}}
    data["buffer"]["trainer_input"] = {"experience_buffer": {"replay_buffer": replay}}
    reading = read(dump(data))
    assert isinstance(reading.config, ExperimentConfig)
    assert reading.config.recipe == "online"
    settings = reading.config.recipe_settings
    found = [settings[name] for name in ("sync_interval", "sync_offset", "max_staleness")]
    assert found == [20, 0, 4]
    assert settings["prompts_per_step"] == 96
    kept = [settings["replay"][name] for name in ("buffer", "reuse_cooldown", "priority_decay")]
    assert kept == ["priority", 2, 1.5]
    made = plan(reading.config, reading.nodes.fingerprints)
    assert made.jobs_by_kind == {"online": 1, "evaluate": 2}


def test_what_has_no_meaning_here_is_listed_and_nothing_else() -> None:
    told = read(TRINITY).not_understood
    text = "\n".join(told)
    assert "algorithm.policy_loss_fn_args.top_secret = 3" in text
    assert "model.max_model_len = 1280" in text
    assert sum("cluster" in line for line in told) == 1  # one line for all machines
    for understood in ("epsilon_low", "clip_mode", "repeat_times", "batch_size", "lr", "kl_coef"):
        assert not any(f"{understood} =" in line for line in told)


@pytest.mark.parametrize(
    ("arguments", "algorithm", "params"),
    [
        (
            {"policy_loss_fn_args": {"clip_mode": "ring", "epsilon_low_prime": 0.5}},
            "rec",
            {"clip": "ring", "outer_low": 0.5, "outer_high": 2.0, "clip_low": 0.2},
        ),
        (
            {"policy_loss_fn_args": {"clip_mode": "gspo-one-side", "epsilon_low": 3e-4}},
            "rec",
            {"ratio_granularity": "length_normalised", "aggregation": "sequence_mean"},
        ),
        (
            {"policy_loss_fn_args": {"regularizer": "forward-kl", "regularizer_coef": 0.2}},
            "rec",
            {"clip": "none", "regulariser": "forward_kl", "regulariser_coefficient": 0.2},
        ),
        (
            {"policy_loss_fn_args": {"weight": "advantage", "temp": 0.2}},
            "red_weight",
            {"temperature": 0.2, "std_normalise": "none"},
        ),
        (
            {"advantage_fn_args": {"drop": "balance"}, "policy_loss_fn_args": {}},
            "red_drop",
            {"std_normalise": False},
        ),
        (
            {"advantage_fn_args": {"std_normalize": True}, "policy_loss_fn_args": {}},
            "rec",
            {"std_normalise": "population", "clip": "none"},
        ),
        (
            {"algorithm_type": "grpo", "policy_loss_fn_args": {"clip_range": 0.1}},
            "grpo",
            {"clip_low": 0.1, "clip_high": 0.1, "dual_clip": 3.0, "std_normalise": "sample"},
        ),
        (
            {"algorithm_type": "opmd", "policy_loss_fn_args": {"tau": 1.0}},
            "opmd",
            {"form": "simple", "temperature": 1.0, "baseline": "mean"},
        ),
        (
            {
                "algorithm_type": "asymre",
                "advantage_fn_args": {"baseline_shift": -0.2},
                "policy_loss_fn_args": {"tau": 0},
            },
            "asymre",
            {"baseline_shift": -0.2},
        ),
        (
            {"algorithm_type": "rec", "kl_loss_fn": "k3", "kl_loss_fn_args": {"kl_coef": 0.01}},
            "rec",
            {"reference_kl": "k3", "reference_kl_coefficient": 0.01},
        ),
    ],
)
def test_each_member_of_the_family_is_found(
    arguments: dict[str, Any], algorithm: str, params: dict[str, Any]
) -> None:
    reading = read(changed(**arguments))
    assert reading.problems == ()
    assert reading.config is not None
    [choice] = reading.config.algorithms
    assert choice.algorithm == algorithm
    assert {name: choice.params[name] for name in params} == params


def test_an_error_is_told_where_it_stands_in_the_foreign_file() -> None:
    wrong = TRINITY.replace("epsilon_low: 0.6", "epsilon_low: 1.6")
    [problem] = read(wrong).problems
    assert problem.field == "algorithm.policy_loss_fn_args.epsilon_low"
    assert problem.line == 11


def test_an_unknown_algorithm_is_a_problem_and_no_default() -> None:
    [problem] = read(changed(algorithm_type="gigpo")).problems
    assert problem.field == "algorithm.algorithm_type"
    assert "There is no algorithm gigpo" in problem.message
