"""One of several processes of a job, as `launch` starts it: an order in, JSON lines out."""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, TextIO

from algorithms.base import Event, JobContext, Reporter, Summary
from algorithms.training.distributed import Ranks, join
from algorithms.training.failures import Told
from algorithms.training.vllm_host import die_with_parent

Work = Callable[[Mapping[str, Any], JobContext, Ranks], Summary]
"""`work(spec, context, ranks)`: what each process does; the first one's summary counts."""


def serve(work: Work) -> None:
    """Take the order from standard input, do the work, tell how it ended, and leave."""
    die_with_parent()
    for number in (signal.SIGTERM, signal.SIGINT):
        # They reach the whole process group; whoever started this decides, and says so.
        signal.signal(number, signal.SIG_IGN)
    teller = _Teller(os.fdopen(os.dup(1), "w", encoding="utf-8"))
    os.dup2(2, 1)
    try:
        end = Told("done", summary=_work(work, json.loads(sys.stdin.readline()), teller))
    except Exception as error:  # noqa: BLE001 - told to whoever started this, who raises it
        end = Told.of(error)
    teller.say(end.message())
    sys.stderr.flush()
    # Threads of the process group would keep a process whose partners are gone.
    os._exit(0 if end.kind == "done" else 1)


def _work(work: Work, order: Mapping[str, Any], teller: "_Teller") -> Summary:
    threading.Thread(target=teller.listen, daemon=True).start()
    ranks = join(rank=order["rank"], size=order["size"], meeting=Path(order["meeting"]))
    context = JobContext(
        inputs={role: Path(folder) for role, folder in order["inputs"].items()},
        output=Path(order["output"]),
        checkpoints=Path(order["checkpoints"]),
        reporter=teller if ranks.is_first else _Silent(),
    )
    return work(order["spec"], context, ranks)


class _Teller(Reporter):
    """Reports to the process that started this one."""

    def __init__(self, answers: TextIO) -> None:
        self._answers = answers
        self._lock = threading.Lock()
        self._stop = threading.Event()

    def say(self, message: Mapping[str, Any]) -> None:
        """Send a line."""
        with self._lock:
            self._answers.write(json.dumps(message) + "\n")
            self._answers.flush()

    def listen(self) -> None:
        """Wait for the word to stop; the end of the line is that of whoever started this."""
        for _ in sys.stdin:
            self._stop.set()
        os._exit(1)

    def log(
        self, step: int, metrics: Mapping[str, float], *, samples: int, tokens: int, seconds: float
    ) -> None:
        """Hand on."""
        values = {name: float(value) for name, value in metrics.items()}
        self.say({"log": [step, values, samples, tokens, seconds]})

    def progress(self, done: int, total: int, unit: str) -> None:
        """Hand on."""
        self.say({"progress": [done, total, unit]})

    def message(self, text: str, *, level: Literal["info", "warning", "error"] = "info") -> None:
        """Hand on."""
        self.say({"message": [text, level]})

    def event(self, event: Event) -> None:
        """Hand on."""
        self.say({"event": asdict(event)})

    def should_stop(self) -> bool:
        """Whether the word came."""
        return self._stop.is_set()


class _Silent(Reporter):
    """Of the processes that do not report."""

    def log(
        self, step: int, metrics: Mapping[str, float], *, samples: int, tokens: int, seconds: float
    ) -> None:
        """Say nothing."""

    def progress(self, done: int, total: int, unit: str) -> None:
        """Say nothing."""

    def message(self, text: str, *, level: Literal["info", "warning", "error"] = "info") -> None:
        """Say nothing."""

    def event(self, event: Event) -> None:
        """Say nothing."""

    def should_stop(self) -> bool:
        """Leave that to the first process."""
        return False
