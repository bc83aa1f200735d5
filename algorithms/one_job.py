"""`python -m algorithms job KIND`: one job of any kind, from a file with its spec to a folder.

What a worker does with a database, without one: `python -m launcher build` runs whole experiments
from such commands.
"""

import argparse
import json
import shutil
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import ValidationError

from algorithms.base import (
    JobContext,
    Reporter,
    Schema,
    Summary,
    UserError,
)
from algorithms.exit_status import exit_status
from algorithms.specs import KINDS

if TYPE_CHECKING:
    Choices = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - no public name

COMMAND = "job"
POINTS_FILE = "points.jsonl"
"""One line per logged step: step, samples, tokens, seconds, metrics."""
RECORD_FILE = "done.json"
"""Written before the output appears: the summary. Both there: the job has ended well."""
PROGRESS_INTERVAL_S = 5.0


class FileReporter(Reporter):
    """Writes points to a file and messages to stderr; asks the job to stop after a signal."""

    def __init__(self, points: Path) -> None:
        self._stop = False
        self._points = points
        self._next_progress = 0.0

    def stop(self, *_: object) -> None:
        """Ask the job to save a checkpoint and stop."""
        self._stop = True

    def log(
        self, step: int, metrics: Mapping[str, float], *, samples: int, tokens: int, seconds: float
    ) -> None:
        """Append a line; a resumed job may write a step again, the last line counts."""
        spent = {"step": step, "samples": samples, "tokens": tokens, "seconds": seconds}
        with self._points.open("a") as file:
            file.write(json.dumps({**spent, "metrics": dict(metrics)}) + "\n")

    def progress(self, done: int, total: int, unit: str) -> None:
        """Print how far the job is, now and then."""
        now = time.monotonic()
        if now >= self._next_progress:
            self._next_progress = now + PROGRESS_INTERVAL_S
            print(f"{done} of {total} {unit}", file=sys.stderr, flush=True)

    def message(self, text: str, *, level: Literal["info", "warning", "error"] = "info") -> None:
        """Print a line."""
        print(f"{level}: {text}", file=sys.stderr, flush=True)

    def should_stop(self) -> bool:
        """Return whether a signal came."""
        return self._stop


def add(commands: "Choices") -> None:
    """Add the command to the parser of `python -m algorithms`."""
    command = commands.add_parser(COMMAND, help="run one job of any kind from its spec")
    command.add_argument("kind", choices=sorted(KINDS))
    command.add_argument("--spec", type=Path, required=True, help="JSON file with the job's spec")
    command.add_argument(
        "--input", action="append", default=[], metavar="ROLE=FOLDER", help="an input artifact"
    )
    command.add_argument("--output", type=Path, required=True, help="folder to create")
    command.add_argument(
        "--work", type=Path, required=True, help=f"folder of checkpoints, {POINTS_FILE}, and "
        f"{RECORD_FILE} in the end"
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Run the job; return 0 done, 1 failed, 2 wrong use, 130 stopped (run again to go on)."""
    return exit_status(lambda: print(json.dumps(_run(arguments))))


def _run(arguments: argparse.Namespace) -> Summary:
    # Loads transformers, which other commands do without.
    from algorithms.jobs import run_job  # noqa: PLC0415

    spec = _spec(arguments.kind, arguments.spec)
    output, work = arguments.output, arguments.work
    inputs = dict(map(_input, arguments.input))
    if output.exists():
        raise UserError(f"--output: {output} is taken; name a new folder")
    partial = output.with_name(f"{output.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    checkpoints = work / "checkpoints"
    checkpoints.mkdir(parents=True, exist_ok=True)
    reporter = FileReporter(work / POINTS_FILE)
    signal.signal(signal.SIGINT, reporter.stop)
    signal.signal(signal.SIGTERM, reporter.stop)
    summary = run_job(arguments.kind, spec, JobContext(inputs, partial, checkpoints, reporter))
    record = work / f"{RECORD_FILE}.new"
    record.write_text(json.dumps({"kind": arguments.kind, "summary": summary}, indent=1))
    record.replace(work / RECORD_FILE)
    partial.replace(output)
    shutil.rmtree(checkpoints)
    return summary


def _spec(kind: str, path: Path) -> Schema:
    try:
        return KINDS[kind].spec.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UserError(f"--spec: {path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "spec"
        raise UserError(f"--spec: {field}: {first['msg']}") from error


def _input(text: str) -> tuple[str, Path]:
    role, _, folder = text.partition("=")
    if not folder or not Path(folder).is_dir():
        raise UserError(f"--input: write ROLE=FOLDER; there is no folder {folder!r}")
    return role, Path(folder)
