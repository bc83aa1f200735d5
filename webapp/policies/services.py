"""Making and deleting policies."""

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Q

from algorithms.base import UserError
from algorithms.specs import PolicySpec, TrainSpec
from webapp.accounts.models import User
from webapp.accounts.permissions import require_owner
from webapp.datasets.models import Dataset
from webapp.jobs.graph import Given, Kept, Node
from webapp.jobs.models import Job
from webapp.jobs.services import jobs_ensure
from webapp.jobs.states import ACTIVE, JobState
from webapp.policies.models import Policy
from webapp.policies.nodes import WarmStartError, warm_started
from webapp.policies.runs import kept_steps, training_of


@transaction.atomic
def policy_from_source(
    *,
    owner: User,
    name: str,
    spec: PolicySpec,
    warm_start: TrainSpec | None = None,
    dataset: Dataset | None = None,
    description: str = "",
    label: str = "cpu",
) -> Policy:
    """Return a policy that is being made from its source, supervised first if asked for.

    Args:
        warm_start: supervised training on the dataset's reference answers; the policy is then
            the trained model.
        dataset: what the warm start learns from and is evaluated on.
        label: queue of the jobs.

    Raises:
        ValidationError: the name is taken or empty, or the warm start and its dataset do not fit.
    """
    node = Node(kind="policy", spec=spec, title=f"Policy {name}"[:200], label=label)
    if warm_start is not None:
        node = _warm_started(node, warm_start, dataset, name)
    job = jobs_ensure(nodes=[node], user=owner)[node.fingerprint]
    return _create(owner=owner, name=name, job=job, description=description)


@transaction.atomic
def policy_from_node(*, owner: User, name: str, node: Node | Kept, description: str = "") -> Policy:
    """Return a policy that a planned job makes, or keeps along the way.

    Raises:
        UserError: something that it needs is gone.
        ValidationError: the name is taken or empty.
    """
    job_node, step = (node.training, node.step) if isinstance(node, Kept) else (node, None)
    if not isinstance(job_node, Node):
        raise UserError("The training that kept this policy is not planned with it.")
    job = jobs_ensure(nodes=[job_node], user=owner)[job_node.fingerprint]
    return _create(owner=owner, name=name, job=job, description=description, checkpoint=step)


@transaction.atomic
def policy_from_run(
    *,
    owner: User,
    name: str,
    run: models.Model,
    description: str = "",
    checkpoint: int | None = None,
    iteration: int | None = None,
) -> Policy:
    """Return a policy that a run's training ended with, or kept on its way.

    Args:
        run: a row of `webapp.experiments.models.Run`, a layer that this one does not import.
        iteration: which of several trainings of the run; None for the last one.
        checkpoint: updates after which it was kept; None for the last one.

    Raises:
        UserError: the run trained nothing, is not trained yet, or kept no policy there.
        ValidationError: the name is taken or empty.
    """
    job = training_of(run.pk, iteration)
    if job is None and iteration is not None:
        raise UserError(f"“{run}” has no iteration {iteration} before its last: leave it empty.")
    if job is None:
        raise UserError(f"“{run}” only evaluates a policy: there is no checkpoint to keep.")
    if job.state != JobState.SUCCEEDED:
        raise UserError(f"The training of “{run}” is {job.state}: wait until it has succeeded.")
    if checkpoint is not None and checkpoint not in (kept := kept_steps(job)):
        known = ", ".join(map(str, kept)) or "only what it ended with"
        raise UserError(f"“{run}” kept no policy after {checkpoint} updates. It kept: {known}.")
    return _create(owner=owner, name=name, job=job, description=description, checkpoint=checkpoint)


@transaction.atomic
def policy_delete(*, policy: Policy, user: User) -> None:
    """Delete a policy that nothing uses; its artifact stays until artifacts are pruned.

    Raises:
        PermissionDenied: it belongs to someone else.
        UserError: it is being made, or experiments start from it; the message names them.
    """
    require_owner(user, policy)
    policy = Policy.objects.select_related("job").select_for_update(of=("self",)).get(pk=policy.pk)
    if policy.job.state in ACTIVE:
        raise UserError(f"“{policy}” is being made: cancel job {policy.job_id} first.")
    users = (
        Q(experiment__config__policy_id=policy.pk)
        | Q(experiment__config__reference_policy_id=policy.pk)
        | Q(experiment__config__axes__policy_id__contains=[policy.pk])
        | Q(experiment__config__policies__contains=[{"policy_id": policy.pk}])
    )
    found = policy.job.needed_by.filter(users).values_list("experiment__name", flat=True)
    names = sorted(set(found))
    if names:
        listed = ", ".join(f"“{name}”" for name in names[:5])
        raise UserError(f"“{policy}” is used by {listed}: delete those experiments first.")
    policy.delete()


def _warm_started(policy: Node, spec: TrainSpec, dataset: Dataset | None, name: str) -> Node:
    if dataset is None:
        raise ValidationError({"dataset": "Choose the dataset that the warm start learns from."})
    if dataset.family != "prompts":
        message = f"“{dataset}” holds transitions: a warm start learns from prompts with answers."
        raise ValidationError({"dataset": message})
    try:
        return warm_started(policy, spec, Given(dataset.job.fingerprint), name)
    except WarmStartError as error:
        raise ValidationError({"warm_start": str(error)}) from error


def _create(
    *, owner: User, name: str, job: Job, description: str, checkpoint: int | None = None
) -> Policy:
    policy = Policy(
        owner=owner, name=name.strip(), job=job, description=description, checkpoint=checkpoint
    )
    policy.full_clean()
    policy.save()
    return policy
