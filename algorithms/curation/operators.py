"""The operators that keep or drop completions, and those that draw: rows in, rows out.

Every function gets the rows that reach its step (ascending) and returns those that stay
(ascending), so that a curated set keeps the order of its source.
"""

from dataclasses import dataclass

import numpy as np

from algorithms.base import UserError
from algorithms.curation.columns import CORRECT, INCORRECT, INVALID, Bools, Columns, Ints
from algorithms.curation.steps import (
    CapPerPrompt,
    Deduplicate,
    KeepGrades,
    KeepLengths,
    KeepPassRates,
    PositiveShare,
    PositivesOnly,
    UniformSample,
    ZeroVariance,
)


@dataclass(frozen=True)
class Kept:
    """What a step leaves."""

    rows: Ints
    """Ascending row numbers of the source."""
    warning: str = ""
    """A sentence, where less came out than was asked for."""
    pairs: Ints | None = None
    """Number of each row's pair, after the step that makes pairs."""


def grades(columns: Columns, rows: Ints, step: KeepGrades, _: np.random.Generator) -> Kept:
    """Return the rows of the wanted grades."""
    flags = ((CORRECT, step.correct), (INCORRECT, step.incorrect), (INVALID, step.invalid))
    wanted = [code for code, keep in flags if keep]
    return Kept(rows[np.isin(columns.grades[rows], wanted)])


def lengths(columns: Columns, rows: Ints, step: KeepLengths, _: np.random.Generator) -> Kept:
    """Return the rows whose completion is neither too short nor too long."""
    found = columns.lengths[rows]
    keep = found >= step.min_tokens
    if step.max_tokens is not None:
        keep &= found <= step.max_tokens
    return Kept(rows[keep])


def pass_rate(columns: Columns, rows: Ints, step: KeepPassRates, _: np.random.Generator) -> Kept:
    """Return the rows of prompts whose share of correct completions is in the band."""
    sizes = per_prompt(columns, rows)
    solved = per_prompt(columns, rows[columns.correct[rows]])
    rates = solved / np.maximum(sizes, 1)
    keep = (rates >= step.lowest) & (rates <= step.highest)
    return Kept(rows[keep[columns.prompts[rows]]])


def zero_variance(columns: Columns, rows: Ints, step: ZeroVariance, _: np.random.Generator) -> Kept:
    """Return the rows of prompts with different rewards, or of all others."""
    mixed = mixed_rewards(columns, rows)[columns.prompts[rows]]
    return Kept(rows[mixed if step.action == "drop" else ~mixed])


def deduplicate(columns: Columns, rows: Ints, step: Deduplicate, _: np.random.Generator) -> Kept:
    """Return the first row of each group of equal completions of one prompt."""
    return Kept(rows[first_of_equals(columns, rows, by=step.by)])


def cap(columns: Columns, rows: Ints, step: CapPerPrompt, random: np.random.Generator) -> Kept:
    """Return at most so many rows of each prompt."""
    keys = rows.astype(np.float64) if step.choose == "first" else random.random(len(rows))
    return Kept(rows[places(columns.prompts[rows], keys) < step.completions])


def positives(columns: Columns, rows: Ints, _: PositivesOnly, __: np.random.Generator) -> Kept:
    """Return the correct rows."""
    return Kept(rows[columns.correct[rows]])


def uniform(_: Columns, rows: Ints, step: UniformSample, random: np.random.Generator) -> Kept:
    """Return rows drawn uniformly, without replacement.

    Raises:
        UserError: there are fewer.
    """
    if step.size > len(rows):
        raise UserError(
            f"Asks for {step.size:,} completions, but {len(rows):,} reach this step: "
            f"ask for at most {len(rows):,}."
        )
    return Kept(drawn(rows, step.size, random))


def share(columns: Columns, rows: Ints, step: PositiveShare, random: np.random.Generator) -> Kept:
    """Return N rows with exactly the wanted number of positives, each class drawn uniformly.

    Raises:
        UserError: there are too few of one class; the message says how many there are, and the
            largest N that they allow.
    """
    correct = columns.correct[rows]
    wanted = round_half_up(step.size * step.positives)
    found = (rows[correct], rows[~correct])
    asked = (wanted, step.size - wanted)
    if any(n > len(there) for n, there in zip(asked, found, strict=True)):
        raise UserError(_too_few(step, asked, (len(found[0]), len(found[1]))))
    picked = [drawn(there, n, random) for n, there in zip(asked, found, strict=True)]
    return Kept(np.sort(np.concatenate(picked)))


def _too_few(step: PositiveShare, asked: tuple[int, int], found: tuple[int, int]) -> str:
    lacking = [
        f"{n:,} {name} ({there:,} reach this step)"
        for name, n, there in zip(("positives", "negatives"), asked, found, strict=True)
        if n > there
    ]
    limits = [
        there / part
        for there, part in zip(found, (step.positives, 1 - step.positives), strict=True)
        if part > 0
    ]
    largest = int(min(limits) + 1e-9)
    advice = (
        f"at this share there are enough for {largest:,} in all" if largest else "change the share"
    )
    return (
        f"Asks for {step.size:,} completions with a share of {step.positives:g} positives: "
        f"{' and '.join(lacking)}; {advice}."
    )


def round_half_up(value: float) -> int:
    """Return the nearest whole number; a half goes up, whatever its neighbours."""
    return int(np.floor(value + 0.5 + 1e-9))


def drawn(rows: Ints, size: int, random: np.random.Generator) -> Ints:
    """Return `size` rows, each set of them equally likely, in ascending order.

    One number is drawn per row, so that with one seed a smaller sample is part of a larger one.
    """
    order = np.argsort(random.random(len(rows)), kind="stable")
    return np.sort(rows[order[:size]])


def per_prompt(columns: Columns, rows: Ints) -> Ints:
    """Return how many of the rows each prompt has."""
    return np.bincount(columns.prompts[rows], minlength=columns.n_prompts).astype(np.int64)


def mixed_rewards(columns: Columns, rows: Ints) -> Bools:
    """Return which prompts have different rewards among the rows."""
    prompts, rewards = columns.prompts[rows], columns.rewards[rows]
    lowest = np.full(columns.n_prompts, np.inf)
    highest = np.full(columns.n_prompts, -np.inf)
    np.minimum.at(lowest, prompts, rewards)
    np.maximum.at(highest, prompts, rewards)
    found: Bools = highest > lowest
    return found


def first_of_equals(columns: Columns, rows: Ints, *, by: str) -> Bools:
    """Return which rows do not repeat an earlier completion of the same prompt."""
    keys = columns.token_keys if by == "tokens" else columns.text_keys
    both = columns.prompts[rows] * (len(columns) + 1) + keys[rows]
    first = np.zeros(len(rows), dtype=bool)
    first[np.unique(both, return_index=True)[1]] = True
    return first


def places(groups: Ints, keys: np.ndarray) -> Ints:
    """Return the place of each row in its group, from 0, by ascending keys."""
    order = np.lexsort((keys, groups))
    ordered = groups[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])[: len(ordered)]
    run = np.repeat(starts, np.diff(np.r_[starts, len(ordered)]))
    found = np.empty(len(groups), dtype=np.int64)
    found[order] = np.arange(len(groups)) - run
    return found
