"""The settings of one compared group of the control laboratory; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from algorithms.base import Schema
from algorithms.control_specs import ControlEvaluation, DynamicsTraining, ScoreTraining
from algorithms.settings import ControlSettings
from webapp.experiments.cells import with_axes
from webapp.experiments.choices import ControlChoice
from webapp.experiments.control.applying import Group
from webapp.experiments.control.config import ControlConfig


@dataclass(frozen=True)
class Setting:
    """The settings of one compared group, axis values put in."""

    group: Group
    params: Mapping[str, Any]
    correction_params: Mapping[str, Any]
    settings: ControlSettings
    score: ScoreTraining
    inverse_dynamics: DynamicsTraining
    evaluate: ControlEvaluation
    dataset_id: int


def setting_of(config: ControlConfig, group: Group) -> Setting:
    """Return the settings of a compared group."""
    values = group.values
    policy, correction = group.policy, group.correction
    dataset_id = values.get("dataset_id", config.dataset_id)
    assert isinstance(dataset_id, int)  # the config has checked its axes
    params: Mapping[str, Any] = {}
    if isinstance(policy, ControlChoice):
        schema, chosen = policy.chosen
        params = _complete(schema.model_validate(dict(chosen)), "params", values)
    corrected: Mapping[str, Any] = {}
    if correction.correction:
        schema, chosen = correction.chosen
        corrected = _complete(schema.model_validate(dict(chosen)), "correction", values)
    return Setting(
        group=group,
        params=params,
        correction_params=corrected,
        settings=with_axes(config.settings, "settings", values),
        score=with_axes(config.score, "score", values),
        inverse_dynamics=with_axes(config.inverse_dynamics, "inverse_dynamics", values),
        evaluate=with_axes(config.evaluate, "evaluate", values),
        dataset_id=dataset_id,
    )


def _complete(schema: Schema, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = with_axes(schema, name, values).model_dump(mode="json")
    return found
