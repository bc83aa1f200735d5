"""Completions token by token: each token's text beside its log-probability."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tokenizers import Tokenizer

TOKENIZER_FILE = "tokenizer.json"
STEPS = (0.9, 0.5, 0.1, 0.01)
"""Probabilities at which the colour changes."""


@dataclass(frozen=True)
class Token:
    """One token of a completion as it is shown."""

    text: str
    id: int
    logprob: float | None

    @property
    def shade(self) -> int:
        """0 for a token the policy was sure of, 4 for one it hardly expected."""
        if self.logprob is None or not math.isfinite(self.logprob):
            return 0
        return sum(math.exp(min(self.logprob, 0.0)) < step for step in STEPS)

    @property
    def probability(self) -> float | None:
        """Probability of the token."""
        return None if self.logprob is None else math.exp(min(self.logprob, 0.0))


@lru_cache(maxsize=8)
def load_tokenizer(path: Path, size: int) -> Tokenizer:  # noqa: ARG001 - a changed file is another key
    """Return the tokenizer of a policy's folder."""
    return Tokenizer.from_file(str(path))


def tokenizer_in(folder: Path) -> Tokenizer | None:
    """Return the tokenizer of a transformers folder; None where it has no fast one."""
    path = folder / TOKENIZER_FILE
    return load_tokenizer(path, path.stat().st_size) if path.is_file() else None


def split(
    tokenizer: Tokenizer | None, ids: Sequence[int], logprobs: Sequence[float | None]
) -> list[Token]:
    """Return a completion's tokens; their numbers where there is no tokenizer.

    A token is decoded behind the one before it, because many tokenizers drop the space of a
    token that stands alone.
    """
    texts = [f"[{one}]" for one in ids] if tokenizer is None else _texts(tokenizer, ids)
    shown = [*logprobs, *[None] * (len(ids) - len(logprobs))]
    return [
        Token(text, one, logprob) for text, one, logprob in zip(texts, ids, shown, strict=False)
    ]


def _texts(tokenizer: Tokenizer, ids: Sequence[int]) -> list[str]:
    texts: list[str] = []
    for place, one in enumerate(ids):
        before = list(ids[max(0, place - 1) : place])
        whole = tokenizer.decode([*before, one], skip_special_tokens=False)
        prefix = tokenizer.decode(before, skip_special_tokens=False) if before else ""
        text = whole.removeprefix(prefix)
        texts.append(text or f"[{one}]")
    return texts
