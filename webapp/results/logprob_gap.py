"""The gap between an engine's log-probabilities and training's, read and measured again."""

import json
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from algorithms.base import UserError
from algorithms.data.tables import GRADED
from algorithms.specs import ScoreSpec
from webapp.accounts.models import User
from webapp.jobs.graph import Given, Kept, Node
from webapp.jobs.models import Job
from webapp.jobs.services import jobs_ensure
from webapp.jobs.store import ArtifactDamaged, default_store
from webapp.results.rollout_file import open_index
from webapp.results.rollout_selectors import RolloutSet
from webapp.results.rows import ArtifactRow

GAP_FILE = "logprob_gap.json"
"""Written by `algorithms.training.behaviour`, which the web process does not import."""


@dataclass(frozen=True)
class Histogram:
    """Tokens by |engine - trainer| in nats."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]


def histogram(measured: ArtifactRow) -> Histogram:
    """Return the histogram beside measured rollouts.

    Raises:
        UserError: the file cannot be read.
    """
    try:
        folder = default_store().folder(measured.path)
        content: dict[str, Any] = json.loads((folder / GAP_FILE).read_text(encoding="utf-8"))
        return Histogram(tuple(content["edges"]), tuple(content["counts"]))
    except (ArtifactDamaged, OSError, ValueError, KeyError) as error:
        raise UserError(
            f"The comparison of job {measured.job_id} cannot be read ({error}). "
            "Recompute the job on its page."
        ) from error


def score_spec(found: RolloutSet) -> ScoreSpec:
    """Return how a set is scored: pairs and whatever else its rows say are kept.

    Raises:
        UserError: its file cannot be read.
    """
    return ScoreSpec(further_columns=bool(open_index(found.artifact).columns - {*GRADED.names}))


@transaction.atomic
def rollouts_score(*, found: RolloutSet, user: User) -> Job:
    """Return the job that computes a set's log-probabilities again, by the code that trains.

    Raises:
        UserError: these are answers of an evaluation, or the policy that wrote them is unknown.
    """
    if found.is_online:
        raise UserError(
            f"The policy was trained while it wrote the completions of job {found.job.pk}, so no "
            "one policy has their log-probabilities: they are stored by the code that trains."
        )
    policy = found.origins.get("policy")
    if found.is_evaluation or policy is None:
        raise UserError(f"Job {found.job.pk} holds no rollouts of a known policy to score.")
    training = Given(Job.objects.get(pk=policy.job_id).fingerprint)
    writer = training if policy.checkpoint is None else Kept(training, policy.checkpoint)
    node = Node(
        kind="score",
        spec=score_spec(found),
        title=f"Score of {found.job.title}"[:200],
        inputs={"rollouts": Given(found.job.fingerprint), "policy": writer},
        label=found.job.label,
    )
    return jobs_ensure(nodes=[node], user=user)[node.fingerprint]
