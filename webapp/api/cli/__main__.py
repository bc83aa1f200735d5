"""`python -m webapp.api.cli COMMAND`: LAB_URL says where, LAB_TOKEN who."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from webapp.api.cli import commands
from webapp.api.cli.client import DEFAULT_URL, ApiError, client_from_environment

EXIT_REFUSED = 1
EXIT_NOT_SUCCEEDED = 2


def parser() -> argparse.ArgumentParser:
    """Return every command with its options."""
    root = argparse.ArgumentParser(
        prog="lab",
        description="Offpolicy Lab from a terminal.",
        epilog=f"LAB_URL: where it runs ({DEFAULT_URL}). LAB_TOKEN: a token of your account page.",
    )
    root.add_argument("--json", action="store_true", help="print the API's answer as it is")
    choices = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _experiment_commands(choices)
    _file_commands(choices)
    _list_commands(choices)
    _other_commands(choices)
    return root


if TYPE_CHECKING:
    Choices = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - no public name


def _add(choices: "Choices", name: str, run: commands.Command) -> argparse.ArgumentParser:
    text = (run.__doc__ or "").partition("\n")[0]
    made = choices.add_parser(name, help=text, description=text)
    made.set_defaults(run=run)
    return made


def _experiment_commands(choices: "Choices") -> None:
    listed = _add(choices, "experiments", commands.experiments)
    listed.add_argument("--search", default="", help="words that must all occur")
    listed.add_argument("--state", default="", help="only those in this state")
    listed.add_argument("--tag", default="", help="only those with this tag")
    listed.add_argument("--limit", type=int, default=50)
    for name, run in (
        ("experiment", commands.experiment),
        ("watch", commands.watch),
        ("cancel", commands.cancel),
        ("retry", commands.retry),
        ("clone", commands.clone),
        ("export", commands.export),
        ("delete", commands.delete),
        ("priority", commands.priority),
    ):
        one = _add(choices, name, run)
        one.add_argument("id", type=int, help="number of the experiment")
        if name == "priority":
            one.add_argument("priority", type=int, help="-100 to 100; higher runs earlier")


def _file_commands(choices: "Choices") -> None:
    launch = _add(choices, "launch", commands.launch)
    launch.add_argument("file", type=Path, help="YAML or JSON")
    launch.add_argument("--name", default="", help="instead of the file's name")
    launch.add_argument("--watch", action="store_true", help="until it is over")
    imported = _add(choices, "import", commands.import_)
    imported.add_argument("file", type=Path, help="YAML, ours or Trinity-RFT's")
    imported.add_argument("--name", default="", help="instead of the file's name")
    imported.add_argument("--watch", action="store_true", help="until it is over")
    check = _add(choices, "check", commands.check)
    check.add_argument("file", type=Path, help="YAML, ours or Trinity-RFT's")
    preview = _add(choices, "preview", commands.preview)
    preview.add_argument("file", type=Path, help="YAML or JSON")
    extend = _add(choices, "extend", commands.extend)
    extend.add_argument("id", type=int, help="number of the experiment")
    extend.add_argument("file", type=Path, help="YAML or JSON with the larger config")
    upload = _add(choices, "upload", commands.upload)
    upload.add_argument("file", type=Path, help=".jsonl, .csv or .parquet")
    upload.add_argument("--name", default="", help="of the dataset; the file's name unless given")
    upload.add_argument("--description", default="")
    for column in ("prompt", "answer", "id", "split"):
        upload.add_argument(f"--{column}", default="", help=f"column that holds the {column}")
    upload.add_argument("--skip-bad-rows", action="store_true", help="take the good ones only")


def _list_commands(choices: "Choices") -> None:
    for name in ("datasets", "policies", "presets", "jobs"):
        one = _add(choices, name, commands.things)
        one.add_argument("--limit", type=int, default=50)
        if name != "jobs":
            one.add_argument("--search", default="", help="words that must all occur")
    for name in ("algorithms", "workers", "queue"):
        _add(choices, name, commands.plain)


def _other_commands(choices: "Choices") -> None:
    compare = _add(choices, "compare", commands.compare)
    compare.add_argument("id", type=int, nargs="+", help="numbers of experiments")
    compare.add_argument("--outcome", default="", help="figure that differences are of")
    compare.add_argument("--metric", default="", help="metric of points.csv")
    formats = ("", "table.csv", "points.csv", "latex")
    compare.add_argument("--format", choices=formats, default="", help="a file, not a table")
    log = _add(choices, "log", commands.log)
    log.add_argument("id", type=int, help="number of the job")
    log.add_argument("--follow", action="store_true", help="until the job ends")
    call = _add(choices, "call", commands.call)
    call.add_argument("method", help="GET, POST, PUT or DELETE")
    call.add_argument("path", help="below /api/v1, such as /me")
    call.add_argument("--data", default="", help="body as JSON")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return 0, 1 where it was refused, 2 where a watched experiment failed."""
    args = parser().parse_args(argv)
    try:
        result = args.run(client_from_environment(), args)
    except ApiError as error:
        print(error, file=sys.stderr)
        return EXIT_REFUSED
    except KeyboardInterrupt:
        return 130
    if args.json:
        print(json.dumps(result, indent=2, ensure_ascii=False))
    elif text := commands.as_text(args.command, result):
        print(text)
    watched = args.command == "watch" or getattr(args, "watch", False)
    return EXIT_NOT_SUCCEEDED if watched and result["state"] != "succeeded" else 0


if __name__ == "__main__":
    sys.exit(main())
