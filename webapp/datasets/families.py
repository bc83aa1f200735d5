"""The two families of data sets: prompts that policies complete, transitions that they learn from.

What a data set is follows from the kind of its job, so nothing is stored twice.
"""

from typing import Literal, get_args

from django.db.models import Q

Family = Literal["prompts", "transitions"]
FAMILIES: tuple[Family, ...] = get_args(Family)

TRANSITIONS_KINDS = ("transitions", "collect", "leave_out")
"""Kinds of jobs whose artifact is transitions; the artifact of any other is rows of prompts."""


def family_of_kind(kind: str) -> Family:
    """Return of which family the data set of a job of this kind is."""
    return "transitions" if kind in TRANSITIONS_KINDS else "prompts"


def of_family(family: Family) -> Q:
    """Return the condition on data sets that lets one family through."""
    transitions = Q(job__kind__in=TRANSITIONS_KINDS)
    return transitions if family == "transitions" else ~transitions
