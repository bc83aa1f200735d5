"""What is learned, and the batch of one update: whole, in micro-batches, dealt out to processes."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from algorithms.base import CompletionBatch, LLMAlgorithm, Schema
from algorithms.settings import LLMSettings
from algorithms.shared.batches import advantages
from algorithms.training.completions import TrainingSet
from algorithms.training.distributed import ALONE, Ranks
from algorithms.training.evaluation import Exam
from algorithms.training.seeds import stream
from algorithms.training.sequences import Sequences
from algorithms.training.units import Units


@dataclass(frozen=True)
class Lesson:
    """What is learned, from what, and how it is examined."""

    algorithm: LLMAlgorithm
    params: Schema
    settings: LLMSettings
    seed: int
    data: TrainingSet
    exam: Exam

    @cached_property
    def units(self) -> Units:
        """What is shuffled and kept together.

        Where prompts are shared, batches hold whole prompts even if the algorithm could do with
        single completions: there would be little to share otherwise.

        Raises:
            UserError: the algorithm learns from pairs, and there is none.
        """
        unit = self.algorithm.unit
        if self.settings.share_prompts and unit == "completion":
            unit = "prompt"
        return self.data.units(unit, most_pairs=self.settings.pairs_per_prompt, seed=self.seed)


@dataclass(frozen=True)
class WholeBatch:
    """The completions of one update, with what only all of them together can tell."""

    lesson: Lesson
    units: Units
    parts: tuple[np.ndarray, ...]
    """Micro-batches of this process, each as places in the batch: whole units. Empty ones where
    other processes have more."""
    advantages: Float[Tensor, " B"]
    mean_tokens: float

    @classmethod
    def of(
        cls, lesson: Lesson, units: Units, *, step: int, size: int, ranks: Ranks = ALONE
    ) -> "WholeBatch":
        """Return the batch of an update, cut into micro-batches of at most `size` completions.

        Args:
            ranks: the processes that the micro-batches are dealt out to.
        """
        draw = int(stream("advantages", lesson.seed, step).integers(2**63))
        outcomes = lesson.data.outcomes(units.rows, torch.Generator().manual_seed(draw))
        return cls(
            lesson,
            units,
            _parts(lesson.data, units, size, ranks),
            advantages(lesson.algorithm, lesson.params, outcomes),
            float(outcomes.lengths.double().mean()),
        )

    def part(
        self, where: slice | np.ndarray, device: torch.device
    ) -> tuple[Sequences, CompletionBatch]:
        """Return one micro-batch, or the whole batch by `slice(None)`; nothing is selected yet."""
        sequences, batch = self.lesson.data.batch(self.units.rows[where], device)
        known = replace(
            batch,
            advantages=self.advantages[where].to(device),
            mean_tokens=self.mean_tokens,
            unit_index=torch.from_numpy(self.units.index[where]).to(device),
        )
        return sequences, known


def _parts(data: TrainingSet, units: Units, size: int, ranks: Ranks) -> tuple[np.ndarray, ...]:
    """Return the micro-batches of one process, as many as the one with most has.

    Every process gets whole units of like many tokens together.
    """
    tokens = data.prompts.lengths[units.rows] + data.completions.lengths[units.rows]
    places = Units(np.arange(len(units.rows)), units.ends)
    hands = [places.take(hand) for hand in units.dealt(tokens, ranks.size)]
    parts = [[hand.rows[cut] for cut in hand.micro_batches(size)] for hand in hands]
    most = max(map(len, parts))
    mine = parts[ranks.rank]
    return (*mine, *[places.rows[:0]] * (most - len(mine)))
