"""Whether a setting can tell a claim's two sides apart, by an experiment on data of its own."""

from dataclasses import dataclass
from enum import StrEnum

from algorithms.evaluation.claims import kinds
from algorithms.evaluation.claims.decision import ALPHA
from algorithms.evaluation.claims.evidence import detectable, sample_of
from webapp.studies.claim_schema import BASE, BelowBase, ClaimSpec, Greater, NotWorse, Side
from webapp.studies.facts import Facts
from webapp.studies.planning import PILOT
from webapp.studies.schema import Profile, Study
from webapp.studies.values import measured


class Sight(StrEnum):
    """What a pilot says of its setting."""

    APART = "tells them apart"
    NOT_APART = "no difference found"
    UNKNOWN = "not measured yet"


@dataclass(frozen=True)
class PilotResult:
    """A pilot's verdict, and the sentence that explains it."""

    claim: ClaimSpec
    sight: Sight
    sentence: str
    runs: tuple[int, ...]
    """Its runs that have a page."""


def pilot_result(study: Study, profile: Profile, facts: Facts) -> PilotResult | None:
    """Return what the pilot of a scale found; None where the scale has none.

    Two-sided t test over the pilot's own seeds. Beside it stands the difference that the study's
    seeds would find four times in five, should they spread as the pilot's do.
    """
    if profile.pilot is None or PILOT not in facts.plan.experiments:
        return None
    claim = study.claim(profile.pilot.claim)
    assert isinstance(claim, Greater | NotWorse | BelowBase)  # checked by the study
    other = Side(group=BASE) if isinstance(claim, BelowBase) else claim.right
    assert other is not None  # checked by the study
    cells = [
        facts.plan.cell(side.model_copy(update={"experiment": PILOT}), PILOT)
        for side in (claim.left, other)
    ]
    left, right = (measured(facts, cell, claim.of) for cell in cells)
    differences = kinds.paired(left.for_seeds(right.by_seed), right.for_seeds(left.by_seed))
    sight, sentence = _sight(
        differences.tolist(), len(profile.seeds), max(left.resolution, right.resolution)
    )
    return PilotResult(claim, sight, sentence, tuple(facts.run_ids(cells)))


def _sight(differences: list[float], seeds: int, resolution: float) -> tuple[Sight, str]:
    if len(differences) < 2:
        return Sight.UNKNOWN, "The check of the setting has not run yet, on data of its own."
    found = kinds.greater(differences, resolution=resolution)
    p_value = min(1.0, 2 * min(found.p_for, found.p_against))
    deviation = sample_of(differences, resolution).deviation
    least = detectable(deviation, seeds, ALPHA)
    seen = (
        f"On data of its own the two sides differ by {found.estimate:+.3f} "
        f"[{found.low:+.3f}, {found.high:+.3f}] over {found.n} seeds (p = {p_value:.2g})."
    )
    power = (
        f" {seeds} seeds would find a difference of {least:.3f} four times in five."
        if least is not None
        else ""
    )
    if p_value < ALPHA:
        return Sight.APART, seen + power
    return Sight.NOT_APART, (
        f"{seen}{power} So this setting has not been shown to tell them apart: an undecided "
        "claim here says little about the paper."
    )
