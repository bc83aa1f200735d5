"""Scoring completions under another policy, to see token by token what changed."""

from django.db import transaction

from algorithms.base import UserError
from webapp.accounts.models import User
from webapp.jobs.graph import Given, Node, given
from webapp.jobs.models import Job
from webapp.jobs.services import jobs_ensure
from webapp.results.logprob_gap import score_spec
from webapp.results.rollout_selectors import RolloutSet


@transaction.atomic
def rollouts_score_under(*, found: RolloutSet, policy: str, name: str, user: User) -> Job:
    """Return the job that computes a set's log-probabilities under another policy.

    Args:
        policy: fingerprint of a finished policy or training, see `webapp.jobs.graph.given`.
        name: what the policy is called, for the title of the job.

    Raises:
        UserError: these are answers of an evaluation, which hold no tokens to score.
    """
    if found.is_evaluation:
        raise UserError(
            f"Job {found.job.pk} is an evaluation: its answers are kept as text, without tokens to "
            "score. Choose rollouts."
        )
    node = Node(
        kind="score",
        spec=score_spec(found),
        title=f"{found.job.title}, scored by {name}"[:200],
        inputs={"rollouts": Given(found.job.fingerprint), "policy": given(policy)},
        label=found.job.label,
    )
    return jobs_ensure(nodes=[node], user=user)[node.fingerprint]
