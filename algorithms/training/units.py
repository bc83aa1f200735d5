"""Units of data: completions that are shuffled together and never torn apart by a batch."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from algorithms.base import UserError
from algorithms.training.seeds import stream

UnitKind = Literal["completion", "prompt", "pair"]


@dataclass(frozen=True)
class Units:
    """Completions of a training set, unit by unit: all of it, or the batch of one update."""

    rows: np.ndarray
    """Which completions, int64; a batch larger than the data holds some twice."""
    ends: np.ndarray
    """Where each unit ends in `rows`, int64."""

    @classmethod
    def singles(cls, rows: np.ndarray) -> "Units":
        """Return each completion as a unit of its own."""
        return cls(rows, np.arange(1, len(rows) + 1))

    @classmethod
    def of_groups(cls, groups: np.ndarray) -> "Units":
        """Return the completions of equal group number as units, by number, in their order."""
        rows = np.argsort(groups, kind="stable")
        borders = np.flatnonzero(np.diff(groups[rows])) + 1
        return cls(rows, np.append(borders, len(rows)))

    def __len__(self) -> int:
        return len(self.ends)

    @cached_property
    def sizes(self) -> np.ndarray:
        """Completions of each unit."""
        return np.diff(self.ends, prepend=0)

    @cached_property
    def index(self) -> np.ndarray:
        """Return the number of the unit that each of `rows` belongs to."""
        return np.repeat(np.arange(len(self)), self.sizes)

    def take(self, chosen: np.ndarray) -> "Units":
        """Return some units, in the order asked for."""
        sizes = self.sizes[chosen]
        ends = sizes.cumsum()
        starts = self.ends[chosen] - sizes
        within = np.arange(sizes.sum()) - np.repeat(ends - sizes, sizes)
        return Units(self.rows[np.repeat(starts, sizes) + within], ends)

    def dealt(self, weights: np.ndarray, hands: int) -> list[np.ndarray]:
        """Return the numbers of the units that each of some processes gets, in their order.

        As many units for each, give or take one, and of like weight together: dealt out from the
        heaviest to the lightest, there and back again.

        Args:
            weights: of each of `rows`.
        """
        of_unit = np.bincount(self.index, weights=weights, minlength=len(self))
        lap, place = np.divmod(np.arange(len(self)), hands)
        hand = np.where(lap % 2, hands - 1 - place, place)
        order = np.argsort(-of_unit, kind="stable")
        return [np.sort(order[hand == number]) for number in range(hands)]

    def micro_batches(self, size: int) -> Iterator[slice]:
        """Yield slices of `rows` of whole units, at most `size` completions each.

        A unit of more than `size` completions is a micro-batch of its own.
        """
        start = end = 0
        for unit_end in self.ends.tolist():
            if end > start and unit_end - start > size:
                yield slice(start, end)
                start = end
            end = unit_end
        if end > start:
            yield slice(start, end)


def named_pairs(pairs: np.ndarray, prompts: np.ndarray, rewards: np.ndarray) -> Units:
    """Return the pairs that the rollouts name, the completion of higher reward first.

    Args:
        pairs: number of each completion's pair within its prompt; below 0 for none.

    Raises:
        UserError: no completion is in a pair, or one is not a pair of different rewards.
    """
    named = np.flatnonzero(pairs >= 0)
    if not len(named):
        raise UserError(
            f"The column `pair` of the rollouts is empty for all {len(pairs):,} completions, so "
            "there is no pair to learn from. Curate the rollouts with pairs that exist."
        )
    order = named[np.lexsort((-rewards[named], pairs[named], prompts[named]))]
    keys = np.stack([prompts[order], pairs[order]])
    borders = np.flatnonzero((np.diff(keys) != 0).any(axis=0)) + 1
    units = Units(order, np.append(borders, len(order)))
    wrong = np.flatnonzero(units.sizes != 2)
    if len(wrong):
        row = units.rows[units.ends[wrong[0]] - 1]
        raise UserError(
            f"Pair {pairs[row]} of the rollouts is not two completions of one prompt, but "
            f"{units.sizes[wrong[0]]}. Curate the rollouts again."
        )
    equal = np.flatnonzero(rewards[units.rows[0::2]] <= rewards[units.rows[1::2]])
    if len(equal):
        row = units.rows[2 * equal[0]]
        raise UserError(
            f"Both completions of pair {pairs[row]} have the reward {rewards[row]:g}; one of a "
            "pair has to be better. Curate the rollouts again."
        )
    return units


def random_pairs(prompts: np.ndarray, rewards: np.ndarray, *, most: int, seed: int) -> Units:
    """Return random pairs of better and worse completions of a prompt, the better one first.

    Better and worse are rewards above and below the middle between the best and the worst of the
    prompt: correct and incorrect, where rewards are +1 and -1. No completion is used twice. TOPR
    (arXiv:2503.14286, section 4.1) names "up to 16" pairs per question; the rule is ours.

    Args:
        most: pairs per prompt.

    Raises:
        UserError: no prompt has completions of different rewards.
    """
    random = stream("pairs", seed)
    groups = Units.of_groups(prompts)
    chosen: list[np.ndarray] = []
    for rows in np.split(groups.rows, groups.ends[:-1]):
        worth = rewards[rows].astype(np.float64)
        middle = (worth.min() + worth.max()) / 2
        better, worse = rows[worth > middle], rows[worth < middle]
        count = min(len(better), len(worse), most)
        if count:
            drawn = [random.permutation(side)[:count] for side in (better, worse)]
            chosen.append(np.stack(drawn, axis=1).ravel())
    if not chosen:
        raise UserError(
            f"None of the {len(groups):,} prompts has completions of different rewards, so there "
            "is no pair to learn from. Generate more completions per prompt, or choose another "
            "algorithm."
        )
    pairs = np.concatenate(chosen)
    return Units(pairs, np.arange(2, len(pairs) + 1, 2))
