"""One job from the command line: `python -m algorithms.run KIND OUTPUT --set k=v --input ROLE=F`.

Runs any kind of job on folders, without web application, database or queue.
"""

import argparse
import json
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from algorithms.__main__ import ConsoleReporter
from algorithms.base import JobContext, NonFiniteLossError, Schema, Stopped, Summary, UserError
from algorithms.jobs import COMPUTED, run_job
from algorithms.specs import KINDS


def read_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return what was typed."""
    parser = argparse.ArgumentParser(prog="python -m algorithms.run", description=__doc__)
    parser.add_argument("kind", choices=COMPUTED, help="kind of job")
    parser.add_argument("output", type=Path, help="folder to create")
    parser.add_argument("--spec", type=Path, help="JSON file with the job's settings")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE",
        help="one setting, over those of the file; dots go deeper (settings.steps=1000), values "
        "are JSON or plain text",
    )  # fmt: skip
    parser.add_argument(
        "--input", action="append", default=[], metavar="ROLE=FOLDER", help="an input of the job"
    )
    return parser.parse_args(argv)


def read_spec(kind: str, file: Path | None, settings: Sequence[str]) -> Schema:
    """Return the validated settings of a job.

    Raises:
        UserError: the file is no JSON, or a setting is unknown or outside its range.
    """
    try:
        values: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file else {}
    except (OSError, ValueError) as error:
        raise UserError(f"--spec: {file} cannot be read: {error}") from error
    for text in settings:
        name, equals, value = text.partition("=")
        if not equals:
            raise UserError(f"--set: write NAME=VALUE instead of {text!r}")
        _place(values, name.split("."), value)
    try:
        return KINDS[kind].spec.model_validate(values)
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise UserError("\n".join(lines)) from error


def _place(values: dict[str, Any], path: list[str], text: str) -> None:
    for name in path[:-1]:
        values = values.setdefault(name, {})
    try:
        values[path[-1]] = json.loads(text)
    except ValueError:
        values[path[-1]] = text


def read_inputs(kind: str, given: Sequence[str]) -> dict[str, Path]:
    """Return the folder of each input.

    Raises:
        UserError: an input is missing, unknown, or no folder.
    """
    inputs = {role: Path(folder) for role, _, folder in (each.partition("=") for each in given)}
    roles = KINDS[kind].roles
    known = {*roles, *KINDS[kind].optional_roles}
    if not set(roles) <= set(inputs) <= known:
        raise UserError(f"--input: a {kind} job takes {', '.join(sorted(known)) or 'none'}")
    for role, folder in inputs.items():
        if not folder.is_dir():
            raise UserError(f"--input: there is no folder {folder} for {role}")
    return inputs


def run(arguments: argparse.Namespace) -> Summary:
    """Run the job; what it leaves is in the output folder when it is done.

    Raises:
        UserError: a setting or a folder is wrong.
        Stopped: the user interrupted it; the same command goes on from its checkpoint.
    """
    spec = read_spec(arguments.kind, arguments.spec, arguments.set)
    inputs = read_inputs(arguments.kind, arguments.input)
    output: Path = arguments.output
    if output.exists():
        raise UserError(f"{output} is taken; name a new folder")
    partial = output.with_name(f"{output.name}.partial")
    checkpoints = output.with_name(f"{output.name}.checkpoints")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    checkpoints.mkdir(exist_ok=True)
    reporter = ConsoleReporter()
    signal.signal(signal.SIGINT, reporter.stop)
    signal.signal(signal.SIGTERM, reporter.stop)
    summary = run_job(arguments.kind, spec, JobContext(inputs, partial, checkpoints, reporter))
    partial.rename(output)
    shutil.rmtree(checkpoints)
    return summary


def main(argv: Sequence[str] | None = None) -> int:
    """Run one job; return 0 done, 1 diverged, 2 wrong use, 130 stopped."""
    try:
        summary = run(read_arguments(argv))
    except (UserError, NonFiniteLossError, Stopped) as error:
        sys.stderr.write(f"{error}\n")
        codes = {UserError: 2, NonFiniteLossError: 1, Stopped: 130}
        return next(code for kind, code in codes.items() if isinstance(error, kind))
    for name, value in summary.items():
        text = f"{value:.4g}" if isinstance(value, float) else str(value)
        sys.stdout.write(f"{name} {text}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
