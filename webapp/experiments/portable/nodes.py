"""The jobs that make the sources of a file: nodes of the build graph, nothing computed; pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from algorithms.base import Schema
from algorithms.catalogue import ALGORITHMS, CONTROL_ALGORITHMS, CORRECTIONS
from algorithms.specs import KINDS, DatasetSpec, PolicySpec, UploadSpec
from webapp.experiments.plan import Sources
from webapp.experiments.portable.document import Document, JobEntry
from webapp.experiments.portable.references import Ids, Path
from webapp.jobs.graph import Kept, Node, maker
from webapp.policies.nodes import WarmStartError, warm_started

GRADED = ("grade", "curate")
"""Kinds whose artifacts are graded completions."""
CONTROL_POLICIES = ("train_control", "keep_checkpoint", "train_behaviour", "control_policy")
POLICIES = ("policy", "train", "online", *CONTROL_POLICIES)
"""Kinds whose artifacts are policies."""
TRANSITIONS = ("collect", "transitions", "leave_out")
"""Kinds whose artifacts are data sets of transitions."""


class SourceError(Exception):
    """A source of a file cannot be made as it is written."""

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(message)
        self.path = path


@dataclass
class SourceNodes:
    """The job of each source by its name, and what is wrong with those that have none."""

    numbers: Ids = field(default_factory=Ids)
    """Their places in the file, from 1, for plans that no database knows."""
    datasets: dict[str, Node] = field(default_factory=dict)
    policies: dict[str, Node | Kept] = field(default_factory=dict)
    rollouts: dict[str, Node] = field(default_factory=dict)
    errors: list[SourceError] = field(default_factory=list)

    @property
    def fingerprints(self) -> Sources:
        """What the planner needs to know of them, by `numbers`, where there are no errors."""
        return Sources(
            datasets=_fingerprints(self.datasets),
            policies=_fingerprints(self.policies),
            rollouts=_fingerprints(self.rollouts),
            names={
                f"{kind}_id": {number: name for name, number in numbers.items()}
                for kind, numbers in (
                    ("dataset", self.numbers.datasets),
                    ("policy", self.numbers.policies),
                )
            },
        )

    @property
    def all(self) -> tuple[Node, ...]:
        """Return every source's job."""
        made = (maker(policy) for policy in self.policies.values())
        policies = (node for node in made if isinstance(node, Node))
        return (*self.datasets.values(), *policies, *self.rollouts.values())


def _numbered(names: Iterable[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(names, start=1)}


def _fingerprints(nodes: Mapping[str, Node] | Mapping[str, Node | Kept]) -> dict[int, str]:
    return {number: node.fingerprint for number, node in enumerate(nodes.values(), start=1)}


def source_nodes(document: Document) -> SourceNodes:
    """Return the jobs of a file's sources; their fingerprints are those of the web application."""
    tables = (document.datasets, document.policies, document.rollouts)
    found = SourceNodes(Ids(*map(_numbered, tables)))
    builder = _Builder(document, str(document.config.get("label", "cpu")), found.datasets)
    made: tuple[tuple[str, Callable[[str], Any], dict[str, Any]], ...] = (
        ("datasets", builder.dataset, found.datasets),
        ("policies", builder.policy, found.policies),
        ("rollouts", builder.rollouts, found.rollouts),
    )
    for (table, build, nodes), entries in zip(made, tables, strict=True):
        for name in entries:
            try:
                nodes[name] = build(name)
            except SourceError as error:
                found.errors.append(SourceError((table, name, *error.path), str(error)))
    return found


def only(name: str, table: Mapping[str, object]) -> str:
    """Return a name, or that of the only entry where none is given."""
    return next(iter(table)) if not name and len(table) == 1 else name


@dataclass(frozen=True)
class _Builder:
    """Makes nodes of entries; every failure is a `SourceError` at a path below the entry."""

    document: Document
    label: str
    """Queue of the jobs."""
    datasets: Mapping[str, Node]
    """Filled as it goes."""
    jobs: dict[str, Node] = field(default_factory=dict)
    """Each job once, however many need it."""

    def dataset(self, name: str) -> Node:
        entry, title = self.document.datasets[name], f"Dataset {name}"[:200]
        if entry.source is not None:
            return Node(kind="dataset", spec=DatasetSpec(source=entry.source), title=title)
        if entry.collect is not None:
            return Node(kind="collect", spec=entry.collect, title=title, label=self.label)
        if entry.transitions is not None:
            return Node(kind="transitions", spec=entry.transitions, title=title, label=self.label)
        if entry.job is not None:
            made = self._made(entry.job, TRANSITIONS)
            assert isinstance(made, Node)  # these kinds keep nothing along the way
            return made
        return Node(kind="upload", spec=UploadSpec(sha256=entry.upload or ""), title=title)

    def policy(self, name: str) -> Node | Kept:
        entry = self.document.policies[name]
        title = f"Policy {name}"[:200]
        for kind in ("control_policy", "train_behaviour"):
            if (own := getattr(entry, kind)) is not None:
                return Node(kind=kind, spec=own, title=title, label=self.label)
        if entry.source is None:
            return self._made(entry.job or "", POLICIES)
        spec = PolicySpec(source=entry.source)
        node = Node(kind="policy", spec=spec, title=title, label=self.label)
        start = entry.warm_start
        if start is None:
            return node
        rows = self.datasets.get(only(start.dataset, self.document.datasets))
        if rows is None:
            message = f"There is no dataset {start.dataset!r} in this file."
            raise SourceError(("warm_start", "dataset"), message)
        try:
            return warm_started(node, start.spec, rows, name)
        except WarmStartError as error:
            raise SourceError(("warm_start", "algorithm"), str(error)) from error

    def rollouts(self, name: str) -> Node:
        node = self._made(self.document.rollouts[name].job, GRADED)
        if isinstance(node, Kept):
            raise SourceError(("job",), "Completions have no step.")
        return node

    def _made(self, job: str, kinds: tuple[str, ...]) -> Node | Kept:
        source = self._input(job, ())
        node = source.training if isinstance(source, Kept) else source
        assert isinstance(node, Node)  # `_input` gives nothing else
        if node.kind not in kinds:
            message = f"{job} is a {node.kind} job; this takes {' or '.join(kinds)}."
            raise SourceError(("job",), message)
        return source

    def _input(self, name: str, above: tuple[str, ...]) -> Node | Kept:
        """Return a job of the file, or what it kept after some updates: `train-ab12@50`."""
        job, at, step = name.partition("@")
        node = self._job(job, above)
        if not at:
            return node
        if not step.isdecimal():
            raise SourceError(("job",), f"{name}: write the number of updates after the @.")
        return Kept(node, int(step))

    def _job(self, name: str, above: tuple[str, ...]) -> Node:
        if name not in self.jobs:
            self.jobs[name] = self._new_job(name, above)
        return self.jobs[name]

    def _new_job(self, name: str, above: tuple[str, ...]) -> Node:
        entry = self.document.jobs.get(name)
        if entry is None:
            raise SourceError(("job",), f"There is no job {name!r} under jobs.")
        if name in above:
            raise SourceError(("job",), f"{' needs '.join((*above, name))}: that never ends.")
        inputs = {role: self._input(one, (*above, name)) for role, one in entry.inputs.items()}
        spec = _spec(entry, name)
        try:
            return Node(
                kind=entry.kind,
                spec=spec,
                title=f"{entry.kind} {name}"[:200],
                inputs=inputs,
                label=self.label,
                code_version=code_version(spec),
            )
        except ValueError as error:
            raise SourceError(("job",), f"{name}: {error}.") from error


def _spec(entry: JobEntry, name: str) -> Schema:
    try:
        return KINDS[entry.kind].spec.model_validate(dict(entry.spec))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise SourceError(("job",), f"{name}: {where}: {first['msg']}.") from error


def code_version(spec: Schema) -> str:
    """Return the version of the algorithm that a spec names, as plans write it."""
    name = getattr(spec, "algorithm", "") or getattr(spec, "correction", "")
    for known in (ALGORITHMS, CONTROL_ALGORITHMS, CORRECTIONS):
        if name in known:
            return f"{name}-{known[name].version}"
    return ""
