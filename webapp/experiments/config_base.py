"""What the configs of all experiments share; pure."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from algorithms.base import Schema
from webapp.experiments.complaints import complaint, located, raise_all
from webapp.experiments.recipes import RECIPE_NAMES, load

MAX_RUNS = 2000
"""Largest number of runs of one experiment."""
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]
Seeds = Annotated[tuple[Seed, ...], Field(max_length=100)]
Label = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
Family = Literal["language", "control"]
"""What is trained: policies that complete prompts, or policies that act in an environment."""


class BaseConfig(Schema):
    """Rules of the fields that all configs have; each declares them where it shows them."""

    family: ClassVar[Family]

    recipe: str
    """Which jobs, in which order."""

    @field_validator("recipe")
    @classmethod
    def _recipe_is_known(cls, name: str) -> str:
        own = [one for one in RECIPE_NAMES if load(one).family == cls.family]
        if name not in own:
            raise complaint(f"There is no recipe {name}. Known: {', '.join(own)}.")
        return name

    @field_validator("seeds", check_fields=False)
    @classmethod
    def _seeds_differ(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if not seeds:
            raise complaint("Give at least one seed.")
        for number, seed in enumerate(seeds):
            if seed in seeds[:number]:
                message = f"Seed {seed} is given twice; a repeated seed adds no evidence."
                raise_all([located((number,), message, seed)])
        return seeds


def check_size(runs: int, *, axes: bool) -> None:
    """Refuse an experiment of too many runs.

    Raises:
        pydantic.ValidationError: at its axes, or at its seeds where it has none.
    """
    if runs > MAX_RUNS:
        message = (
            f"This makes {runs} runs; at most {MAX_RUNS} fit into one experiment. "
            "Take fewer axis values, algorithms or seeds."
        )
        raise_all([located(("axes",) if axes else ("seeds",), message, runs)])
