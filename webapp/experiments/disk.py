"""What the policies of planned trainings will take on the disk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from algorithms.checkpoints import checkpoint_steps
from algorithms.settings import LLMSettings
from algorithms.specs import TRAININGS
from webapp.jobs.graph import Given, Node, Source, maker
from webapp.jobs.models import Artifact
from webapp.policies.models import Policy
from webapp.policies.runs import kept_steps


@dataclass(frozen=True)
class Stored:
    """Policies that stay, and their size."""

    policies: int
    size_bytes: int


def policy_bytes(policy: Policy) -> int | None:
    """Return the size of one policy of a finished job; None before it has ended."""
    try:
        size = policy.job.artifact.size_bytes
    except Artifact.DoesNotExist:
        return None
    return size // (1 + len(kept_steps(policy.job))) if policy.job.kind in TRAININGS else size


def stored_policies(nodes: Sequence[Node], sizes: Mapping[str, int | None]) -> Stored | None:
    """Return what trainings will store; None where a size or the number of steps is not known.

    Args:
        sizes: bytes of given policies, by the fingerprint of their job.
    """
    policies = total = 0
    for node in nodes:
        settings = getattr(node.spec, "settings", None)
        if not isinstance(settings, LLMSettings):
            continue
        size = _size(node.inputs["policy"], sizes)
        if size is None or (settings.epochs is not None and settings.keep_every):
            return None
        kept = 1 + len(checkpoint_steps(settings.steps, settings.keep_every))
        policies, total = policies + kept, total + kept * size
    return Stored(policies, total)


def _size(policy: Source, sizes: Mapping[str, int | None]) -> int | None:
    """Return the size of what a training starts from: what it ends with is as large."""
    source = maker(policy)
    while not isinstance(source, Given):
        if "policy" not in source.inputs:
            return None
        source = maker(source.inputs["policy"])
    return sizes.get(source.fingerprint)
