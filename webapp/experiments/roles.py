"""Roles: what a job is to a run, as text, `stage[:dataset][+step][@round]`; pure.

`train`, `evaluate` and `evaluate:12` (the problems of dataset 12) are those of a run's end: what
tables compare. `evaluate+50` is about the policy that the training kept after 50 updates. Of a
run of several rounds, `train@1` and `evaluate@1` belong to the first round,
and so on; the last round's have no number. What makes the completions of a round always has its
number: `generate@1`, `grade@2`, `curate@2`. In a run of one round nothing has.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

EVALUATION = "evaluate"
TRAINING = "train"
BENCHMARK = f"{EVALUATION}:"
"""Start of the role of a further evaluation; the dataset's id follows."""
JUDGING = ("judge", "grade_verdicts")
"""Stages before the evaluation of a verifier: its verdicts on solutions of held-out problems."""
OWN_STAGES = frozenset({TRAINING, EVALUATION, *JUDGING})
"""Stages whose jobs belong to one run, in whatever round."""


@dataclass(frozen=True)
class Role:
    """A role, taken apart."""

    stage: str
    dataset: int | None = None
    """Of a further evaluation."""
    round: int | None = None
    """None: the run's end, or there are no rounds."""
    step: int | None = None
    """Updates after which a training kept the policy that is meant; None for the last one."""

    def __str__(self) -> str:
        dataset = "" if self.dataset is None else f":{self.dataset}"
        step = "" if self.step is None else f"+{self.step}"
        return f"{self.stage}{dataset}{step}" + ("" if self.round is None else f"@{self.round}")


def parse(text: str) -> Role:
    """Return a role taken apart."""
    rest, _, number = text.partition("@")
    rest, _, step = rest.partition("+")
    stage, _, dataset = rest.partition(":")
    return Role(stage, *(int(part) if part else None for part in (dataset, number, step)))


def in_round(role: str, number: int) -> str:
    """Return the role as that of a round: `evaluate:12` in the second is `evaluate:12@2`."""
    return f"{role}@{number}"


def is_own(role: str) -> bool:
    """Return whether the job of a role belongs to one run; the others serve several.

    From the second round on everything does: it comes after a training of the run.
    """
    found = parse(role)
    return found.stage in OWN_STAGES or (found.round or 1) > 1


def is_training(role: str) -> bool:
    """Return whether it is a training of a run, in whatever round."""
    return parse(role).stage == TRAINING


def current_training(done: Mapping[str, bool]) -> tuple[str, str]:
    """Return the role of the training that a run is at, and which round that is, in words.

    The first that is not done, else the last; "" and "" where the run trains nothing. The words,
    such as "2 of 5", are empty where there is one round.

    Args:
        done: whether the job of each role has succeeded.
    """
    rounds = sorted(filter(is_training, done), key=lambda role: parse(role).round or math.inf)
    if not rounds:
        return "", ""
    at = next((i for i, role in enumerate(rounds) if not done[role]), len(rounds) - 1)
    return rounds[at], f"{at + 1} of {len(rounds)}" if len(rounds) > 1 else ""


def is_further(role: str) -> bool:
    """Return whether it is an evaluation beside the final one: other problems, a kept policy."""
    found = parse(role)
    return found.dataset is not None or found.step is not None


def differs_by_seed(path: str) -> bool:
    """Return whether a run's setting, by dotted path, follows from its seed: `train.seed`."""
    role, _, field = path.partition(".")
    if parse(role).stage == EVALUATION:
        return field == "policy_seed"  # of policies that were trained side by side
    return field == "seed" and is_own(role)
