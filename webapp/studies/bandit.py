"""A study that is a bandit: computed exactly by the Bandit lab, no job, no seed."""

import math
from dataclasses import dataclass

from algorithms.catalogue import ALGORITHMS
from algorithms.evaluation.claims.decision import Decision, Verdict
from algorithms.evaluation.claims.evidence import Evidence, nothing_known
from webapp.labs.services import Chosen, Played, bandit_play
from webapp.results.figures.trajectory import Trajectory
from webapp.studies.claim_schema import Exact
from webapp.studies.judge import Judged
from webapp.studies.schema import BanditChoice, BanditStudy, Study

WHOLE = math.inf
"""As many seconds as it takes."""


@dataclass(frozen=True)
class PlayedChoice:
    """A bandit as far as one algorithm has played it."""

    choice: BanditChoice
    updates: int
    is_done: bool
    policy: tuple[float, ...]
    expected_reward: float
    trajectory: Trajectory


def play(study: BanditStudy, seconds: float) -> tuple[PlayedChoice, ...]:
    """Return the bandit as every choice has played it, after going on for about so long.

    What was computed is kept in this process: asking again goes on, and is free once all is done.
    """
    chosen = [
        Chosen(one.algorithm, one.label, ALGORITHMS[one.algorithm].params(**one.params))
        for one in study.choices
    ]
    played = bandit_play(bandit=study.bandit, chosen=chosen, seconds=min(seconds, 1e9))
    before: list[str] = []
    found = []
    for choice, one in zip(study.choices, played, strict=True):
        found.append(_one(study, choice, one, variant=before.count(choice.algorithm)))
        before.append(choice.algorithm)
    return tuple(found)


def is_done(played: tuple[PlayedChoice, ...]) -> bool:
    """Whether every algorithm has played to the end."""
    return all(one.is_done for one in played)


def _one(study: BanditStudy, choice: BanditChoice, one: Played, *, variant: int) -> PlayedChoice:
    updates = tuple(sorted(one.recorded))
    policies = tuple(one.recorded[update] for update in updates)
    reward = study.bandit.expected_reward
    return PlayedChoice(
        choice=choice,
        updates=one.updates,
        is_done=one.is_done,
        policy=one.policy,
        expected_reward=reward(one.policy),
        trajectory=Trajectory(
            choice.label,
            choice.algorithm,
            variant,
            updates=updates,
            policies=policies,
            rewards=tuple(reward(policy) for policy in policies),
        ),
    )


def judge_bandit(study: Study, played: tuple[PlayedChoice, ...]) -> list[Judged]:
    """Return the claims of a bandit; each holds or does not, nothing is left to chance."""
    ends = {one.choice.label: one for one in played}
    return [_judged(claim, ends[claim.label]) for claim in study.claims if isinstance(claim, Exact)]


def _judged(claim: Exact, end: PlayedChoice) -> Judged:
    if not end.is_done:
        note = f"Being computed: {end.updates:,} updates so far."
        return _with(claim, Verdict.UNDECIDED, nothing_known(note))
    value = end.expected_reward if claim.of == "expected_reward" else end.policy[claim.arm - 1]
    above = claim.low is None or value >= claim.low
    below = claim.high is None or value <= claim.high
    holds = above and below
    p_for, p_against = (0.0, 1.0) if holds else (1.0, 0.0)
    evidence = Evidence(p_for, p_against, value, value, value, 0, None)
    return _with(claim, Verdict.HOLDS if holds else Verdict.FAILS, evidence)


def _with(claim: Exact, verdict: Verdict, evidence: Evidence) -> Judged:
    decision = Decision(verdict, evidence, evidence.p_for, evidence.p_against, None)
    return Judged(claim, decision, (), 0, ())
