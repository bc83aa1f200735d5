"""`python -m launcher build FILE --out DIR`: a whole experiment without database, broker or web.

The same planner, the same jobs, the same fingerprints; what DIR holds already is not computed
again, so an interrupted build goes on where it stopped.
"""

import fcntl
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from algorithms import job_process
from launcher.build_table import write_tables
from launcher.errors import LauncherError
from launcher.progress import Terminal
from webapp.experiments.plan import Plan
from webapp.experiments.planner import plan
from webapp.experiments.portable.reading import Reading, read
from webapp.jobs.graph import Kept, Node, Source, maker

LOG_TAIL = 12
"""Lines of a failed job's log that are shown."""
NAME_HASH = 16
"""Characters of a fingerprint in the name of a job's folder; the whole is in its job.json."""
STOPPED = 130


@dataclass
class Outcome:
    """What became of the jobs."""

    computed: int = 0
    found: int = 0
    failed: list[Node] = field(default_factory=list)
    left_out: list[Node] = field(default_factory=list)
    """They need what failed."""


@dataclass(frozen=True)
class Build:
    """A folder that jobs leave their artifacts in."""

    out: Path
    sources: Mapping[str, Node]
    """Jobs of what the plan takes as given, by fingerprint."""

    def artifact(self, node: Node) -> Path:
        """Return where the artifact of a job is, or will be."""
        return self.out / "artifacts" / _name(node)

    def work(self, node: Node) -> Path:
        """Return where its spec, log, points, checkpoints and summary are."""
        return self.out / "jobs" / _name(node)

    def node(self, source: Source) -> Node:
        """Return the job that makes an input."""
        job = maker(source)
        return job if isinstance(job, Node) else self.sources[job.fingerprint]

    def folder(self, source: Source) -> Path:
        """Return the folder that a job reads for an input."""
        found = self.artifact(self.node(source))
        return found / source.part if isinstance(source, Kept) else found

    def order(self, nodes: Sequence[Node]) -> list[Node]:
        """Return jobs and all that they need, once each, inputs first."""
        found: dict[str, Node] = {}
        for node in nodes:
            if node.fingerprint not in found:
                inner = self.order([self.node(source) for source in node.inputs.values()])
                found |= {one.fingerprint: one for one in inner}
                found[node.fingerprint] = node
        return list(found.values())

    def summary(self, node: Node) -> dict[str, float | int | str] | None:
        """Return the final figures of a job; None where it is not done."""
        if node.kind == "upload":
            return {} if (self.artifact(node) / "rows.parquet").is_file() else None
        try:
            record = json.loads((self.work(node) / "done.json").read_text())
        except (FileNotFoundError, ValueError):
            return None
        known = self.artifact(node).is_dir() and self._is_same(node)
        return record["summary"] if known else None

    def _is_same(self, node: Node) -> bool:
        told = json.loads((self.work(node) / "job.json").read_text())
        return bool(told["fingerprint"] == node.fingerprint)

    def describe(self, node: Node) -> Path:
        """Write what a job is and is told; return the file with its spec."""
        work = self.work(node)
        work.mkdir(parents=True, exist_ok=True)
        inputs = {role: source.fingerprint for role, source in node.inputs.items()}
        spec = node.spec.model_dump(mode="json")
        about = {
            "fingerprint": node.fingerprint,
            "kind": node.kind,
            "code": node.full_code_version,
            "title": node.title,
            "inputs": inputs,
            "spec": spec,
        }
        (work / "job.json").write_text(json.dumps(about, indent=1))
        (work / "spec.json").write_text(json.dumps(spec))
        return work / "spec.json"


def _name(node: Node) -> str:
    return f"{node.kind}-{node.fingerprint[:NAME_HASH]}"


def build(file: Path, out: Path, *, dry_run: bool = False) -> int:
    """Compute the experiment of a file; return 0, 1 where jobs failed, 130 where it was stopped.

    Raises:
        LauncherError: the file is wrong, or another process works in the folder.
    """
    terminal = Terminal()
    reading = _checked(file, terminal)
    assert reading.config is not None  # no problems
    made = plan(reading.config, reading.nodes.fingerprints)
    sources = {node.fingerprint: node for node in reading.nodes.all}
    workshop = Build(out, sources)
    nodes = workshop.order(made.nodes)
    terminal.say(f"{len(made.runs)} runs, {len(nodes)} jobs, in {out}")
    if dry_run:
        for node in nodes:
            there = "there" if workshop.summary(node) is not None else "to do"
            terminal.say(f"{there}  {_name(node)}  {node.title}")
        return 0
    with _alone(out) as lock:
        (out / "experiment.yaml").write_text(reading.text)
        outcome = _compute(workshop, nodes, terminal, lock)
    if outcome is None:
        terminal.say("Stopped. The same command goes on from here.")
        return STOPPED
    return _tell(workshop, made, outcome, terminal)


def _checked(file: Path, terminal: Terminal) -> Reading:
    try:
        reading = read(file.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise LauncherError(f"{file} cannot be read: {error}") from error
    for line in reading.not_understood:
        terminal.say(f"not understood: {line}")
    if reading.problems:
        raise LauncherError("\n".join(f"{file}: {problem}" for problem in reading.problems))
    return reading


@contextmanager
def _alone(out: Path) -> Iterator[int]:
    """Give a lock on the folder; children inherit it, so one that outlives us still holds it."""
    (out / "artifacts").mkdir(parents=True, exist_ok=True)
    with (out / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LauncherError(f"Another process is computing in {out}: wait for it.") from None
        yield lock.fileno()


def _compute(
    workshop: Build, nodes: Sequence[Node], terminal: Terminal, lock: int
) -> Outcome | None:
    """Compute what is missing, one job after the other; None where a person stopped it."""
    outcome = Outcome()
    lost: set[str] = set()
    for number, node in enumerate(nodes, start=1):
        if workshop.summary(node) is not None:
            outcome.found += 1
            continue
        if any(maker(source).fingerprint in lost for source in node.inputs.values()):
            outcome.left_out.append(node)
            lost.add(node.fingerprint)
            continue
        started = time.monotonic()
        code = _run(workshop, node, lock)
        if code == STOPPED:
            return None
        said = "failed" if code else "done"
        seconds = time.monotonic() - started
        terminal.say(f"{number} of {len(nodes)}: {node.title}: {said}, {seconds:.1f} s")
        if code:
            terminal.say(_log_tail(workshop.work(node) / "log.txt"))
            outcome.failed.append(node)
            lost.add(node.fingerprint)
        outcome.computed += not code
    return outcome


def _run(workshop: Build, node: Node, lock: int) -> int:
    """Run one job in a process of its own; return its exit status."""
    if node.kind == "upload":
        raise LauncherError(
            f"The rows of {node.title} were uploaded and are in no file: put the folder with "
            f"rows.parquet at {workshop.artifact(node)}."
        )
    spec, work = workshop.describe(node), workshop.work(node)
    inputs = [f"--input={role}={workshop.folder(one)}" for role, one in node.inputs.items()]
    options = [f"--spec={spec}", *inputs, f"--output={workshop.artifact(node)}", f"--work={work}"]
    try:
        return job_process.run(node.kind, options, work / "log.txt", lock=lock)
    except KeyboardInterrupt:
        return STOPPED


def _log_tail(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()[-LOG_TAIL:]
    return "\n".join(f"    {line}" for line in lines)


def _tell(workshop: Build, made: Plan, outcome: Outcome, terminal: Terminal) -> int:
    terminal.say(f"{outcome.computed} jobs computed, {outcome.found} were there already.")
    ends = [(run, workshop.summary(run.nodes["evaluate"])) for run in made.runs]
    terminal.console.print(write_tables(workshop.out, ends))
    if not outcome.failed:
        return 0
    terminal.say(f"{len(outcome.failed)} jobs failed, {len(outcome.left_out)} need them.")
    return 1
