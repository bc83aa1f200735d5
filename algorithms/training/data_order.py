"""Which completions each update sees: a new permutation every epoch, computed from the seed."""

import math
from functools import lru_cache

import numpy as np

from algorithms.settings import LLMSettings
from algorithms.training.seeds import stream
from algorithms.training.units import Units


class DataOrder:
    """The order of a whole training, without state: any update can be asked for at any time.

    Units are shuffled, and a batch is whole units: as many as make `batch_size` completions on
    average, at least one. Where units differ in size, so do batches.
    """

    def __init__(self, units: Units, settings: LLMSettings, seed: int) -> None:
        self._data = units
        self._seed = seed
        mean_size = len(units.rows) / len(units)
        self._batch_units = max(1, round(settings.batch_size / mean_size))
        if settings.epochs is None:
            self._units = settings.steps * self._batch_units
        else:
            self._units = max(1, round(settings.epochs * len(units)))
        self.steps = math.ceil(self._units / self._batch_units)
        self._epoch = lru_cache(maxsize=2)(self._permutation)

    def _permutation(self, epoch: int) -> np.ndarray:
        return stream("data order", self._seed, epoch).permutation(len(self._data))

    def batch(self, step: int) -> Units:
        """Return the units of update `step`, from 0.

        Batches run on across the border of two epochs. Where epochs are counted, the last batch
        may be smaller, so that everything is seen equally often.
        """
        start = step * self._batch_units
        end = min(start + self._batch_units, self._units)
        parts = []
        while start < end:
            epoch, offset = divmod(start, len(self._data))
            parts.append(self._epoch(epoch)[offset : offset + end - start])
            start += len(parts[-1])
        return self._data.take(np.concatenate(parts))
