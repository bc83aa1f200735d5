"""Recipes: kinds of pipeline, one file each; the file defines `RECIPE`."""

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

from algorithms.base import Schema

if TYPE_CHECKING:
    from webapp.experiments.plan import Recipe

RECIPE_NAMES: tuple[str, ...] = tuple(sorted(m.name for m in pkgutil.iter_modules(__path__)))
"""File names of this folder; the files are loaded when first planned with."""


@cache
def load(name: str) -> "Recipe":
    """Return the recipe of a file of this folder."""
    recipe: Recipe = importlib.import_module(f"{__name__}.{name}").RECIPE
    return recipe


def settings_schema(name: str) -> type[Schema]:
    """Return the schema of a recipe's own settings."""
    return load(name).settings
