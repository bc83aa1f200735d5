"""Nodes of the build graph before they are rows: pure, hashable, no database."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from algorithms.base import Schema
from algorithms.checkpoints import checkpoint_path
from algorithms.specs import KINDS


@dataclass(frozen=True)
class Given:
    """The artifact of a job that is already in the database."""

    fingerprint: str


@dataclass(frozen=True)
class Kept:
    """A policy that a training keeps along the way: what any job with a policy may take for one."""

    training: "Node | Given"
    step: int
    """Updates after which it is kept (`LLMSettings.keep_every`)."""

    @property
    def fingerprint(self) -> str:
        """That of the training, and the step."""
        return f"{self.training.fingerprint}@{self.step}"

    @property
    def part(self) -> str:
        """Its folder in the training's artifact."""
        return checkpoint_path(self.step)


def given(fingerprint: str) -> Given | Kept:
    """Return the input that a fingerprint names, also one with a step behind it."""
    job, _, step = fingerprint.partition("@")
    return Kept(Given(job), int(step)) if step else Given(job)


@dataclass(frozen=True)
class Node:
    """A job that a plan needs; two nodes with one fingerprint are the same job."""

    kind: str
    spec: Schema
    title: str
    inputs: Mapping[str, "Source"] = field(default_factory=dict)
    label: str = "cpu"
    """The queue it asks for; not part of the fingerprint."""
    code_version: str = ""
    """Version of the algorithm's code, beside that of the kind."""

    def __post_init__(self) -> None:
        kind = KINDS[self.kind]
        roles = set(self.inputs)
        if not set(kind.roles) <= roles <= {*kind.roles, *kind.optional_roles}:
            raise ValueError(f"a {self.kind} job does not take the inputs {sorted(roles)}")
        if not isinstance(self.spec, kind.spec):
            raise TypeError(f"a {self.kind} job needs a {kind.spec.__name__}")

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of kind, code versions, validated spec and the inputs' fingerprints."""
        identity = {
            "kind": self.kind,
            "code": self.full_code_version,
            "spec": self.spec.model_dump(mode="json"),
            "inputs": {role: source.fingerprint for role, source in self.inputs.items()},
        }
        text = json.dumps(identity, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def full_code_version(self) -> str:
        """`2` for a kind's version, `2.topr-1` where an algorithm has a version of its own."""
        version = str(KINDS[self.kind].version)
        return f"{version}.{self.code_version}" if self.code_version else version


Source = Node | Given | Kept
"""What a job can read."""


def maker(source: Source) -> Node | Given:
    """Return the job whose artifact, or a part of it, an input is."""
    return source.training if isinstance(source, Kept) else source


def closure(nodes: "list[Node]") -> Iterator[Node]:
    """Yield every node once, inputs before what needs them."""
    seen: set[str] = set()

    def visit(node: Node) -> Iterator[Node]:
        if node.fingerprint in seen:
            return
        for source in map(maker, node.inputs.values()):
            if isinstance(source, Node):
                yield from visit(source)
        if node.fingerprint not in seen:
            seen.add(node.fingerprint)
            yield node

    for node in nodes:
        yield from visit(node)
