"""Verdicts on all claims of a study together, by Holm's correction."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from algorithms.evaluation.claims.evidence import Evidence, seeds_needed
from algorithms.evaluation.holm import holm

Key = TypeVar("Key", bound=Hashable)
ALPHA = 0.05
"""How often, at most, some claim of a study is wrongly said to hold; the same for the contrary."""


class Verdict(StrEnum):
    """What may be said of a claim."""

    HOLDS = "holds"
    FAILS = "does not hold"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Decision:
    """The verdict on one claim."""

    verdict: Verdict
    evidence: Evidence
    p_for: float
    """Adjusted for all claims of the study."""
    p_against: float
    seeds_needed: int | None
    """Seeds that would decide it four times in five, should the true effect be the one seen; None
    where it is decided, nothing is known of the spread, or more than 999 would be needed."""


def decide(evidence: Mapping[Key, Evidence], alpha: float = ALPHA) -> dict[Key, Decision]:
    """Return the verdicts on the claims of one study.

    Both families, the p-values for the claims and those against them, are corrected by Holm. Where
    both are decided (above 0, yet below the smallest difference that matters) the claim holds.
    """
    supported = holm({key: one.p_for for key, one in evidence.items()})
    refuted = holm({key: one.p_against for key, one in evidence.items()})
    return {
        key: _decision(one, supported[key], refuted[key], alpha=alpha, claims=len(evidence))
        for key, one in evidence.items()
    }


def _decision(
    one: Evidence, p_for: float, p_against: float, *, alpha: float, claims: int
) -> Decision:
    if p_for < alpha:
        return Decision(Verdict.HOLDS, one, p_for, p_against, None)
    if p_against < alpha:
        return Decision(Verdict.FAILS, one, p_for, p_against, None)
    # Bonferroni's level: that of the first of Holm's steps, the strictest.
    needed = seeds_needed(one.effect, alpha / claims / one.tests)
    if needed is not None:
        needed = max(needed, one.n + 1)
    return Decision(Verdict.UNDECIDED, one, p_for, p_against, needed)
