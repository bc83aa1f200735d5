"""How prompts and completions are laid out for the forward passes of a model.

- packed: one row of sequences, one behind the other, sorted by length. No position is padding but
  a few at the very end.
- shared: the same, with every distinct prompt once and the completions of it behind it.
- padded: sequences of the same padded length side by side, for models that do not pack.

The last token of a completion predicts nothing and is left out.

A token gets the same bits in whatever company it is computed: CPU kernels give a row of a matrix
the same bits whatever rows are beside it, as long as there are a few of them and vector units
meet no remainder, which is why rows are filled up.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from algorithms.training.linear_logprobs import ROWS
from algorithms.training.packed_attention import Plan, make_plan
from algorithms.training.sequences import Sequences

Layout = Literal["packed", "shared", "padded"]

_SHORT = 16
"""Up to here padded sequences are padded to an even length only."""
_FEWEST = 8
"""Padded matrices of fewer rows are filled up: below 4, CPU kernels gave other bits."""
_MOST_TOKENS = {"cpu": 4096, "cuda": 32_768}
"""Tokens of one forward pass; a longer sequence, or a prompt with its completions, is one pass."""


@dataclass(frozen=True)
class Pass:
    """One forward pass, and which of its positions predict which tokens."""

    ids: Int[Tensor, "b S"]
    positions: Int[Tensor, "b S"] | None
    """None where each row is one sequence."""
    plan: Plan | None
    """Which positions see which; None where each row is one sequence."""
    predictors: Int[Tensor, " n"]
    """Flat positions whose hidden states predict a completion token."""
    targets: Int[Tensor, " n"]
    """These tokens."""
    places: Int[Tensor, " n"]
    """Where they stand in a flat [B, T]."""

    def to(self, device: torch.device) -> "Pass":
        """Return the same on a device."""
        return Pass(
            self.ids.to(device),
            None if self.positions is None else self.positions.to(device),
            self.plan,  # read by the host
            self.predictors.to(device),
            self.targets.to(device),
            self.places.to(device),
        )


def passes(sequences: Sequences, layout: Layout, device: torch.device) -> Iterator[Pass]:
    """Yield the forward passes that cover every completion token once."""
    if not sequences.prompts:
        return
    limit = _MOST_TOKENS.get(device.type, _MOST_TOKENS["cpu"])
    if layout == "padded":
        made = _padded(sequences, limit)
    else:
        made = _packed(sequences, limit, shared=layout == "shared")
    for one in made:
        yield one.to(device)


def idle_pass(layout: Layout, device: torch.device) -> Pass:
    """Return a forward pass that predicts nothing, for processes that only have to join in."""
    nothing = torch.empty(0, dtype=torch.int64)
    made = Pass(
        ids=torch.zeros(1, ROWS, dtype=torch.int64),
        positions=None if layout == "padded" else torch.arange(ROWS).unsqueeze(0),
        plan=None if layout == "padded" else make_plan([(1, ROWS, -1)]),
        predictors=nothing,
        targets=nothing,
        places=nothing,
    )
    return made.to(device)


def padded_length(length: int) -> int:
    """Return the length to pad to: 2, 4, 6 to 16, then 24, 32, 48, 64, 96, 128 and so on."""
    if length <= _SHORT:
        return length + length % 2
    size = _SHORT
    while size < length:
        size = size * 3 // 2 if size & (size - 1) == 0 else size * 4 // 3
    return size


class _Predictions:
    """Which positions predict which completion tokens, collected row by row."""

    def __init__(self, sequences: Sequences) -> None:
        self._completions = sequences.completions
        self._width = sequences.mask.shape[1]
        self._predictors: list[np.ndarray] = []
        self._targets: list[np.ndarray] = []
        self._places: list[np.ndarray] = []

    def add(self, row: int, first: int, rest: int) -> None:
        """Say where the first token of a completion is predicted, and where its second one is."""
        count = len(self._completions[row])
        predictors = rest - 1 + np.arange(count)
        predictors[:1] = first
        self._predictors.append(predictors)
        self._targets.append(self._completions[row])
        self._places.append(row * self._width + np.arange(count))

    def of(
        self, ids: np.ndarray, positions: np.ndarray | None = None, plan: Plan | None = None
    ) -> Pass:
        """Return the pass over these tokens."""
        flat = (self._predictors, self._targets, self._places)
        predictors, targets, places = (torch.from_numpy(np.concatenate(rows)) for rows in flat)
        at = None if positions is None else torch.from_numpy(positions)
        return Pass(torch.from_numpy(ids), at, plan, predictors, targets, places)


def _padded(sequences: Sequences, limit: int) -> Iterator[Pass]:
    """Padding stands to the right of every real token, so a causal model needs no mask."""
    members: dict[int, list[int]] = defaultdict(list)
    for row, (prompt, completion) in enumerate(
        zip(sequences.prompts, sequences.completions, strict=True)
    ):
        members[padded_length(len(prompt) + len(completion) - 1)].append(row)
    for length, rows in sorted(members.items()):
        most = max(1, limit // length)
        for start in range(0, len(rows), most):
            yield _padded_pass(sequences, rows[start : start + most], length)


def _padded_pass(sequences: Sequences, rows: list[int], length: int) -> Pass:
    filled = max(len(rows), -(-_FEWEST // length))
    ids = np.zeros((filled, length), dtype=np.int64)
    predictions = _Predictions(sequences)
    for line, row in enumerate(rows):
        prompt, completion = sequences.prompts[row], sequences.completions[row]
        end = len(prompt) + len(completion) - 1
        ids[line, : len(prompt)] = prompt
        ids[line, len(prompt) : end] = completion[:-1]
        start = line * length + len(prompt)
        predictions.add(row, start - 1, start)
    return predictions.of(ids)


@dataclass(frozen=True)
class _Tree:
    """Completions of one prompt, sorted by length."""

    prompt: np.ndarray
    rows: list[int]
    size: int
    """Tokens to compute."""


def _trees(sequences: Sequences, *, shared: bool) -> list[_Tree]:
    """Return the completions of each prompt together, or each alone; short ones first."""
    members: dict[bytes | int, list[int]] = defaultdict(list)
    for row, prompt in enumerate(sequences.prompts):
        members[prompt.tobytes() if shared else row].append(row)
    lengths = [len(completion) - 1 for completion in sequences.completions]
    trees = []
    for rows in members.values():
        prompt = sequences.prompts[rows[0]]
        rows.sort(key=lambda row: lengths[row])
        trees.append(_Tree(prompt, rows, len(prompt) + sum(lengths[row] for row in rows)))
    return sorted(trees, key=lambda tree: tree.size)


def _packed(sequences: Sequences, limit: int, *, shared: bool) -> Iterator[Pass]:
    row = _Row(sequences)
    for tree in _trees(sequences, shared=shared):
        if row.size and row.size + tree.size > limit:
            yield row.finish()
            row = _Row(sequences)
        row.add(tree)
    yield row.finish()


class _Row:
    """A packed row as it grows."""

    def __init__(self, sequences: Sequences) -> None:
        self.size = 0
        self._completions = sequences.completions
        self._predictions = _Predictions(sequences)
        self._ids: list[np.ndarray] = []
        self._positions: list[np.ndarray] = []
        self._lines: list[tuple[int, int, int]] = []

    def add(self, tree: _Tree) -> None:
        """Append a completion with its prompt, or several with the prompt they share."""
        prompt = tree.prompt
        if len(tree.rows) == 1:
            [row] = tree.rows
            start = self.size + len(prompt)
            self._predictions.add(row, start - 1, start)
            self._append(np.concatenate([prompt, self._completions[row][:-1]]), start=0)
            return
        self._append(prompt, start=0, before=-2)
        trunk = len(self._lines) - 1
        self._lines[trunk] = (1, len(prompt), -1)
        end = self.size
        for row in tree.rows:
            self._predictions.add(row, end - 1, self.size)
            self._append(self._completions[row][:-1], start=len(prompt), before=trunk)

    def _append(self, ids: np.ndarray, *, start: int, before: int = -1) -> None:
        if len(ids) == 0:
            return
        self._ids.append(ids)
        self._positions.append(np.arange(start, start + len(ids)))
        self.size += len(ids)
        last = self._lines[-1] if self._lines else (0, 0, 0)
        if last[1:] == (len(ids), before):
            self._lines[-1] = (last[0] + 1, len(ids), before)
        else:
            self._lines.append((1, len(ids), before))

    def finish(self) -> Pass:
        """Return the pass, filled up."""
        self._append(np.zeros(-self.size % ROWS, np.int64), start=0)
        ids, positions = (np.concatenate(rows)[None] for rows in (self._ids, self._positions))
        return self._predictions.of(ids, positions, make_plan(self._lines))
