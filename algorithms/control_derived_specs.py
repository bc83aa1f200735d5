"""What jobs are told that follow finished jobs of the control laboratory."""

from pydantic import Field

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
