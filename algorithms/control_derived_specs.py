"""What jobs are told that follow finished jobs of the control laboratory."""

from typing import Literal

from pydantic import Field, model_validator

from algorithms.base import Schema
from algorithms.control_specs import EvaluateControlSpec, TrainControlSpec

MOST_RENDERED = 16
"""Episodes that one job renders."""


class KeepCheckpointSpec(TrainControlSpec):
    """A `keep_checkpoint` job: a policy of the last checkpoint of a training that did not end."""

    step: int = Field(0, ge=0)
    """Updates after which the checkpoint was written."""


class RenderEpisodesSpec(Schema):
    """A `render_episodes` job: pictures of a few episodes of an evaluation, before and after."""

    evaluation: EvaluateControlSpec = EvaluateControlSpec()
    """The evaluation whose policy and correction act."""
    reset_seeds: tuple[int, ...] = Field((), max_length=MOST_RENDERED)
    """Which episodes, by reset seed; empty takes the first two of the evaluation."""
    size: int = Field(320, ge=64, le=640)
    """Width and height of a picture, in pixels."""
    pictures: int = Field(120, ge=2, le=500)
    """Most pictures of an episode; of longer ones every second step is drawn, every third..."""

    @property
    def correction(self) -> str:
        """The correction that acts, empty for none."""
        return self.evaluation.correction


class Bounds(Schema):
    """What a region is in one observation dimension; both ends belong to it."""

    dimension: int = Field(0, ge=0)
    """Which one, from 0."""
    low: float | None = None
    """Smallest value, in the environment's units; empty has no smallest."""
    high: float | None = None
    """Largest value, likewise."""

    @model_validator(mode="after")
    def _bounds_something(self) -> "Bounds":
        if self.low is None and self.high is None:
            raise ValueError(f"dimension {self.dimension} needs a smallest or a largest value")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(
                f"dimension {self.dimension}: the smallest value {self.low:g} is above the "
                f"largest, {self.high:g}"
            )
        return self


class LeaveOutSpec(Schema):
    """A `leave_out` job: transitions without the steps in a region of the state space."""

    region: tuple[Bounds, ...] = Field((Bounds(low=0.0),), min_length=1, max_length=64)
    """A box: a state is in it that is within all of these bounds."""
    touching: Literal["either", "state"] = "either"
    """Which steps are left out: those that begin or end in the region, so that the data never show
    it, or those that begin there."""

    @model_validator(mode="after")
    def _dimensions_differ(self) -> "LeaveOutSpec":
        named = [bounds.dimension for bounds in self.region]
        if len(set(named)) < len(named):
            raise ValueError("name each dimension once")
        return self
