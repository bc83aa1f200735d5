"""Evaluations of the policies that a run keeps on its way, for its experiment's page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from webapp.experiments.roles import EVALUATION, parse
from webapp.jobs.models import Artifact, Job


@dataclass(frozen=True)
class KeptCard:
    """The evaluation of one kept policy."""

    step: int
    """Updates after which the training kept it."""
    job: Job
    summary: Mapping[str, Any]
    """Its figures; empty until there are any."""


def kept_cards(jobs: Mapping[str, Job]) -> tuple[KeptCard, ...]:
    """Return the evaluations among a run's jobs by role, in the order of steps.

    Of several rounds, those of the last one.
    """
    roles = {parse(role): job for role, job in jobs.items()}
    cards = (
        KeptCard(role.step, job, summary_of(job))
        for role, job in roles.items()
        if role.stage == EVALUATION and role.step is not None and role.round is None
    )
    return tuple(sorted(cards, key=lambda card: card.step))


def summary_of(job: Job) -> Mapping[str, Any]:
    """Return the figures of a job, its artifact selected with it; empty until there are any."""
    try:
        summary: Mapping[str, Any] = job.artifact.summary
    except Artifact.DoesNotExist:
        return {}
    return summary
