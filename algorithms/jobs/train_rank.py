"""One of the processes of a training over several: `python -m algorithms.jobs.train_rank RANK`."""

from collections.abc import Mapping
from typing import Any

from algorithms.base import JobContext, Summary
from algorithms.jobs.train import train
from algorithms.specs import TrainSpec
from algorithms.training.distributed import Ranks
from algorithms.training.rank import serve


def _train(spec: Mapping[str, Any], context: JobContext, ranks: Ranks) -> Summary:
    return train(TrainSpec.model_validate(spec), context, ranks)


if __name__ == "__main__":
    serve(_train)
