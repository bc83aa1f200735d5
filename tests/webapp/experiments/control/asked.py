"""Configs of the control laboratory for tests."""

from typing import Any

from webapp.experiments.configs import config_of
from webapp.experiments.control.config import ControlConfig
from webapp.experiments.plan import Plan, Sources
from webapp.experiments.planner import plan

SOURCES = Sources(datasets={1: "d" * 64, 2: "e" * 64}, policies={1: "p" * 64, 2: "q" * 64})
LABELS = {"bc": "BC", "td3_bc": "TD3+BC", "iql": "IQL", "cql": "CQL", "por": "POR"}
TWO = ("bc", "td3_bc")


def config(names: tuple[str, ...] = TWO, **changes: Any) -> ControlConfig:
    """Return a config on data set 1 with two seeds, uncorrected and CDSA."""
    choices = [{"label": LABELS[name], "algorithm": name} for name in names]
    values = {"recipe": "control", "dataset_id": 1, "algorithms": choices, "seeds": [0, 1]}
    made = config_of(values | changes)
    assert isinstance(made, ControlConfig)
    return made


def planned(**changes: Any) -> Plan:
    return plan(config(**changes), SOURCES)


def fingerprints(made: Plan) -> set[str]:
    return {node.fingerprint for node in made.nodes}
