"""Datasets, policies and rollouts that a recipe's own settings name by id; pure.

A setting whose name ends in `dataset_id`, `policy_id` or `rollouts_id` is one, at any depth.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from webapp.experiments import axes as axis_rules
from webapp.experiments.config import ExperimentConfig


def named_ids(config: ExperimentConfig, stem: str) -> dict[str, int]:
    """Return ids by the path of the field of the config that names them, axis values included.

    Args:
        stem: `dataset_id`, `policy_id` or `rollouts_id`.
    """
    found = {
        f"recipe_settings.{path}": value for path, value in _walk(config.recipe_settings, stem, "")
    }
    for path, values in config.axes.items():
        if path.partition(".")[0] == axis_rules.RECIPE and path.endswith(stem):
            ids = [value for value in values if isinstance(value, int)]
            found |= {f"axes.{path}.{number}": value for number, value in enumerate(ids)}
    return found


def _walk(settings: Mapping[str, Any], stem: str, above: str) -> Iterator[tuple[str, int]]:
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _walk(value, stem, f"{above}{name}.")
        elif name.endswith(stem) and isinstance(value, int):
            yield f"{above}{name}", value
