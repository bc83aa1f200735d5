"""A study that is a bandit: computed exactly by the Bandit lab's code, no job, no seed."""

from dataclasses import dataclass
from functools import lru_cache

from algorithms.catalogue import ALGORITHMS
from algorithms.evaluation.claims.decision import Decision, Verdict
from algorithms.evaluation.claims.evidence import Evidence
from algorithms.labs.ascent import Ascent
from webapp.results.figures.trajectory import Trajectory
from webapp.studies.claim_schema import Exact
from webapp.studies.judge import Judged
from webapp.studies.schema import BanditChoice, BanditStudy, Study


@dataclass(frozen=True)
class PlayedChoice:
    """A bandit played to its end by one algorithm."""

    choice: BanditChoice
    variant: int
    """0 for the first choice of its algorithm, 1 for the next...: same colour, other dashes."""
    updates: int
    policy: tuple[float, ...]
    expected_reward: float
    trajectory: Trajectory


def play(study: BanditStudy) -> tuple[PlayedChoice, ...]:
    """Return the bandit as every choice plays it to its end; the first time takes seconds."""
    return _play(study.model_dump_json())


@lru_cache(maxsize=16)
def _play(text: str) -> tuple[PlayedChoice, ...]:
    study = BanditStudy.model_validate_json(text)
    variants: dict[str, int] = {}
    played = []
    for choice in study.choices:
        variant = variants.get(choice.algorithm, 0)
        variants[choice.algorithm] = variant + 1
        played.append(_one(study, choice, variant))
    return tuple(played)


def _one(study: BanditStudy, choice: BanditChoice, variant: int) -> PlayedChoice:
    bandit, algorithm = study.bandit, ALGORITHMS[choice.algorithm]
    ascent = Ascent(bandit, algorithm, algorithm.params.model_validate(dict(choice.params)))
    ascent.advance()
    updates = tuple(sorted(ascent.recorded))
    policies = tuple(ascent.recorded[update] for update in updates)
    return PlayedChoice(
        choice=choice,
        variant=variant,
        updates=ascent.updates,
        policy=ascent.policy,
        expected_reward=bandit.expected_reward(ascent.policy),
        trajectory=Trajectory(
            choice.label,
            choice.algorithm,
            variant,
            updates=updates,
            policies=policies,
            rewards=tuple(bandit.expected_reward(policy) for policy in policies),
        ),
    )


def judge_bandit(study: Study) -> list[Judged]:
    """Return the claims of a bandit; each holds or does not, nothing is left to chance."""
    assert study.bandit is not None
    ends = {one.choice.label: one for one in play(study.bandit)}
    return [_judged(claim, ends) for claim in study.claims if isinstance(claim, Exact)]


def _judged(claim: Exact, ends: dict[str, PlayedChoice]) -> Judged:
    end = ends[claim.label]
    value = end.expected_reward if claim.of == "expected_reward" else end.policy[claim.arm - 1]
    above = claim.low is None or value >= claim.low
    below = claim.high is None or value <= claim.high
    holds = above and below
    p_values = (0.0, 1.0) if holds else (1.0, 0.0)
    evidence = Evidence(*p_values, value, value, value, 0, None, note="Computed, not sampled.")
    verdict = Verdict.HOLDS if holds else Verdict.FAILS
    return Judged(claim, Decision(verdict, evidence, *p_values, None), (), 0, ())
