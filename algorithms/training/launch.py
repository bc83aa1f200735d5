"""The processes of one training: started, listened to, and ended together.

`torchrun`'s agent would put each of them into a session of its own, out of reach of the signals
that end a job, and know of them no more than their exit status. Here they are children in the
group of the process that starts them, inherit the mark of its job, die with it, and tell in full
what happened. The one that starts them computes nothing: it hands on what the first of them
reports, and the wish to stop.
"""

import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from algorithms.base import (
    Event,
    JobContext,
    ProcessLostError,
    Reporter,
    Schema,
    Summary,
    UserError,
)
from algorithms.training.distributed import visible_devices
from algorithms.training.failures import Told

_POLL_S = 0.2
_LAST_WORDS_S = 5.0
"""How long the others may still tell what they know, once one of them has failed."""
_END_WAIT_S = 20.0
_CHUNK_BYTES = 1 << 16
_LOOPBACK = "lo0" if sys.platform == "darwin" else "lo"


def launch(module: str, spec: Schema, context: JobContext, *, count: int) -> Summary:
    """Run a module in several processes on one job; return what the first of them returns.

    Args:
        module: its `main` calls `algorithms.training.rank.serve`.

    Raises:
        UserError: there are fewer GPUs than processes, or one of them raised it.
        ProcessLostError: one of them died without a word.
        Exception: what else one of them raised.
    """
    with tempfile.TemporaryDirectory(prefix="ranks-") as folder:
        order = {
            "spec": spec.model_dump(mode="json"),
            "inputs": {role: str(path) for role, path in context.inputs.items()},
            "output": str(context.output),
            "checkpoints": str(context.checkpoints),
            "size": count,
            "meeting": str(Path(folder) / "meeting"),
        }
        processes = []
        try:
            for rank, visible in enumerate(_devices(count)):
                processes.append(_Process(module, order, rank, visible))
            return _attend(processes, context.reporter)
        finally:
            _end(processes)


def _devices(count: int) -> list[str | None]:
    try:
        return visible_devices(count)
    except ValueError as error:
        (found,) = error.args
        raise UserError(
            f"The training is set to {count} devices, and this worker has {found} "
            f"{'GPU' if found == 1 else 'GPUs'}. Set devices to {found} or less, or choose a "
            "queue whose workers have more."
        ) from error


class _Process:
    """One of the processes."""

    def __init__(
        self, module: str, order: Mapping[str, Any], rank: int, visible: str | None
    ) -> None:
        self.rank = rank
        self.told: Told | None = None
        """How it ended, as it said itself."""
        self.is_closed = False
        self._unread = b""
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, str(rank)],
            env=_environment(visible),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.say({**order, "rank": rank})

    def say(self, message: object) -> None:
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(message).encode() + b"\n")
            self.process.stdin.flush()

    def fileno(self) -> int:
        assert self.process.stdout is not None
        return self.process.stdout.fileno()

    def messages(self) -> Iterator[dict[str, Any]]:
        """Yield what it said since the last call; call when there is something to read."""
        chunk = os.read(self.fileno(), _CHUNK_BYTES)
        self.is_closed = not chunk
        *lines, self._unread = (self._unread + chunk).split(b"\n")
        yield from map(json.loads, lines)

    @property
    def name(self) -> str:
        return f"process {self.rank + 1}"

    def fate(self) -> str:
        """Return how it ended, for people."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(_END_WAIT_S)
        status = self.process.returncode
        if status == -9:
            return "was killed by signal 9 (SIGKILL), perhaps because the machine ran out of memory"
        return f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"


def _environment(visible: str | None) -> dict[str, str]:
    root = str(Path(__file__).parents[2])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    own = {"PYTHONPATH": os.pathsep.join(paths)}
    # They are on one machine: nobody else needs to reach them.
    own |= {
        name: os.environ.get(name) or _LOOPBACK
        for name in ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME")
    }
    if visible is not None:
        own["CUDA_VISIBLE_DEVICES"] = visible
    return {**os.environ, **own}


def _attend(processes: list[_Process], reporter: Reporter) -> Summary:
    """Hand on what is reported until all are done; raise what went wrong."""
    deadline: float | None = None
    was_told_to_stop = False
    with selectors.DefaultSelector() as selector:
        for each in processes:
            selector.register(each, selectors.EVENT_READ, each)
        while selector.get_map() and (deadline is None or time.monotonic() < deadline):
            for key, _ in selector.select(_POLL_S):
                process: _Process = key.data
                for message in process.messages():
                    _hand_on(process, message, reporter)
                if process.is_closed:
                    selector.unregister(process)
                if deadline is None and _has_failed(process):
                    deadline = time.monotonic() + _LAST_WORDS_S
            if not was_told_to_stop and reporter.should_stop():
                was_told_to_stop = True
                processes[0].say("stop")
    return _verdict(processes)


def _hand_on(process: _Process, message: Mapping[str, Any], reporter: Reporter) -> None:
    match message:
        case {"log": [step, metrics, samples, tokens, seconds]}:
            reporter.log(step, metrics, samples=samples, tokens=tokens, seconds=seconds)
        case {"progress": [done, total, unit]}:
            reporter.progress(done, total, unit)
        case {"message": [text, level]}:
            reporter.message(text, level=level)
        case {"event": event}:
            reporter.event(Event(**event))
        case {"end": end}:
            process.told = Told(**end)


def _has_failed(process: _Process) -> bool:
    """Whether a process has ended otherwise than done."""
    if process.told is None:
        return process.is_closed
    return process.told.kind != "done"


def _verdict(processes: list[_Process]) -> Summary:
    """Return the summary of the first process, or raise the failure that explains the others."""
    ends = [process.told for process in processes if process.told is not None]
    if processes[0].told is not None and processes[0].told.kind == "done":
        return processes[0].told.summary
    for told in ends:
        if told.kind not in {"done", "left alone"}:
            raise told.error()
    for process in processes:
        if process.told is None and process.is_closed:
            raise ProcessLostError(
                f"Of the {len(processes)} processes that trained together, {process.name} "
                f"{process.fate()}."
            )
    raise next(told.error() for told in ends)


def _end(processes: list[_Process]) -> None:
    """Kill them and everything below them; return when all of them are gone."""
    family: list[psutil.Process] = []
    for each in processes:
        with suppress(psutil.NoSuchProcess):
            found = psutil.Process(each.process.pid)
            family += [*found.children(recursive=True), found]
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(family, timeout=_END_WAIT_S)
    for each in processes:
        each.process.communicate()
