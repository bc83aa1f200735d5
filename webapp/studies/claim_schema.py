"""What a study may claim: one Schema per kind of test, told apart by `kind`."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from algorithms.base import Schema
from webapp.experiments.axes import AxisValue
from webapp.experiments.choices import BASE_LABEL

BASE = "base"
"""Group of the policy that everything starts from."""

Over = Literal["last", "mean", "last_quarter", "maximum", "slope"]


class Measure(Schema):
    """One number of each run: a figure of its final evaluation, or of one of its curves."""

    metric: str
    """Name of a declared metric; unsolved_share is the share of problems that no sampled completion
    solves (1 - pass@n)."""
    over: Over = "last"
    """Of a curve: its last value, its mean, the mean of its last quarter, its maximum, or its slope
    per step. Figures of the final evaluation have one value."""
    tail: float | None = Field(None, gt=0, lt=1)
    """Of var and cvar: another share of worst episodes than the evaluation's; 0.05 for 5%."""
    round: int | None = Field(None, ge=1)
    """Of runs of several rounds: the evaluation after this round; empty takes the run's end."""


class Side(Schema):
    """One compared group: an algorithm's label and, where axes are, its place on them."""

    group: str
    """Label of an algorithm of the experiment, `base`, or of control a given policy."""
    axes: Mapping[str, AxisValue] = {}
    """Axis values by path, enough to leave one group; of control, `correction` names a way of
    acting."""
    places: Mapping[str, int] = {}
    """The same by number, where scales have values of their own: 0 is an axis's first value, -1 its
    last."""
    experiment: str = ""
    """Another experiment than that of the claim."""

    @property
    def label(self) -> str:
        """Label of the group in plans."""
        return BASE_LABEL if self.group == BASE else self.group


def short_side(value: Any) -> Any:
    """Return what a Side is made of: a text is its group."""
    return {"group": value} if isinstance(value, str) else value


def short_measure(value: Any) -> Any:
    """Return what a Measure is made of: a text is its metric."""
    return {"metric": value} if isinstance(value, str) else value


class _Claim(Schema):
    id: str = Field(pattern=r"^[a-z][a-z0-9_]{0,59}$")
    """Stable name."""
    says: str = Field(min_length=1)
    """The claim in one sentence."""
    experiment: str = "main"
    """Experiment of the study that it is about."""


class _OfMeasure(_Claim):
    of: Measure
    """What is compared."""

    @field_validator("of", mode="before")
    @classmethod
    def _short_measure(cls, value: Any) -> Any:
        return short_measure(value)


class _TwoSided(_OfMeasure):
    left: Side
    right: Side

    @field_validator("left", "right", mode="before")
    @classmethod
    def _short_side(cls, value: Any) -> Any:
        return short_side(value)


class Greater(_OfMeasure):
    """The left side is higher than the right one."""

    kind: Literal["greater"] = "greater"
    left: Side
    right: Side | None = None
    """Empty compares with a number."""
    than: float = 0.0
    """That number; zero for measures that are differences themselves."""
    smallest: float | None = Field(None, ge=0)
    """Smallest difference that would matter: below it the claim does not hold."""

    @field_validator("left", "right", mode="before")
    @classmethod
    def _short_side(cls, value: Any) -> Any:
        return short_side(value)


class NotWorse(_TwoSided):
    """The left side is at least as high as the right one, up to a margin."""

    kind: Literal["not_worse"] = "not_worse"
    margin: float = Field(gt=0)
    """Largest loss that would not matter."""


class Coincide(_TwoSided):
    """Both sides are equal up to a margin."""

    kind: Literal["coincide"] = "coincide"
    margin: float = Field(gt=0)
    """Largest difference that would not matter."""


class Grows(_OfMeasure):
    """A curve rises over the steps, or rises faster than that of another group."""

    kind: Literal["grows"] = "grows"
    left: Side
    right: Side | None = None
    """Empty compares with no rise at all."""

    @field_validator("left", "right", mode="before")
    @classmethod
    def _short_side(cls, value: Any) -> Any:
        return short_side(value)

    @model_validator(mode="before")
    @classmethod
    def _is_a_slope(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and "of" in data:
            measure = short_measure(data["of"])
            if isinstance(measure, Mapping):
                return {**data, "of": {**measure, "over": "slope"}}
        return data


class BelowBase(_OfMeasure):
    """A group ends below the policy that it started from."""

    kind: Literal["below_base"] = "below_base"
    left: Side
    smallest: float | None = Field(None, ge=0)
    """Smallest loss that would count as a collapse."""

    @field_validator("left", mode="before")
    @classmethod
    def _short_side(cls, value: Any) -> Any:
        return short_side(value)


class Faster(_TwoSided):
    """The left side reaches a target earlier."""

    kind: Literal["faster"] = "faster"
    target: float
    """Value of the curve that counts as reached."""
    axis: Literal["steps", "samples", "tokens", "seconds"] = "steps"
    """What earlier is counted in."""
    smallest: float | None = Field(None, ge=0)
    """Smallest saving that would matter."""


class Optimum(_OfMeasure):
    """Over the values of an axis, the highest mean is at one of some values."""

    kind: Literal["optimum"] = "optimum"
    group: str
    """Label of an algorithm of the experiment."""
    axis: str
    """Path of the axis."""
    inner: tuple[AxisValue, ...] = ()
    """Where the optimum should be; empty takes every value but the first and the last."""
    axes: Mapping[str, AxisValue] = {}
    """Values of the other axes."""


class Exact(_Claim):
    """A bandit's outcome: computed, not sampled, so that no seed and no test is needed."""

    kind: Literal["exact"] = "exact"
    label: str
    """An algorithm of the bandit."""
    of: Literal["probability", "expected_reward"] = "probability"
    """What is looked at after the last update."""
    arm: int = Field(1, ge=1)
    """Of a probability, the arm's number from 1."""
    low: float | None = None
    """The claim holds from here on; empty for no bound."""
    high: float | None = None
    """The claim holds up to here; empty for no bound."""


ClaimSpec = Annotated[
    Greater | NotWorse | Coincide | Grows | BelowBase | Faster | Optimum | Exact,
    Field(discriminator="kind"),
]
