"""The command line: `python -m algorithms list`, `docs`, `job --help`, `topr --help`.

Trains one algorithm from folders in the layout of docs/architecture.md, without web application,
database or queue.
"""

import argparse
import shutil
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from algorithms import one_job
from algorithms.asking import Grading, Sampling
from algorithms.base import (
    JobContext,
    LLMAlgorithm,
    Reporter,
    Schema,
    Summary,
    UserError,
)
from algorithms.catalogue import ALGORITHMS
from algorithms.documentation import FOLDER, write
from algorithms.exit_status import exit_status
from algorithms.flags import Flags
from algorithms.settings import LLMSettings
from algorithms.specs import TrainSpec
from algorithms.watching import Sentinels

LINE_INTERVAL_S = 1.0
"""Training figures are printed at most this often; evaluations always."""

FOLDERS = ("policy", "rollouts", "dataset", "eval_dataset")
RESERVED = (*FOLDERS, "output", "seed", "train_split", "eval_split", "preset", "help")
"""Flags that are no field of a schema."""
SAMPLING = Flags(Sampling, "held-out completions", "sampling", qualified=Sampling.model_fields)
GRADING = Flags(Grading, "grading", "grading", qualified=Grading.model_fields)
SENTINELS = Flags(Sentinels, "sentinels", "sentinels", qualified=Sentinels.model_fields)


class ConsoleReporter(Reporter):
    """Prints figures and messages; asks the job to stop after the first interrupt."""

    def __init__(self) -> None:
        self._stop = False
        self._next_line = 0.0

    def stop(self, *_: object) -> None:
        """Ask the job to save a checkpoint and stop; a second interrupt ends the process."""
        self._stop = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def log(
        self, step: int, metrics: Mapping[str, float], *, samples: int, tokens: int, seconds: float
    ) -> None:
        """Print a line of figures."""
        now = time.monotonic()
        if now < self._next_line and not any(name.startswith("eval_") for name in metrics):
            return
        self._next_line = now + LINE_INTERVAL_S
        figures = "  ".join(f"{name} {value:.4g}" for name, value in metrics.items())
        line = f"step {step}  {samples} samples  {tokens} tokens  {seconds:.1f} s  {figures}"
        print(line, flush=True)

    def progress(self, done: int, total: int, unit: str) -> None:
        """Print nothing: every line of figures names its step."""

    def message(self, text: str, *, level: Literal["info", "warning", "error"] = "info") -> None:
        """Print a line on stderr."""
        print(f"{level}: {text}", file=sys.stderr)

    def should_stop(self) -> bool:
        """Return whether the user interrupted the command."""
        return self._stop


def build_parser() -> argparse.ArgumentParser:
    """Return the parser: `list`, `docs`, and one command per algorithm."""
    parser = argparse.ArgumentParser(
        prog="python -m algorithms", description="Train a policy from stored completions."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("list", help="name every algorithm")
    commands.add_parser("docs", help=f"write the pages of {FOLDER}")
    one_job.add(commands)
    for name, algorithm in ALGORITHMS.items():
        command = commands.add_parser(
            name, help=algorithm.title, description=f"{algorithm.title}. {algorithm.summary}"
        )
        _add_folders(command, algorithm)
        if algorithm.presets:
            command.add_argument(
                "--preset",
                choices=list(algorithm.presets),
                metavar="NAME",
                help=f"settings to start from: {'; '.join(algorithm.presets)}",
            )
        for group in (
            params_flags(algorithm),
            settings_flags(algorithm),
            SAMPLING,
            GRADING,
            SENTINELS,
        ):
            group.add(command)
    return parser


def params_flags(algorithm: LLMAlgorithm) -> Flags[Schema]:
    """Return the flags of the algorithm's own settings."""
    return Flags(algorithm.params, algorithm.title, "params", qualified=RESERVED)


def settings_flags(algorithm: LLMAlgorithm) -> Flags[LLMSettings]:
    """Return the flags of what all algorithms share; a name of the algorithm's own goes first."""
    return Flags(LLMSettings, "training", "settings", qualified=algorithm.params.model_fields)


def _add_folders(command: argparse.ArgumentParser, algorithm: LLMAlgorithm) -> None:
    folders = command.add_argument_group("folders and seed")
    folders.add_argument("--policy", type=Path, required=True, help="transformers folder to train")
    if algorithm.trains_on == "rollouts":
        folders.add_argument("--rollouts", type=Path, required=True, help="graded completions")
    else:
        folders.add_argument("--dataset", type=Path, required=True, help="reference answers")
    folders.add_argument("--eval-dataset", type=Path, required=True, help="held-out problems")
    folders.add_argument("--output", type=Path, required=True, help="folder to create")
    defaults = TrainSpec.model_fields
    folders.add_argument("--seed", type=int, default=defaults["seed"].default)
    folders.add_argument("--train-split", default=defaults["train_split"].default)
    folders.add_argument("--eval-split", default=defaults["eval_split"].default)


def read_spec(arguments: argparse.Namespace) -> TrainSpec:
    """Return the training that the arguments describe.

    Raises:
        UserError: a value is outside its range.
    """
    algorithm = ALGORITHMS[arguments.command]
    preset = algorithm.presets.get(getattr(arguments, "preset", None) or "", {})
    params = params_flags(algorithm).read(arguments, preset)
    if arguments.seed < 0:
        raise UserError("--seed: must not be negative")
    return TrainSpec(
        algorithm=arguments.command,
        params=params.model_dump(mode="json"),
        settings=settings_flags(algorithm)
        .read(arguments, {})
        .model_copy(update={"sentinels": SENTINELS.read(arguments, {})}),
        seed=arguments.seed,
        train_split=arguments.train_split,
        eval_split=arguments.eval_split,
        sampling=SAMPLING.read(arguments, {}),
        grading=GRADING.read(arguments, {}),
    )


def _inputs(arguments: argparse.Namespace) -> dict[str, Path]:
    inputs: dict[str, Path] = {
        role: folder for role in FOLDERS if (folder := getattr(arguments, role, None)) is not None
    }
    for role, folder in inputs.items():
        if not folder.is_dir():
            raise UserError(f"--{role.replace('_', '-')}: there is no folder {folder}")
    return inputs


def train(arguments: argparse.Namespace) -> Summary:
    """Train, leave the result in the output folder and return its final figures.

    An interrupted training keeps its checkpoint beside the output folder; the same command goes on
    from there.

    Raises:
        UserError: a value or a folder is wrong; the message says which.
        Stopped: the user interrupted the training.
    """
    # Loads transformers, which neither `list` nor `--help` needs.
    from algorithms.jobs.train import run  # noqa: PLC0415

    spec, inputs = read_spec(arguments), _inputs(arguments)
    output: Path = arguments.output
    if output.exists() and not (output.is_dir() and not any(output.iterdir())):
        raise UserError(f"--output: {output} is taken; name a new folder")
    partial = output.with_name(f"{output.name}.partial")
    checkpoints = output.with_name(f"{output.name}.checkpoints")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    checkpoints.mkdir(exist_ok=True)
    reporter = ConsoleReporter()
    signal.signal(signal.SIGINT, reporter.stop)
    signal.signal(signal.SIGTERM, reporter.stop)
    summary = run(spec, JobContext(inputs, partial, checkpoints, reporter))
    partial.replace(output)
    shutil.rmtree(checkpoints)
    return summary


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 1 failed, 2 wrong use, 130 stopped."""
    arguments = build_parser().parse_args(argv)
    if arguments.command == "list":
        width = max(map(len, ALGORITHMS))
        for name, algorithm in ALGORITHMS.items():
            print(f"{name:{width}}  {algorithm.title} ({algorithm.paper})")
        return 0
    if arguments.command == "docs":
        for path in write(FOLDER):
            print(path)
        return 0
    if arguments.command == one_job.COMMAND:
        return one_job.run(arguments)
    return exit_status(lambda: _train_and_tell(arguments))


def _train_and_tell(arguments: argparse.Namespace) -> None:
    """Train, and print the figures."""
    for name, value in train(arguments).items():
        print(f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}")


if __name__ == "__main__":
    sys.exit(main())
