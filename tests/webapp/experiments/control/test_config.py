"""A config of the control laboratory says what is wrong with it at the field."""

from typing import Any

import pytest
from pydantic import ValidationError

from tests.webapp.experiments.control.asked import config
from webapp.experiments.config import ExperimentConfig
from webapp.experiments.configs import config_of
from webapp.experiments.control.config import ControlConfig

CDSA = {"name": "CDSA", "correction": "cdsa"}


def problems(**changes: Any) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as refused:
        config(**changes)
    return [(".".join(map(str, error["loc"])), error["msg"]) for error in refused.value.errors()]


def test_the_recipe_chooses_the_class_of_the_config() -> None:
    assert isinstance(config(), ControlConfig)
    algorithms = [{"label": "TOPR", "algorithm": "topr"}]
    language = config_of({"dataset_id": 1, "policy_id": 1, "algorithms": algorithms})
    assert isinstance(language, ExperimentConfig)
    with pytest.raises(ValidationError, match="no recipe control"):
        ExperimentConfig.model_validate(
            {"recipe": "control", "dataset_id": 1, "policy_id": 1, "algorithms": algorithms}
        )


def test_the_usual_ways_of_acting_are_uncorrected_and_the_reference_design() -> None:
    plain, corrected = config().corrections
    assert (plain.name, plain.correction) == ("uncorrected", "")
    assert (corrected.name, corrected.correction) == ("CDSA", "cdsa")
    assert corrected.params["auxiliary"] == "displacement"
    assert corrected.params["max_shift"] == 0.0  # complete: what the preset leaves out is there


@pytest.mark.parametrize(
    ("changes", "where", "says"),
    [
        ({"names": ()}, "algorithms", "at least one algorithm"),
        ({"algorithms": [{"label": "X", "algorithm": "topr"}]}, "algorithms.0.algorithm", "topr"),
        (
            {"algorithms": [{"label": "X", "algorithm": "bc", "params": {"top_share": 2}}]},
            "algorithms.0.params.top_share",
            "less than or equal to 1",
        ),
        ({"policies": [{"label": "BC", "policy_id": 1}]}, "policies.0.label", "used twice"),
        ({"policies": [{"label": " ", "policy_id": 1}]}, "policies.0.label", "Give it a name"),
        ({"corrections": []}, "corrections", "at least one way"),
        ({"corrections": [CDSA, CDSA]}, "corrections.1.name", "used twice"),
        ({"corrections": [{"name": "a"}, {"name": "b"}]}, "corrections.1.name", "already"),
        (
            {"corrections": [{"name": "a", "correction": "magic"}]},
            "corrections.0.correction",
            "no correction magic",
        ),
        (
            {"corrections": [CDSA | {"params": {"noise_level": -1}}]},
            "corrections.0.params.noise_level",
            "greater than 0",
        ),
        (
            {"corrections": [CDSA | {"params": {"auxiliary": "next"}}]},
            "corrections.0.params.auxiliary",
            "forward model",
        ),
        ({"seeds": [1, 1]}, "seeds.1", "given twice"),
        ({"evaluate": {"environment": "Doom"}}, "evaluate.environment", "no environment Doom"),
        ({"score": {"params": {"variables": "state"}}}, "score.params.variables", "joint"),
        ({"axes": {"params.baseline": [1]}}, "axes.params.baseline", "chosen algorithms"),
        ({"axes": {"correction.gain": [1]}}, "axes.correction.gain", "chosen corrections"),
        ({"axes": {"score.params.variables": ["state"]}}, "axes.score.params.variables", "no axis"),
        ({"axes": {"policy_id": [1]}}, "axes.policy_id", "starts with one of dataset_id"),
        (
            {"axes": {"correction.noise_level": [0.2, 0]}},
            "axes.correction.noise_level.1",
            "greater than 0",
        ),
        (
            {"axes": {"evaluate.seed": list(range(600))}},
            "axes",
            "4800 runs",
        ),
    ],
)
def test_what_is_wrong_is_told_where_it_stands(
    changes: dict[str, Any], where: str, says: str
) -> None:
    found = problems(**changes)
    assert [place for place, _ in found] == [where]
    assert says in found[0][1]


def test_the_auxiliary_action_of_the_successor_needs_the_forward_model_only() -> None:
    forward = {"params": {"forward": True}}
    made = config(corrections=[CDSA | {"params": {"auxiliary": "next"}}], inverse_dynamics=forward)
    assert made.corrects


def test_axis_values_take_the_types_of_their_fields() -> None:
    made = config(axes={"correction.steps": ["1", "5"], "evaluate.noise": ["0", "0.5"]})
    assert made.axes == {"correction.steps": (1, 5), "evaluate.noise": (0.0, 0.5)}
