"""The kinds of jobs of the control laboratory: settings explain themselves, imports stay light."""

import subprocess
import sys

import pytest

from algorithms import control_derived_specs, control_specs
from algorithms.base import Schema
from algorithms.catalogue import CONTROL_ALGORITHMS
from algorithms.control_kinds import CONTROL_KINDS
from algorithms.control_metrics import ALL_CONTROL_METRICS, control_metrics
from algorithms.control_models.dynamics import PRESETS as DYNAMICS_PRESETS
from algorithms.control_models.dynamics import DynamicsParams
from algorithms.control_models.score import PRESETS as SCORE_PRESETS
from algorithms.control_models.score import ScoreParams
from algorithms.control_specs import TrainControlSpec
from algorithms.jobs import COMPUTED
from algorithms.metrics import metric_by_name

SCHEMAS = [
    value
    for value in (
        *vars(control_specs).values(),
        *vars(control_derived_specs).values(),
        ScoreParams,
        DynamicsParams,
    )
    if isinstance(value, type) and issubclass(value, Schema) and value.model_fields
]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_every_setting_explains_itself(schema: type[Schema]) -> None:
    for name, field in schema.model_fields.items():
        assert field.description or name == "source", f"{name} has no help text"


def test_every_kind_is_computed_and_survives_json() -> None:
    assert set(CONTROL_KINDS) <= set(COMPUTED)
    for name, kind in CONTROL_KINDS.items():
        learns = name in {"train_control", "keep_checkpoint"}
        spec = kind.spec.model_validate({"algorithm": "bc"} if learns else {})
        assert kind.spec.model_validate_json(spec.model_dump_json()) == spec


def test_presets_of_the_networks_are_valid() -> None:
    for score in SCORE_PRESETS.values():
        ScoreParams.model_validate(score)
    for dynamics in DYNAMICS_PRESETS.values():
        DynamicsParams.model_validate(dynamics)


def test_every_metric_can_be_looked_up() -> None:
    for metric in ALL_CONTROL_METRICS:
        assert metric_by_name(metric.name) == metric
    for algorithm in CONTROL_ALGORITHMS.values():
        for metric in algorithm.metrics:
            assert metric_by_name(metric.name) == metric
    logged = {metric.name for metric in control_metrics(TrainControlSpec(algorithm="td3_bc"))}
    assert {"loss", "critic_loss", "value_mean", "eval_return_mean"} <= logged


def test_the_web_learns_of_environments_without_loading_simulators() -> None:
    script = (
        "import sys, algorithms.specs, algorithms.environments.table, algorithms.metrics\n"
        "print([n for n in ('gymnasium', 'mujoco', 'h5py', 'transformers') if n in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    assert done.stdout.decode().strip() == "[]"


def test_training_control_does_not_wait_for_transformers() -> None:
    script = (
        "import sys, algorithms.jobs.train_control, algorithms.jobs.evaluate_control\n"
        "print([name for name in ('transformers', 'stable_baselines3') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    assert done.stdout.decode().strip() == "[]"
