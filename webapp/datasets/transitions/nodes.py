"""The jobs behind a data set of transitions, before they are rows; pure."""

from collections.abc import Mapping

from algorithms.control_specs import CollectSpec, MinariSet, Part, TransitionsSpec
from algorithms.environments.table import ENVIRONMENTS
from webapp.jobs.graph import Given, Kept, Node, Source, given

POLICY_ROLES = ("policy", "policy_2", "policy_3")
"""Roles of a `collect` job's policies; a part of the composition names them as its behaviour."""


def transitions_node(
    spec: TransitionsSpec, name: str, upload: str = "", label: str = "cpu"
) -> Node:
    """Return the job that reads a file.

    Args:
        upload: fingerprint of the uploaded file; empty where the spec names one.
    """
    inputs: dict[str, Source] = {"file": Given(upload)} if upload else {}
    title = f"Transitions {name}"[:200]
    return Node(kind="transitions", spec=spec, title=title, inputs=inputs, label=label)


def collect_node(
    spec: CollectSpec, name: str, policies: Mapping[str, str], label: str = "cpu"
) -> Node:
    """Return the job that collects a composition.

    Args:
        policies: fingerprints by role; those that no part names are left out.
    """
    used = {part.behaviour for part in spec.parts}
    inputs: dict[str, Given | Kept | Node] = {
        role: given(fingerprint) for role, fingerprint in policies.items() if role in used
    }
    title = f"Collect {name}"[:200]
    return Node(kind="collect", spec=spec, title=title, inputs=inputs, label=label)


def origin_of_import(spec: TransitionsSpec, filename: str = "") -> str:
    """Return where imported transitions come from, in words."""
    if isinstance(spec.source, MinariSet):
        return f"Minari: {spec.source.name}"[:200]
    return f"upload of {filename}"[:200] if filename else f"path: {spec.source.path}"[:200]


def origin_of_composition(spec: CollectSpec, policies: Mapping[str, str]) -> str:
    """Return what was collected, in words.

    Args:
        policies: names by role.
    """
    known = ENVIRONMENTS.get(spec.environment)
    whole = sum(part.share for part in spec.parts)
    words = ", ".join(_part(part, whole, policies) for part in spec.parts)
    return f"collected in {known.title if known else spec.environment}: {words}"[:200]


def _part(part: Part, whole: float, policies: Mapping[str, str]) -> str:
    name = policies.get(part.behaviour, part.behaviour.replace("_", " "))
    stage = f" at {part.stage}" if part.stage else ""
    how = " (replay)" if part.replay else f" with noise {part.noise:g}" if part.noise else ""
    return f"{100 * part.share / whole:.3g}% {name}{stage}{how}"
