"""Which completions each update sees: a new permutation every epoch, computed from the seed."""

import math
from functools import lru_cache

import numpy as np

from algorithms.settings import LLMSettings
from algorithms.training.seeds import stream


class DataOrder:
    """The order of a whole training, without state: any update can be asked for at any time."""

    def __init__(self, count: int, settings: LLMSettings, seed: int) -> None:
        self._count = count
        self._batch_size = settings.batch_size
        self._seed = seed
        if settings.epochs is None:
            self._samples = settings.steps * settings.batch_size
        else:
            self._samples = max(1, round(settings.epochs * count))
        self.steps = math.ceil(self._samples / settings.batch_size)
        self._epoch = lru_cache(maxsize=2)(self._permutation)

    def _permutation(self, epoch: int) -> np.ndarray:
        return stream("data order", self._seed, epoch).permutation(self._count)

    def batch(self, step: int) -> np.ndarray:
        """Return the completions of update `step`, from 0.

        Batches run on across the border of two epochs. Where epochs are counted, the last batch
        may be smaller, so that everything is seen equally often.
        """
        start = step * self._batch_size
        end = min(start + self._batch_size, self._samples)
        parts = []
        while start < end:
            epoch, offset = divmod(start, self._count)
            parts.append(self._epoch(epoch)[offset : offset + end - start])
            start += len(parts[-1])
        return np.concatenate(parts)
