"""Two policies' completions of one prompt side by side: tokens or words in which they differ."""

import difflib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import pyarrow.parquet as pq

from webapp.results.rollout_file import IndexKey, RowFilter, key_of, open_index
from webapp.results.rollout_pages import Completion, PromptPage, prompt_page
from webapp.results.rollout_selectors import RolloutSet
from webapp.results.token_texts import Token

STEPS = (0.05, 0.2, 0.7, 1.6, 3.0)
"""Absolute differences of log-probabilities, in nats, at which the colour changes."""
MOST_PIECES = 4000
"""Words and signs of two texts beyond which nothing is marked: comparing them is quadratic."""
_PIECES = re.compile(r"\w+|\s+|[^\w\s]")


@dataclass(frozen=True)
class ChangedToken:
    """A token that both sets have, with its log-probability in each."""

    text: str
    id: int
    left: float
    right: float

    @property
    def change(self) -> float:
        """Right minus left, in nats."""
        return self.right - self.left

    @property
    def direction(self) -> str:
        """Whether the right policy finds the token likelier (up) or less likely (down)."""
        return "up" if self.change > 0 else "down"

    @property
    def level(self) -> int:
        """Strength of the colour, from 0 to 5."""
        return sum(abs(self.change) >= step for step in STEPS)


@dataclass(frozen=True)
class Piece:
    """A stretch of text, and whether the other text lacks it."""

    text: str
    is_own: bool


@dataclass(frozen=True)
class Match:
    """The completions of one sample number in both sets."""

    sample: int
    left: Completion | None
    right: Completion | None
    tokens: tuple[ChangedToken, ...] = ()
    """Where both completions are the same tokens, each with its log-probability."""
    left_pieces: tuple[Piece, ...] = ()
    right_pieces: tuple[Piece, ...] = ()

    @property
    def change(self) -> float:
        """Change of the log-probability of the whole completion, in nats."""
        return sum(token.change for token in self.tokens)


@dataclass(frozen=True)
class Beside:
    """One prompt in two sets."""

    left: PromptPage
    right: PromptPage | None
    """None where the other set was not asked this prompt."""
    matches: tuple[Match, ...]

    @property
    def has_changes(self) -> bool:
        """Whether any completion has log-probabilities under both policies."""
        return any(match.tokens for match in self.matches)


def beside(left: RolloutSet, right: RolloutSet, number: int) -> Beside | None:
    """Return a prompt of the left set with its completions in both; None without such a prompt.

    Raises:
        UserError: a file cannot be read.
    """
    here = prompt_page(left, number, RowFilter())
    if here is None:
        return None
    place = _numbers(key_of(right.artifact)).get(here.first.prompt_id)
    there = None if place is None else prompt_page(right, place, RowFilter())
    return Beside(here, there, tuple(_matches(here, there)))


@lru_cache(maxsize=16)
def _numbers(artifact: IndexKey) -> dict[str, int]:
    """Return the number of each prompt by its id."""
    index = open_index(artifact.row)
    ids = pq.read_table(index.path, columns=["prompt_id"])["prompt_id"]
    first = ids.take(index.prompt_starts[:-1]).to_pylist()
    return {one: number for number, one in enumerate(first)}


def _matches(here: PromptPage, there: PromptPage | None) -> list[Match]:
    left = {one.row.sample: one for one in here.completions}
    right = {one.row.sample: one for one in there.completions} if there else {}
    return [_match(one, left.get(one), right.get(one)) for one in sorted({*left, *right})]


def _match(sample: int, left: Completion | None, right: Completion | None) -> Match:
    if left is None or right is None:
        return Match(sample, left, right)
    changed = _changed(left.tokens, right.tokens)
    if changed:
        return Match(sample, left, right, tokens=changed)
    pieces = _differing(left.row.completion, right.row.completion)
    return Match(sample, left, right, left_pieces=pieces[0], right_pieces=pieces[1])


def _changed(left: Sequence[Token], right: Sequence[Token]) -> tuple[ChangedToken, ...]:
    """Return the tokens with both log-probabilities; nothing where they are not the same tokens."""
    if [one.id for one in left] != [one.id for one in right]:
        return ()
    pairs = [
        ChangedToken(one.text, one.id, one.logprob, other.logprob)
        for one, other in zip(left, right, strict=True)
        if one.logprob is not None
        and other.logprob is not None
        and math.isfinite(one.logprob - other.logprob)
    ]
    return tuple(pairs) if len(pairs) == len(left) else ()


def _differing(left: str, right: str) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """Return both texts in pieces, marked where the other one has something else."""
    a, b = _PIECES.findall(left), _PIECES.findall(right)
    if len(a) + len(b) > MOST_PIECES:
        return (Piece(left, is_own=False),), (Piece(right, is_own=False),)
    ours, theirs = [], []
    for kind, a0, a1, b0, b1 in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        differs = kind != "equal"
        ours.append(Piece("".join(a[a0:a1]), differs))
        theirs.append(Piece("".join(b[b0:b1]), differs))
    return tuple(one for one in ours if one.text), tuple(one for one in theirs if one.text)
