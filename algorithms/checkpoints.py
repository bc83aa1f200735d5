"""Policies that a training keeps along the way: after which updates, and where in its artifact."""

MOST_CHECKPOINTS = 100
"""Policies that one training may keep; each is a whole model on the disk."""


def checkpoint_path(step: int) -> str:
    """Return the folder of the policy after `step` updates, relative to the training's artifact."""
    return f"checkpoints/step_{step:06d}"


def checkpoint_steps(steps: int, keep_every: int) -> range:
    """Return the updates after which a policy is kept; the last one is the artifact itself."""
    return range(keep_every, steps, keep_every) if keep_every else range(0)


CONTROL_WEIGHTS_FILE = "weights.safetensors"
"""Of a checkpoint that a training of control goes on from: the weights of all its networks."""
CONTROL_STATE_FILE = "state.json"
"""Of such a checkpoint: where the training stood."""


def control_checkpoint_name(step: int) -> str:
    """Return the folder of a checkpoint that a training of control goes on from."""
    return f"step-{step:010d}"


def control_checkpoint_step(name: str) -> int:
    """Return the updates after which a training of control wrote the checkpoint of this name."""
    return int(name.removeprefix("step-"))
