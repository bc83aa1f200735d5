"""Symbolic comparisons in processes that can be killed, with time and memory limits.

Own processes on pipes instead of `multiprocessing` or pebble: a spawned child of those imports
the parent's main module again (torch, Django), and their queues break when a child is killed in
the middle of a message. Here a child is one command, a message is one line, and what a killed
child was asked is simply answered with None.
"""

import json
import os
import selectors
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

MEMORY_BYTES = 2**30
"""Address space of one process; it takes about 70 MB to begin with."""
START_LIMIT_S = 120.0
WALL_FACTOR, WALL_GRACE_S = 10, 30.0
"""A process that uses no processor time is ended after so much longer."""
_TICK_S = 0.5
"""Longest time between two calls of `on_progress`."""
_READY = b"ready\n"
_ROOT = Path(__file__).parents[3]
"""Where the package `algorithms` is found."""


class Question(NamedTuple):
    """Two answers to compare."""

    given: str
    expected: str
    tolerance: float


class Answer(NamedTuple):
    """What a comparison came to."""

    same: bool
    canonical: str
    """The given answer; equal answers are mostly written the same."""


@dataclass
class _Worker:
    process: subprocess.Popen[bytes]
    deadline: float
    asked: int | None = None
    """Number of the question it works on."""
    ready: bool = False

    @property
    def output(self) -> int:
        assert self.process.stdout is not None
        return self.process.stdout.fileno()

    def end(self) -> None:
        """Kill it and take its remains."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


@dataclass
class Pool:
    """A few processes, started when they are first needed."""

    processes: int
    time_limit_s: float
    """Processor time of one comparison."""
    memory_bytes: int = MEMORY_BYTES
    _workers: list[_Worker] = field(default_factory=list)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for worker in self._workers:
            worker.end()
        self._workers.clear()

    def ask(
        self, questions: Sequence[Question], on_progress: Callable[[int], None] = lambda _: None
    ) -> list[Answer | None]:
        """Return the answers in the order of the questions.

        None where a comparison took too long, too much memory, or killed its process.

        Args:
            on_progress: called at least twice a second with the number of answers; may raise.

        Raises:
            RuntimeError: a process does not start.
        """
        answers: list[Answer | None] = [None] * len(questions)
        waiting = deque(range(len(questions)))
        while len(self._workers) < min(self.processes, len(questions)):
            self._workers.append(self._started())
        with selectors.DefaultSelector() as ready:
            for worker in self._workers:
                ready.register(worker.output, selectors.EVENT_READ, worker)
                self._give(worker, waiting, questions)
            while waiting or any(worker.asked is not None for worker in self._workers):
                for key, _ in ready.select(self._patience()):
                    worker = key.data
                    line = os.read(worker.output, 65_536)
                    if not self._heard(worker, line, answers):
                        worker = self._replaced(worker, ready)
                    self._give(worker, waiting, questions)
                for worker in [w for w in self._workers if _is_overdue(w)]:
                    self._give(self._replaced(worker, ready), waiting, questions)
                working = sum(worker.asked is not None for worker in self._workers)
                on_progress(len(questions) - len(waiting) - working)
        return answers

    def _patience(self) -> float:
        busy = [w.deadline for w in self._workers if w.asked is not None or not w.ready]
        left = min(busy, default=0.0) - time.monotonic()
        return min(_TICK_S, max(0.0, left))

    def _started(self) -> _Worker:
        command = [sys.executable, "-m", "algorithms.data.graders.worker"]
        limits = [str(self.memory_bytes), str(self.time_limit_s)]
        # One order of sets in every process: what is written of an answer must not change.
        environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": str(_ROOT)}
        process = subprocess.Popen(
            [*command, *limits],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            bufsize=0,
        )
        return _Worker(process, deadline=time.monotonic() + START_LIMIT_S)

    def _replaced(self, worker: _Worker, ready: selectors.BaseSelector) -> _Worker:
        """Return a new process in the place of one that died or has to."""
        if not worker.ready:
            raise RuntimeError("The grading process does not start: is math-verify installed?")
        ready.unregister(worker.output)
        worker.end()
        fresh = self._started()
        self._workers[self._workers.index(worker)] = fresh
        ready.register(fresh.output, selectors.EVENT_READ, fresh)
        return fresh

    def _heard(self, worker: _Worker, line: bytes, answers: list[Answer | None]) -> bool:
        """Take what a process said; return whether it lives on."""
        if line.startswith(_READY):
            worker.ready = True
            return True
        if not line.endswith(b"\n") or worker.asked is None:
            return False
        same, canonical = json.loads(line)
        if same is None:
            return False  # out of memory or stack: a fresh process has both
        answers[worker.asked] = Answer(same, canonical)
        worker.asked = None
        return True

    def _give(self, worker: _Worker, waiting: deque[int], questions: Sequence[Question]) -> None:
        """Give the next question to a process that is ready and idle."""
        if not worker.ready or worker.asked is not None or not waiting:
            return
        worker.asked = waiting.popleft()
        worker.deadline = time.monotonic() + WALL_FACTOR * self.time_limit_s + WALL_GRACE_S
        assert worker.process.stdin is not None
        worker.process.stdin.write(json.dumps(questions[worker.asked]).encode() + b"\n")


def _is_overdue(worker: _Worker) -> bool:
    waited_for = worker.asked is not None or not worker.ready
    return waited_for and time.monotonic() > worker.deadline
