"""What a set of completions is made of: the composition card. Pure apart from reading its file."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa

from webapp.results.rollout_file import GRADES, IndexKey, RolloutIndex, open_index
from webapp.results.statistics import IntArray


@dataclass(frozen=True)
class GradeCount:
    """How many completions have a grade."""

    grade: str
    count: int
    share: float


@dataclass(frozen=True)
class Composition:
    """Counts over a whole set; a recount of the file gives the same."""

    prompts: int
    completions: int
    tokens: int
    grades: tuple[GradeCount, ...]
    """Empty where nothing is graded."""
    positives_per_prompt: tuple[int, ...]
    """How many prompts have 0, 1, 2... correct completions."""
    solved_never: int
    solved_always: int
    tokens_mean: float
    tokens_median: float
    tokens_longest: int
    truncated: int
    duplicates: int
    """Completions that repeat an earlier one of the same prompt, letter by letter."""

    @property
    def per_prompt(self) -> float:
        """Completions per prompt, on average."""
        return self.completions / self.prompts if self.prompts else 0.0


@lru_cache(maxsize=32)
def composition(artifact: IndexKey) -> Composition:
    """Return the composition of an artifact's completions.

    Raises:
        UserError: its file cannot be read.
    """
    index = open_index(artifact.row)
    positives = positives_of_prompts(index)
    sizes = np.diff(index.prompt_starts)
    rows = index.n_rows
    is_graded = bool(rows) and bool((index.grades >= 0).any())
    return Composition(
        prompts=index.n_prompts,
        completions=rows,
        tokens=int(index.lengths.sum()),
        grades=tuple(_counts(index)) if is_graded else (),
        positives_per_prompt=tuple(np.bincount(positives).tolist()) if is_graded else (),
        solved_never=int((positives == 0).sum()) if is_graded else 0,
        solved_always=int((positives == sizes).sum()) if is_graded else 0,
        tokens_mean=float(index.lengths.mean()) if rows else 0.0,
        tokens_median=float(np.median(index.lengths)) if rows else 0.0,
        tokens_longest=int(index.lengths.max()) if rows else 0,
        truncated=int(index.truncated.sum()),
        duplicates=_duplicates(index),
    )


def positives_of_prompts(index: RolloutIndex) -> IntArray:
    """Return the number of correct completions of each prompt."""
    correct = (index.grades == GRADES.index("correct")).astype(np.int64)
    return np.bincount(index.prompts, weights=correct, minlength=index.n_prompts).astype(np.int64)


def _counts(index: RolloutIndex) -> list[GradeCount]:
    counts = [int((index.grades == code).sum()) for code in range(len(GRADES))]
    return [
        GradeCount(grade, count, count / index.n_rows)
        for grade, count in zip(GRADES, counts, strict=True)
    ]


def _duplicates(index: RolloutIndex) -> int:
    """Return how many completions are not the first of their text for their prompt."""
    if index.n_rows == 0:
        return 0
    texts = index.open().read(columns=["completion"])["completion"]
    pairs = pa.table({"prompt": index.prompts, "completion": texts})
    distinct: int = pairs.group_by(["prompt", "completion"]).aggregate([]).num_rows
    return index.n_rows - distinct
