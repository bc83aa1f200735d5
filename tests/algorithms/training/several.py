"""Trainings by several processes, one after the other: `python -m tests....several RANK`."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from algorithms.base import CompletionBatch, JobContext, LLMAlgorithm, LossOutput, Schema, Summary
from algorithms.catalogue import ALGORITHMS
from algorithms.jobs.train import train
from algorithms.specs import TrainSpec
from algorithms.training import lessons
from algorithms.training.distributed import Ranks
from algorithms.training.rank import serve
from tests.algorithms.training.world import Recorder

POINTS = "points.json"


class Trainings(Schema):
    """What they do, by the name of the folder that it goes to."""

    trainings: Mapping[str, TrainSpec]


class _Params(Schema):
    """Of an algorithm that breaks down."""

    at: int = 2
    """Call of the loss whose value is no number, from 0; in the last process only."""


class Broken:
    """REINFORCE that breaks down once."""

    def __init__(self) -> None:
        self.calls = -1  # the first call looks for a signal before any update

    def loss(self, logprobs: torch.Tensor, batch: CompletionBatch, params: _Params) -> LossOutput:
        loss = -(batch.rewards * logprobs.sum(-1)).mean()
        is_last = not dist.is_initialized() or dist.get_rank() == dist.get_world_size() - 1
        if self.calls == params.at and is_last:
            loss = loss + logprobs.sum() * torch.nan
        self.calls += 1
        return LossOutput(loss=loss)


def broken() -> LLMAlgorithm:
    """Return the algorithm that breaks down."""
    return LLMAlgorithm("Broken", "none", "", "", _Params, Broken().loss)


def _train_all(spec: Mapping[str, Any], context: JobContext, ranks: Ranks) -> Summary:
    setattr(lessons, "ALGORITHMS", {**ALGORITHMS, "broken": broken()})  # noqa: B010 - not exported
    for name, one in Trainings.model_validate(spec).trainings.items():
        output, recorder = context.output / name, Recorder()
        if ranks.is_first:
            output.mkdir()
        ranks.wait()
        checkpoints = context.checkpoints / f"{name}.checkpoints"
        train(
            one,
            replace(context, output=output, checkpoints=checkpoints, reporter=recorder),
            ranks,
        )
        if ranks.is_first:
            _write(recorder, output)
    return {}


def _write(recorder: Recorder, folder: Path) -> None:
    told = {"points": recorder.points, "messages": recorder.messages}
    (folder / POINTS).write_text(json.dumps(told))


if __name__ == "__main__":
    serve(_train_all)
