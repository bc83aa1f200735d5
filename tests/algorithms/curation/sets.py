"""Sets of completions for tests, written as signs: "-+i" is incorrect, correct, invalid."""

from collections.abc import Sequence

import numpy as np

from algorithms.curation.columns import Columns
from algorithms.curation.pipeline import Curated, curate
from algorithms.curation.steps import CurateSpec

CODES = {"+": 0, "-": 1, "i": 2}


def columns(*prompts: str, lengths: Sequence[int] = (), texts: str = "") -> Columns:
    """Return one prompt per word; texts, one letter per completion, may repeat."""
    signs = "".join(prompts)
    n = len(signs)
    keys = np.array([ord(text) for text in texts] if texts else range(n), dtype=np.int64)
    keys = np.unique(keys, return_inverse=True)[1].astype(np.int64) if n else keys
    grades = np.array([CODES[sign] for sign in signs], dtype=np.int64)
    return Columns(
        prompts=np.repeat(np.arange(len(prompts)), [len(word) for word in prompts]),
        grades=grades,
        rewards=np.where(grades == 0, 1.0, -1.0),
        lengths=np.array(lengths or [3] * n, dtype=np.int64),
        token_keys=keys,
        text_keys=keys,
    )


def run(found: Columns, *steps: dict[str, object], seed: int = 0) -> Curated:
    """Return what steps, written as JSON, keep."""
    return curate(found, CurateSpec.model_validate({"steps": steps, "seed": seed}))


def kept(found: Columns, *steps: dict[str, object], seed: int = 0) -> list[int]:
    """Return the rows that steps keep."""
    rows: list[int] = run(found, *steps, seed=seed).rows.tolist()
    return rows
