"""Preference pairs: one correct and one incorrect completion of the same prompt (TOPR D3)."""

import numpy as np

from algorithms.base import UserError
from algorithms.curation.columns import Columns, Ints
from algorithms.curation.operators import Kept, per_prompt, places
from algorithms.curation.steps import PreferencePairs


def pairs(columns: Columns, rows: Ints, step: PreferencePairs, random: np.random.Generator) -> Kept:
    """Return the rows of random pairs, none used twice, and the number of each row's pair.

    The i-th positive of a prompt in a drawn order meets its i-th negative in another; pairs are
    numbered by prompt.

    Raises:
        UserError: no prompt has both a correct and another completion.
    """
    correct = columns.correct[rows]
    good, bad = rows[correct], rows[~correct]
    numbers = np.minimum(per_prompt(columns, good), per_prompt(columns, bad))
    numbers = np.minimum(numbers, step.per_prompt)
    if not numbers.any():
        raise UserError(
            f"No pair can be made: of the {len(rows):,} completions that reach this step "
            f"{len(good):,} are correct, and no prompt has both a correct and another completion."
        )
    starts = np.cumsum(numbers) - numbers
    found, pair = [], []
    for side in (good, bad):
        prompts = columns.prompts[side]
        place = places(prompts, random.random(len(side)))
        used = place < numbers[prompts]
        found.append(side[used])
        pair.append(starts[prompts[used]] + place[used])
    picked = np.concatenate(found)
    order = np.argsort(picked, kind="stable")
    return Kept(picked[order], pairs=np.concatenate(pair)[order])
