"""The small world of the training tests, for the jobs too."""

from tests.algorithms.training.conftest import policy, shared_world, world

__all__ = ["policy", "shared_world", "world"]
