"""What a set of completions is made of: the same figures before and after, in job and preview."""

import math
from dataclasses import dataclass

import numpy as np

from algorithms.base import Summary
from algorithms.curation.columns import CORRECT, INCORRECT, INVALID, Columns, Ints
from algorithms.curation.operators import first_of_equals, mixed_rewards, per_prompt
from algorithms.shared.baseline import effective_positive_share


@dataclass(frozen=True)
class Composition:
    """Figures of a set; positives are the correct completions, all others negatives."""

    completions: int
    correct: int
    incorrect: int
    invalid: int
    prompts: int
    """Prompts that have a completion."""
    prompts_with_positive: int
    solved_always: int
    """Prompts all of whose completions are correct."""
    solved_never: int
    """Prompts without a positive."""
    zero_variance: int
    """Prompts whose completions all earned the same reward."""
    tokens: int
    tokens_mean: float
    tokens_p95: float
    tokens_longest: int
    duplicates: int
    """Completions that repeat an earlier one of the same prompt, token by token."""
    reward_mean: float
    positives_per_prompt: tuple[int, ...]
    """How many prompts have 0, 1, 2... positives."""

    @property
    def positive_share(self) -> float:
        """Share of positives (p); 0 in an empty set."""
        return self.correct / self.completions if self.completions else 0.0

    def effective_share(self, baseline: float) -> float | None:
        """Return the effective share of positives at a baseline c; None where no weight is left.

        TOPR, equation 7, for rewards of +1 and -1.
        """
        try:
            return effective_positive_share(self.positive_share, baseline)
        except ValueError:
            return None

    def steps(self, batch_size: int) -> int:
        """Return the optimizer steps of one pass over the set."""
        return math.ceil(self.completions / batch_size)


def compose(columns: Columns, rows: Ints) -> Composition:
    """Return the composition of some rows."""
    sizes, solved = per_prompt(columns, rows), per_prompt(columns, rows[columns.correct[rows]])
    present = sizes > 0
    codes = np.bincount(columns.grades[rows], minlength=3)
    lengths = columns.lengths[rows]
    mixed = mixed_rewards(columns, rows)
    return Composition(
        completions=len(rows),
        correct=int(codes[CORRECT]),
        incorrect=int(codes[INCORRECT]),
        invalid=int(codes[INVALID]),
        prompts=int(present.sum()),
        prompts_with_positive=int((solved > 0).sum()),
        solved_always=int((present & (solved == sizes)).sum()),
        solved_never=int((present & (solved == 0)).sum()),
        zero_variance=int((present & ~mixed).sum()),
        tokens=int(lengths.sum()),
        tokens_mean=float(lengths.mean()) if len(rows) else 0.0,
        tokens_p95=float(np.quantile(lengths, 0.95)) if len(rows) else 0.0,
        tokens_longest=int(lengths.max()) if len(rows) else 0,
        duplicates=len(rows) - int(first_of_equals(columns, rows, by="tokens").sum()),
        reward_mean=float(columns.rewards[rows].mean()) if len(rows) else 0.0,
        positives_per_prompt=tuple(np.bincount(solved[present]).tolist()),
    )


def as_summary(found: Composition) -> Summary:
    """Return the figures as the summary of a job."""
    return {
        "completions": found.completions,
        "correct": found.correct,
        "incorrect": found.incorrect,
        "invalid": found.invalid,
        "reward_mean": found.reward_mean,
        "positive_share": found.positive_share,
        "prompts": found.prompts,
        "prompts_with_positive": found.prompts_with_positive,
        "solved_always": found.solved_always,
        "solved_never": found.solved_never,
        "zero_variance": found.zero_variance,
        "tokens": found.tokens,
        "tokens_mean": found.tokens_mean,
        "tokens_p95": found.tokens_p95,
        "tokens_longest": found.tokens_longest,
        "duplicates": found.duplicates,
    }
