"""Making data sets of transitions: from a file, from Minari, by collecting."""

import shutil
from collections.abc import Mapping

from django.core.exceptions import ValidationError
from django.db import transaction

from algorithms.base import UserError
from algorithms.control_derived_specs import LeaveOutSpec
from algorithms.control_specs import CollectSpec, Part, TransitionsSpec
from algorithms.environments.table import known_environment
from webapp.accounts.models import User
from webapp.datasets import staging
from webapp.datasets.models import Dataset
from webapp.datasets.services import create_dataset, require_name
from webapp.datasets.transitions.nodes import (
    POLICY_ROLES,
    collect_node,
    origin_of_composition,
    origin_of_import,
    transitions_node,
)
from webapp.datasets.transitions.provenance import words_of
from webapp.datasets.uploading import uploaded
from webapp.jobs.graph import Node
from webapp.jobs.services import jobs_ensure
from webapp.jobs.store import default_store
from webapp.policies.control.selectors import environments_of, keeps_replay, stages_of
from webapp.policies.models import Policy


@transaction.atomic
def transitions_from_source(
    *, owner: User, name: str, spec: TransitionsSpec, description: str = "", label: str = "cpu"
) -> Dataset:
    """Return a data set of transitions that a job reads from the worker's disk or from Minari.

    Raises:
        ValidationError: the name does not do, or it names exactly these transitions already.
    """
    require_name(owner, name)
    _require_environment(spec.environment, optional=True)
    node = transitions_node(spec, name.strip(), label=label)
    job = jobs_ensure(nodes=[node], user=owner)[node.fingerprint]
    origin = origin_of_import(spec)
    return create_dataset(owner=owner, name=name, job=job, description=description, origin=origin)


def transitions_import(
    *,
    owner: User,
    name: str,
    staged: staging.StagedFile,
    spec: TransitionsSpec,
    description: str = "",
) -> Dataset:
    """Return the data set of a staged file, which a job checks and brings into our layout.

    The staged file is gone then; it stays where this fails.

    Raises:
        UserError: the file cannot be stored.
        ValidationError: the name does not do, or it names exactly these transitions already.
    """
    require_name(owner, name)
    _require_environment(spec.environment, optional=True)
    store = default_store()
    folder = store.receiving()
    try:
        shutil.copyfile(staged.path, folder / f"data{staged.path.suffix}")
        with transaction.atomic():
            upload = uploaded(folder, staged.filename, staged.size_bytes, owner)
            node = transitions_node(spec, name.strip(), upload.fingerprint)
            job = jobs_ensure(nodes=[node], user=owner)[node.fingerprint]
            origin = origin_of_import(spec, staged.filename)
            dataset = create_dataset(
                owner=owner, name=name, job=job, description=description, origin=origin
            )
    finally:
        store.discard(folder)
    staging.discard(staged)
    return dataset


@transaction.atomic
def transitions_again(*, dataset: Dataset, user: User, spec: TransitionsSpec) -> Dataset:
    """Return the next version of a data set from the same file or source, by other settings.

    Raises:
        ValidationError: the name is another person's, or these settings are the same.
    """
    require_name(user, dataset.name)
    _require_environment(spec.environment, optional=True)
    upload = dataset.job.inputs.filter(role="file").select_related("source").first()
    node = transitions_node(spec, dataset.name, upload.source.fingerprint if upload else "")
    job = jobs_ensure(nodes=[node], user=user)[node.fingerprint]
    return create_dataset(
        owner=user, name=dataset.name, job=job, description=dataset.description,
        origin=dataset.origin,
    )  # fmt: skip


@transaction.atomic
def transitions_collect(
    *,
    owner: User,
    name: str,
    spec: CollectSpec,
    policies: Mapping[str, Policy] | None = None,
    description: str = "",
    label: str = "cpu",
) -> Dataset:
    """Return a data set of transitions that a job collects.

    Args:
        policies: behaviour policies by the role that parts name them by: policy, policy_2,
            policy_3.

    Raises:
        ValidationError: the name does not do, it names exactly these transitions already, or a
            part names a policy that is missing, a language model, or for another environment.
    """
    require_name(owner, name)
    _require_environment(spec.environment)
    given = dict(policies or {})
    require_policies(spec, given)
    fingerprints = {role: policy.fingerprint for role, policy in given.items()}
    node = collect_node(spec, name.strip(), fingerprints, label)
    job = jobs_ensure(nodes=[node], user=owner)[node.fingerprint]
    origin = origin_of_composition(spec, {role: str(policy) for role, policy in given.items()})
    return create_dataset(owner=owner, name=name, job=job, description=description, origin=origin)


@transaction.atomic
def dataset_from_node(*, owner: User, name: str, node: Node, description: str = "") -> Dataset:
    """Return the data set of transitions that a planned job makes.

    Raises:
        UserError: something that it needs is gone.
        ValidationError: the name does not do, or it names exactly these transitions already.
    """
    require_name(owner, name)
    job = jobs_ensure(nodes=[node], user=owner)[node.fingerprint]
    if isinstance(node.spec, CollectSpec):
        origin = origin_of_composition(node.spec, {})
    elif isinstance(node.spec, LeaveOutSpec):
        origin = f"without {words_of(node.spec.model_dump(mode='json'))}"[:200]
    else:
        assert isinstance(node.spec, TransitionsSpec)  # the kinds that give transitions
        origin = origin_of_import(node.spec)
    return create_dataset(owner=owner, name=name, job=job, description=description, origin=origin)


def require_policies(spec: CollectSpec, policies: Mapping[str, Policy]) -> None:
    """Let compositions through whose parts have policies that can act there.

    Raises:
        ValidationError: one is missing or of another family or environment; told at `parts`.
    """
    for role in POLICY_ROLES:
        parts = [part for part in spec.parts if part.behaviour == role]
        if not parts:
            continue
        if role not in policies:
            raise ValidationError({"parts": f"A part names {role}: choose a policy for it."})
        policy = policies[role]
        if policy.family != "control":
            message = f"“{policy}” completes prompts: choose a policy for control."
            raise ValidationError({"parts": message})
        made_for = environments_of([policy])[policy.pk]
        if made_for and made_for != spec.environment:
            message = f"“{policy}” acts in {made_for}, not in {spec.environment}."
            raise ValidationError({"parts": message})
        for part in parts:
            _require_stage(part, policy)


def _require_stage(part: Part, policy: Policy) -> None:
    """Let parts through whose stage and replay the policy keeps."""
    stages = stages_of(policy.job)
    if part.stage and part.stage not in stages:
        known = ", ".join(stages) or "none, it is one policy"
        message = f"“{policy}” has no stage {part.stage}. Its stages: {known}."
        raise ValidationError({"parts": message})
    if part.replay and not keeps_replay(policy.job):
        message = f"“{policy}” kept no transitions of its training: train one with keep_replay."
        raise ValidationError({"parts": message})


def _require_environment(name: str, *, optional: bool = False) -> None:
    if optional and not name:
        return
    try:
        known_environment(name)
    except UserError as error:
        raise ValidationError({"environment": str(error)}) from error
