"""A small world that vLLM can run; the engine's own interpreter, or a reason to skip."""

import os

import pytest

from algorithms.sources import TinyLlama
from algorithms.specs import PolicySpec
from algorithms.training.vllm_process import PYTHON_VARIABLE
from tests.algorithms.training.conftest import policy, world
from tests.algorithms.training.world import DATASET, World

__all__ = ["policy", "world"]

# vLLM's attention on CPUs knows heads of 32 numbers and more.
POLICY = PolicySpec(
    source=TinyLlama(hidden_size=64, layers=4, heads=2, intermediate_size=128, max_tokens=24)
)


@pytest.fixture(scope="session")
def shared_world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Return a world that artifacts are only added to."""
    world = World(tmp_path_factory.mktemp("engines"))
    world.run("dataset", "dataset", DATASET)
    world.run("policy", "policy", POLICY)
    return world


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs vLLM where no interpreter that has it is named."""
    if not os.environ.get(PYTHON_VARIABLE):
        reason = f"{PYTHON_VARIABLE} names no interpreter that has vLLM: make test-vllm"
        for item in items:
            if item.get_closest_marker("vllm"):
                item.add_marker(pytest.mark.skip(reason))
