"""What pages and API ask of the labs: judgements of a batch, and bandits as far as played."""

import json
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from algorithms.base import Schema, UserError
from algorithms.catalogue import ALGORITHMS
from algorithms.labs.ascent import Ascent
from algorithms.labs.bandit import Bandit
from algorithms.labs.batch import LabBatch
from algorithms.labs.loss_lab import Judgement, Scale, judge

MAX_CHOICES = 16
MAX_WORK = 400_000
"""Updates of all algorithms together that one bandit may ask for."""
MAX_CELLS = 20_000
"""Tokens times algorithms that one look at a batch may ask for."""
KEPT = 96
"""Bandits kept in memory, the least recently played thrown away."""


@dataclass(frozen=True)
class Chosen:
    """An algorithm with settings, and what it is called."""

    algorithm: str
    label: str
    params: Schema


@dataclass(frozen=True)
class Look:
    """What one algorithm makes of a batch, or why it makes nothing of it."""

    chosen: Chosen
    judgement: Judgement | None
    problem: str = ""


@dataclass(frozen=True)
class Played:
    """A bandit as far as one algorithm has played it."""

    chosen: Chosen
    updates: int
    is_done: bool
    policy: tuple[float, ...]
    recorded: dict[int, tuple[float, ...]]
    half_at: int | None
    broken_at: int | None


def batch_look(
    *, batch: LabBatch, chosen: Sequence[Chosen], scale: Scale = "completion"
) -> list[Look]:
    """Return what each algorithm makes of a batch.

    Raises:
        UserError: too many algorithms or tokens to answer at once.
    """
    _must_be_few(chosen)
    if batch.tokens * len(chosen) > MAX_CELLS:
        raise UserError(
            f"{batch.tokens:,} tokens for {len(chosen)} algorithms are more than this page answers "
            f"at once ({MAX_CELLS:,} together): leave out completions or algorithms."
        )
    return [_look(batch, one, scale) for one in chosen]


def _look(batch: LabBatch, chosen: Chosen, scale: Scale) -> Look:
    try:
        found = judge(batch, ALGORITHMS[chosen.algorithm], chosen.params, scale=scale)
    except ValueError as error:
        # A loss may refuse a batch that is not of its kind; the others have their say.
        return Look(chosen, None, f"{chosen.label} refuses this batch: {error}.")
    problem = "" if found.is_finite else f"{chosen.label} has no finite loss or gradient here."
    return Look(chosen, found, problem)


def bandit_play(*, bandit: Bandit, chosen: Sequence[Chosen], seconds: float) -> list[Played]:
    """Return a bandit as each algorithm has played it, after going on for about so long.

    What was computed is kept: asking the same again goes on where it stopped, and is free once
    all is done.

    Raises:
        UserError: too many algorithms or updates.
    """
    _must_be_few(chosen)
    if bandit.updates * len(chosen) > MAX_WORK:
        raise UserError(
            f"{bandit.updates:,} updates for {len(chosen)} algorithms are too much work here "
            f"({MAX_WORK:,} updates in all): ask for fewer of either."
        )
    end = time.monotonic() + seconds
    played = []
    for place, one in enumerate(chosen):
        # Each gets an equal part of what is left; who is done leaves theirs to the others.
        part = max(0.0, end - time.monotonic()) / (len(chosen) - place)
        played.append(_played(one, _TABLES.play(bandit, one, part)))
    return played


def _played(chosen: Chosen, ascent: Ascent) -> Played:
    return Played(
        chosen=chosen,
        updates=ascent.updates,
        is_done=ascent.is_done,
        policy=ascent.policy,
        recorded=dict(ascent.recorded),
        half_at=ascent.half_at,
        broken_at=ascent.broken_at,
    )


def _must_be_few(chosen: Sequence[Chosen]) -> None:
    if len(chosen) > MAX_CHOICES:
        raise UserError(f"{len(chosen)} algorithms are too many here: {MAX_CHOICES} at most.")


class _Tables:
    """Bandits being played, one at a time in a process, so that pages stay quick beside them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ascents: OrderedDict[str, Ascent] = OrderedDict()

    def play(self, bandit: Bandit, chosen: Chosen, seconds: float) -> Ascent:
        """Return the ascent after going on with it for about so long."""
        algorithm = ALGORITHMS[chosen.algorithm]
        key = json.dumps(
            [
                bandit.model_dump(),
                chosen.algorithm,
                algorithm.version,
                chosen.params.model_dump(mode="json"),
            ]
        )
        with self._lock:
            ascent = self._ascents.pop(key, None) or Ascent(bandit, algorithm, chosen.params)
            self._ascents[key] = ascent
            while len(self._ascents) > KEPT:
                self._ascents.popitem(last=False)
            ascent.advance(seconds=seconds)
            return ascent


_TABLES = _Tables()
