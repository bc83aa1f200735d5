"""Making policies for control: trained online, scripted, or taken in from a file."""

import shutil
from pathlib import Path

from django.core.exceptions import ValidationError
from django.db import transaction

from algorithms.base import UserError
from algorithms.control_specs import ImportPolicySpec, TrainBehaviourSpec
from algorithms.controllers.entry_point import require_allowed
from algorithms.environments.table import known_environment
from webapp.accounts.models import User
from webapp.datasets.staging import StagedFile, discard
from webapp.datasets.uploading import uploaded
from webapp.jobs.store import default_store
from webapp.policies.control.nodes import behaviour_node, import_node
from webapp.policies.models import Policy
from webapp.policies.services import policy_from_node

NORMALISATION_FILE = "vecnormalize.pkl"


@transaction.atomic
def behaviour_train(
    *, owner: User, name: str, spec: TrainBehaviourSpec, description: str = "", label: str = "cpu"
) -> Policy:
    """Return a behaviour policy that is being trained online, in stages.

    Raises:
        ValidationError: the name is taken or empty, or there is no such environment.
    """
    _require_environment(spec.environment)
    node = behaviour_node(spec, name.strip(), label)
    return policy_from_node(owner=owner, name=name, node=node, description=description)


@transaction.atomic
def control_policy_from_source(
    *, owner: User, name: str, spec: ImportPolicySpec, description: str = "", label: str = "cpu"
) -> Policy:
    """Return a policy that is being made from a script, a path on the worker, or Python.

    Raises:
        ValidationError: the name is taken or empty, or what was asked for cannot be; the message
            names the field of the spec.
    """
    require_possible(spec)
    node = import_node(spec, name.strip(), label=label)
    return policy_from_node(owner=owner, name=name, node=node, description=description)


def control_policy_upload(
    *,
    owner: User,
    name: str,
    spec: ImportPolicySpec,
    staged: StagedFile,
    normalisation: StagedFile | None = None,
    description: str = "",
    label: str = "cpu",
) -> Policy:
    """Return a policy that is being made of a staged file; the file stays where this fails.

    Args:
        normalisation: the vecnormalize.pkl of an SB3 policy.

    Raises:
        ValidationError: the name is taken or empty, or there is no such environment.
    """
    require_possible(spec)
    store = default_store()
    folder = store.receiving()
    try:
        shutil.copyfile(staged.path, folder / f"policy{staged.path.suffix}")
        if normalisation is not None:
            shutil.copyfile(normalisation.path, folder / NORMALISATION_FILE)
        with transaction.atomic():
            policy = _from_folder(owner, name, spec, folder, staged, description, label)
    finally:
        store.discard(folder)
    discard(staged)
    if normalisation is not None:
        discard(normalisation)
    return policy


def _from_folder(  # noqa: PLR0917 - what the service was given
    owner: User,
    name: str,
    spec: ImportPolicySpec,
    folder: Path,
    staged: StagedFile,
    description: str,
    label: str,
) -> Policy:
    upload = uploaded(folder, staged.filename, staged.size_bytes, owner)
    node = import_node(spec, name.strip(), upload.fingerprint, label)
    return policy_from_node(owner=owner, name=name, node=node, description=description)


def require_possible(spec: ImportPolicySpec) -> None:
    """Let specs through whose environment, controller and function there are.

    Raises:
        ValidationError: one of them is not there, or not allowed.
    """
    _require_environment(spec.environment)
    known = known_environment(spec.environment)
    if spec.source == "scripted" and spec.controller not in ("random", *known.scripted):
        listed = ", ".join(("random", *known.scripted))
        message = f"{known.title} has no scripted controller {spec.controller!r}; it has: {listed}."
        raise ValidationError({"controller": message})
    if spec.source == "entry_point":
        try:
            require_allowed(spec.entry_point)
        except UserError as error:
            raise ValidationError({"entry_point": str(error)}) from error


def _require_environment(name: str) -> None:
    try:
        known_environment(name)
    except UserError as error:
        raise ValidationError({"environment": str(error)}) from error
