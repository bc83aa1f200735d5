"""The config of an experiment, whatever its recipe: the one way from stored JSON to a config."""

from collections.abc import Mapping
from typing import Any

from webapp.experiments.config import ExperimentConfig
from webapp.experiments.config_base import BaseConfig, Family
from webapp.experiments.control.config import ControlConfig
from webapp.experiments.recipes import RECIPE_NAMES, load

AnyConfig = ExperimentConfig | ControlConfig
CLASSES: Mapping[Family, type[ExperimentConfig] | type[ControlConfig]] = {
    "language": ExperimentConfig,
    "control": ControlConfig,
}


def family_of(recipe: object) -> Family:
    """Return which family a recipe is of; that of language models where there is no such recipe."""
    return load(recipe).family if recipe in RECIPE_NAMES and isinstance(recipe, str) else "language"


def config_class(recipe: object) -> type[BaseConfig]:
    """Return the class of a recipe's configs."""
    return CLASSES[family_of(recipe)]


def config_of(raw: Mapping[str, Any]) -> AnyConfig:
    """Return the validated config that plain values describe, by their `recipe`.

    Raises:
        pydantic.ValidationError: they describe none.
    """
    return CLASSES[family_of(raw.get("recipe"))].model_validate(dict(raw))
