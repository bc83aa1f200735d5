"""Reference returns of a data set, by which returns are normalised."""

from collections.abc import Mapping
from typing import Any

from algorithms.environments.table import ENVIRONMENTS, Reference, d4rl_reference


def reference_of(metadata: Mapping[str, Any]) -> Reference | None:
    """Return what the metadata of a data set or policy say, or None."""
    stored = metadata.get("reference")
    if not stored:
        return None
    return Reference(float(stored["random"]), float(stored["expert"]), stored["source"])


def known_reference(environment: str, *names: str) -> Reference | None:
    """Return D4RL's reference returns by a data set's names, or else by its environment."""
    for name in filter(None, names):
        if found := d4rl_reference(name):
            return found
    known = ENVIRONMENTS.get(environment)
    return known.reference if known else None


def record(reference: Reference | None) -> dict[str, float | str] | None:
    """Return reference returns as JSON."""
    if reference is None:
        return None
    return {
        "random": reference.random,
        "expert": reference.expert,
        "source": reference.source,
    }
