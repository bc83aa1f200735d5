"""Updates recorded as CUDA graphs: small networks on a GPU wait for launches, not for sums.

A graph replays all kernels of one update by one launch, without Python. The first updates of each
course run as usual, so that optimizers have their memories and libraries their workspaces; the
next one is recorded. From then on every batch is copied over the recorded one, and the graph
replayed.
"""

import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any, Protocol

import torch
from torch import Tensor

from algorithms.control_base import Learnable, TransitionBatch

GRAPHS_VARIABLE = "LAB_CUDA_GRAPHS"
"""1 lets control trainings on a GPU replay their updates. Equal settings stay equal jobs."""
WARM_UP = 3
"""Updates of a course before it is recorded."""

Figures = Mapping[str, Tensor]
Update = Callable[[TransitionBatch], Figures]


class Recorder(Protocol):
    """What records functions on a device."""

    def warm_up(self, function: Callable[[], Figures]) -> Figures:
        """Call a function where it will be recorded."""
        ...

    def record(self, function: Callable[[], Figures]) -> tuple[Callable[[], object], Figures]:
        """Return what does again all that a function does, and where it leaves its results.

        Recording itself computes nothing.
        """
        ...


def update_of(learner: Learnable, device: torch.device) -> Update:
    """Return the learner's update, recorded where the worker's environment asks for it."""
    if device.type == "cuda" and os.environ.get(GRAPHS_VARIABLE) == "1":
        return RecordedUpdates(learner, CudaGraphs())
    return learner.update


class RecordedUpdates:
    """A learner's update; the figures of a replayed one are overwritten by the next."""

    def __init__(self, learner: Learnable, recorder: Recorder) -> None:
        self._learner = learner
        self._recorder = recorder
        self._batch: TransitionBatch | None = None
        self._taken: Counter[int] = Counter()
        self._recorded: dict[int, tuple[Callable[[], object], Figures]] = {}

    def __call__(self, batch: TransitionBatch) -> Figures:
        """Take one update, as the learner's own would be."""
        course = self._learner.course(batch.step, batch.steps)
        if course not in self._recorded and self._taken[course] < WARM_UP:
            self._taken[course] += 1
            return self._recorder.warm_up(lambda: self._learner.update(batch))
        held = self._hold(batch)
        if course not in self._recorded:
            self._recorded[course] = self._recorder.record(lambda: self._learner.update(held))
        replay, figures = self._recorded[course]
        replay()
        return figures

    def _hold(self, batch: TransitionBatch) -> TransitionBatch:
        """Return the batch in the memory that graphs read."""
        if self._batch is None:
            own: Any = {name: value.clone() for name, value in _tensors(batch).items()}
            self._batch = replace(batch, **own)
        held = _tensors(self._batch)
        for name, value in _tensors(batch).items():
            held[name].copy_(value)
        return replace(self._batch, step=batch.step, steps=batch.steps)


class CudaGraphs:
    """Records on the current GPU, each graph with memory of its own."""

    def warm_up(self, function: Callable[[], Figures]) -> Figures:
        """Call a function on another stream than the usual one, as recording will."""
        current, other = torch.cuda.current_stream(), torch.cuda.Stream()  # type: ignore[no-untyped-call]
        other.wait_stream(current)
        with torch.cuda.stream(other):
            figures = function()
        current.wait_stream(other)
        return figures

    def record(self, function: Callable[[], Figures]) -> tuple[Callable[[], object], Figures]:
        """Return the replay of a CUDA graph, and the figures that it writes."""
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            figures = function()
        return graph.replay, figures


def _tensors(batch: TransitionBatch) -> dict[str, Tensor]:
    values = {field.name: getattr(batch, field.name) for field in fields(batch)}
    return {name: value for name, value in values.items() if isinstance(value, Tensor)}
