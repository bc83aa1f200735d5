"""Whether a completion goes round in circles."""

from collections.abc import Sequence

NGRAM = 4
FEWEST_NGRAMS = 16
"""Below this many n-grams nothing is called repetition: 1111 is a number."""
THRESHOLD = 0.5
"""Share of repeated n-grams above which a completion counts as repetitive."""


def repetition(tokens: Sequence[int], *, n: int = NGRAM) -> float:
    """Return the share of a completion's n-grams that repeat an earlier one, from 0 to below 1.

        seq-rep-n = 1 - distinct n-grams / n-grams   (Welleck et al. 2020, arXiv:1908.04319)

    0 for completions of fewer than FEWEST_NGRAMS n-grams.
    """
    total = len(tokens) - n + 1
    if total < FEWEST_NGRAMS:
        return 0.0
    distinct = len({tuple(tokens[start : start + n]) for start in range(total)})
    return 1 - distinct / total


def is_repetitive(share: float) -> bool:
    """Return whether a completion with this repetition counts as repetitive."""
    return share > THRESHOLD
