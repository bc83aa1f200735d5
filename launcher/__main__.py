"""The command line: `python -m launcher demo | up | services | worker | run | build ...`."""

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from launcher import commands
from launcher.errors import LauncherError

BAD_START = 2


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the chosen command and its options; exits with a usage line on a mistake."""
    parser = argparse.ArgumentParser(prog="python -m launcher")
    choices = parser.add_subparsers(dest="command", required=True)
    demo = choices.add_parser("demo", help="everything, with the demo experiment")
    demo.add_argument("name", nargs="?", default=commands.DEMOS[0], choices=commands.DEMOS)
    demo.add_argument("--exit", action="store_true", help="stop when the experiment is done")
    choices.add_parser("up", help="everything, without the demo experiment")
    choices.add_parser("services", help="database and broker only; prints their addresses")
    choices.add_parser("worker", help="one more worker for the running application")
    run = choices.add_parser("run", help="a command that sees the database and the broker")
    run.add_argument("--temporary", action="store_true", help="on empty data, deleted afterwards")
    run.add_argument("argv", nargs=argparse.REMAINDER, metavar="manage.py ... | program ...")
    build = choices.add_parser("build", help="an experiment's file, without database or web")
    build.add_argument("file", type=Path, help="YAML, see docs/how-to/yaml.md")
    build.add_argument("--out", type=Path, required=True, help="folder; what it holds is reused")
    build.add_argument("--dry-run", action="store_true", help="only list the jobs")
    delete = choices.add_parser("delete-data", help="delete the data folder")
    delete.add_argument("--yes", action="store_true", help="do not ask")
    return parser.parse_args(arguments)


def chosen(options: argparse.Namespace) -> Callable[[], int]:
    """Return what the options ask for, ready to be called."""
    actions: dict[str, Callable[[], int]] = {
        "demo": lambda: commands.demo(options.name, stop_when_done=options.exit),
        "up": commands.up,
        "services": commands.services,
        "worker": commands.worker,
        "run": lambda: commands.run(options.argv, temporary=options.temporary),
        "build": lambda: _build(options),
        "delete-data": lambda: commands.delete_data(ask=not options.yes),
    }
    return actions[options.command]


def _build(options: argparse.Namespace) -> int:
    # Loads torch (seconds), which every other command does without.
    from launcher.build import build  # noqa: PLC0415

    return build(options.file, options.out, dry_run=options.dry_run)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def listen_to_signals() -> None:
    """Take SIGTERM, and the end of the terminal unless started by nohup, for Ctrl-C.

    Shells start background commands with Ctrl-C ignored; who sends it to us by hand means it.
    """
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _interrupt)


def main(arguments: Sequence[str]) -> int:
    """Return the exit status: 0 fine, 1 the experiment failed, 2 could not start or go on."""
    action = chosen(parse(arguments))
    listen_to_signals()
    try:
        return action()
    except LauncherError as error:
        print(error, file=sys.stderr)
        return BAD_START
    except KeyboardInterrupt:
        return commands.INTERRUPTED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
