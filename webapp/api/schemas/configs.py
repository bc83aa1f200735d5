"""The config of an experiment as callers send it: of its recipe's family."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import RootModel, ValidatorFunctionWrapHandler, WrapValidator

from webapp.experiments.configs import CLASSES, AnyConfig, config_of


def _by_recipe(raw: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """Return the config of the named recipe, so that errors are those of one family only."""
    return config_of(raw) if isinstance(raw, Mapping) else handler(raw)


ConfigIn = Annotated[AnyConfig, WrapValidator(_by_recipe)]
FIELDS = frozenset(name for one in CLASSES.values() for name in one.model_fields)
"""Names of the fields of any config."""


class ConfigBody(RootModel[ConfigIn]):
    """A config as the whole body."""
