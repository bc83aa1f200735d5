"""One small world per test run; tests only read it, or write beside it."""

from pathlib import Path

import pytest
import torch

from algorithms.training.policy import Policy, load_policy
from tests.algorithms.training.world import World, build


@pytest.fixture(scope="session")
def shared_world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Return a world that nothing is changed in."""
    return build(tmp_path_factory.mktemp("world"))


@pytest.fixture
def world(shared_world: World, tmp_path: Path) -> World:
    """Return a world whose artifacts are the shared ones and that new ones can be added to."""
    for artifact in shared_world.folder.iterdir():
        (tmp_path / artifact.name).symlink_to(artifact)
    return World(tmp_path)


@pytest.fixture
def policy(shared_world: World) -> Policy:
    """Return the world's policy, loaded anew."""
    return load_policy(shared_world.folder / "policy", torch.device("cpu"))
