"""What jobs are told that follow finished jobs of the control laboratory."""

from pydantic import Field

from algorithms.control_specs import TrainControlSpec


class KeepCheckpointSpec(TrainControlSpec):
    """A `keep_checkpoint` job: a policy of the last checkpoint of a training that did not end."""

    step: int = Field(0, ge=0)
    """Updates after which the checkpoint was written."""
