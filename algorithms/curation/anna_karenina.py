"""Anna Karenina sampling (TOPR section 4.1): few positives per prompt, the rest negatives."""

import numpy as np

from algorithms.base import UserError
from algorithms.curation.columns import Columns, Ints
from algorithms.curation.operators import Kept, places
from algorithms.curation.steps import AnnaKarenina


def anna_karenina(
    columns: Columns, rows: Ints, step: AnnaKarenina, random: np.random.Generator
) -> Kept:
    """Return the first k positives of each prompt, filled up to N with random negatives.

    Only the first m candidates of each prompt are considered, positives and negatives alike.
    Where the candidates run out, what there is comes back, with a warning.

    Raises:
        UserError: the first positives alone are more than N.
    """
    prompts = columns.prompts[rows]
    considered = rows[places(prompts, rows.astype(np.float64)) < step.candidates]
    correct = columns.correct[considered]
    good, bad = considered[correct], considered[~correct]
    first = good[places(columns.prompts[good], good.astype(np.float64)) < step.positives_per_prompt]
    if len(first) > step.size:
        raise UserError(
            f"The first {step.positives_per_prompt:,} positives of each prompt are "
            f"{len(first):,} completions, more than the {step.size:,} asked for: ask for at "
            f"least {len(first):,}, or drop prompts before this step."
        )
    wanted = step.size - len(first)
    keys = random.random(len(bad))
    if step.fill == "per_prompt":
        # Everybody's first, then everybody's second...; within a round by lot.
        keys = places(columns.prompts[bad], keys) + random.random(len(bad))
    filled = bad[np.argsort(keys, kind="stable")[:wanted]]
    warning = ""
    if len(bad) < wanted:
        total = len(first) + len(bad)
        warning = (
            f"Only {total:,} of {step.size:,} completions: {len(first):,} positives, and all "
            f"{len(bad):,} negatives that there are among the first {step.candidates:,} "
            "candidates of each prompt."
        )
    return Kept(np.sort(np.concatenate([first, filled])), warning)
