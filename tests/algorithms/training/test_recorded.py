"""Recorded updates: what they come to, and that updates are such as can be recorded."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from algorithms.catalogue import CONTROL_ALGORITHMS
from algorithms.control_base import Learnable, Spaces, TransitionBatch
from algorithms.control_data.scaling import Scaling
from algorithms.control_models.dynamics import DynamicsModel, DynamicsParams
from algorithms.control_models.score import ScoreModel, ScoreParams
from algorithms.training.control_data import BatchStream, ResidentData
from algorithms.training.recorded import (
    GRAPHS_VARIABLE,
    WARM_UP,
    CudaGraphs,
    Figures,
    RecordedUpdates,
    update_of,
)
from tests.algorithms.control.worlds import random_transitions

CPU = torch.device("cpu")
STEPS = 40
NARROW = {"hidden_size": 16}
SMALL: dict[str, dict[str, Any]] = {
    "cql": {"candidates": 2},
    "iql": {"actor_hidden_size": 16},
    "por": {"execute_hidden_size": 16},
}

LEARNERS: dict[str, Callable[[Spaces], Any]] = {
    "score": lambda spaces: ScoreModel(spaces, ScoreParams(hidden_size=16, average_rate=0.9)),
    "dynamics": lambda spaces: DynamicsModel(spaces, DynamicsParams(hidden_size=16, forward=True)),
}


def _of(name: str, **settings: Any) -> Callable[[Spaces], Any]:
    algorithm = CONTROL_ALGORITHMS[name]
    params = algorithm.params.model_validate(settings | NARROW | SMALL.get(name, {}))
    return lambda spaces: algorithm.build(spaces, params)


for algorithm_name, offer in CONTROL_ALGORITHMS.items():
    for preset_name, preset in {"defaults": {}, **offer.presets}.items():
        LEARNERS[f"{algorithm_name} {preset_name}"] = _of(algorithm_name, **preset)
LEARNERS["td3_bc every third"] = _of("td3_bc", policy_period=3)


def batches(learner: Learnable, device: torch.device = CPU) -> Iterator[TransitionBatch]:
    transitions = random_transitions()
    resident = ResidentData.of(transitions, Scaling.of(transitions), device)
    stream = BatchStream(
        resident, Spaces(3, 2, (0, 1), device), 16, learner.normals, learner.uniforms, STEPS
    )
    for start in (0, 32):
        yield from stream.batches(start)


class Repeating:
    """Records as a GPU does: nothing is computed, and a replay sees the recorded memory only."""

    def __init__(self) -> None:
        self.recorded = self.replayed = 0

    def warm_up(self, function: Callable[[], Figures]) -> Figures:
        return function()

    def record(self, function: Callable[[], Figures]) -> tuple[Callable[[], object], Figures]:
        self.recorded += 1
        figures: dict[str, Tensor] = {}

        def replay() -> None:
            self.replayed += 1
            figures.update(function())

        return replay, figures


@pytest.mark.parametrize("name", LEARNERS)
def test_recorded_updates_come_to_the_same(name: str) -> None:
    spaces = Spaces(3, 2, (0, 1))
    plain, recorded = LEARNERS[name](spaces), LEARNERS[name](spaces)
    recorder = Repeating()
    update = RecordedUpdates(recorded, recorder)
    courses = set()
    for batch in batches(plain):
        courses.add(plain.course(batch.step, batch.steps))
        for learner in (plain, recorded):
            learner.schedule(batch.step, batch.steps)
        expected, found = plain.update(batch), update(batch)
        assert {key: value.tolist() for key, value in found.items()} == {
            key: value.tolist() for key, value in expected.items()
        }
    for weight, other in zip(
        plain.state_dict().values(), recorded.state_dict().values(), strict=True
    ):
        assert torch.equal(weight, other)
    assert recorder.recorded == len(courses)
    assert recorder.replayed == STEPS - WARM_UP * len(courses)


class Operations(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Lists the operations that are called, with the shapes of what they are called on."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seen: list[tuple[str, tuple[object, ...]]] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        shapes = tuple(tuple(each.shape) for each in args if isinstance(each, Tensor))
        self.seen.append((str(func), shapes))
        return func(*args, **(kwargs or {}))


WAITING = ("_local_scalar_dense", "nonzero", "is_nonzero", "masked_select", "unique")
"""Operations whose results the host waits for, or has to know the size of."""


@pytest.mark.parametrize("name", LEARNERS)
def test_updates_of_a_course_are_the_same_operations_and_none_waits(name: str) -> None:
    learner = LEARNERS[name](Spaces(3, 2, (0, 1)))
    taken: Counter[int] = Counter()
    first: dict[int, list[tuple[str, tuple[object, ...]]]] = {}
    for batch in batches(learner):
        learner.schedule(batch.step, batch.steps)
        course = learner.course(batch.step, batch.steps)
        with Operations() as operations:
            learner.update(batch)
        taken[course] += 1
        if taken[course] <= WARM_UP:
            continue  # Optimizers make their memories in their first steps.
        assert first.setdefault(course, operations.seen) == operations.seen
        called = {operation for operation, _ in operations.seen}
        assert not [each for each in called if any(name in each for name in WAITING)]


def test_a_cpu_takes_plain_updates_whatever_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(GRAPHS_VARIABLE, "1")
    learner = LEARNERS["bc defaults"](Spaces(3, 2))
    assert update_of(learner, CPU) == learner.update


@pytest.mark.skipif(not torch.cuda.is_available(), reason="CUDA graphs need a GPU")
@pytest.mark.parametrize("name", LEARNERS)
def test_a_gpu_replays_the_same_updates(name: str) -> None:
    device = torch.device("cuda")
    spaces = Spaces(3, 2, (0, 1), device)
    plain, recorded = LEARNERS[name](spaces), LEARNERS[name](spaces)
    update = RecordedUpdates(recorded, CudaGraphs())
    for batch in batches(plain, device):
        for learner in (plain, recorded):
            learner.schedule(batch.step, batch.steps)
        expected, found = plain.update(batch), update(batch)
        for key, value in expected.items():
            torch.testing.assert_close(found[key], value, rtol=1e-4, atol=1e-5)
    for weight, other in zip(
        plain.state_dict().values(), recorded.state_dict().values(), strict=True
    ):
        torch.testing.assert_close(other, weight, rtol=1e-4, atol=1e-5)
