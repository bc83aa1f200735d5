"""The two families of policies: language models, and policies that act in an environment.

What a policy is follows from the kind of its job, so nothing is stored twice.
"""

from typing import Literal, get_args

from django.db.models import Q

Family = Literal["language", "control"]
FAMILIES: tuple[Family, ...] = get_args(Family)

CONTROL_KINDS = ("train_control", "keep_checkpoint", "train_behaviour", "control_policy")
"""Kinds of jobs whose artifact acts in an environment; any other's completes prompts."""


def family_of_kind(kind: str) -> Family:
    """Return of which family the policy of a job of this kind is."""
    return "control" if kind in CONTROL_KINDS else "language"


def of_family(family: Family) -> Q:
    """Return the condition on policies that lets one family through."""
    control = Q(job__kind__in=CONTROL_KINDS)
    return control if family == "control" else ~control
