"""What each command does: one or two calls of the API, and what to print."""

import json
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from webapp.api.cli import show
from webapp.api.cli.client import ApiError, Client

WATCH_S = 2.0
OVER = ("succeeded", "failed", "cancelled")

Command = Callable[[Client, Namespace], Any]


def read_file(path: Path) -> dict[str, Any]:
    """Return the mapping of a YAML or JSON file.

    Raises:
        ApiError: it cannot be read, or holds something else.
    """
    try:
        content = yaml.safe_load(read_text(path))
    except yaml.YAMLError as error:
        raise ApiError(f"{path} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise ApiError(f"{path} holds no mapping of settings to values.")
    return content


def read_text(path: Path) -> str:
    """Return a text file.

    Raises:
        ApiError: it cannot be read.
    """
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ApiError(f"{path} cannot be read: {error}") from error


def experiments(client: Client, args: Namespace) -> Any:
    """List experiments."""
    query = {"search": args.search, "state": args.state, "tag": args.tag, "limit": args.limit}
    return client.call("GET", "/experiments", query=query)


def experiment(client: Client, args: Namespace) -> Any:
    """Show one experiment with its runs."""
    return client.call("GET", f"/experiments/{args.id}")


def launch(client: Client, args: Namespace) -> Any:
    """Launch the experiment of a file: name, config, and if wanted question, tags, priority."""
    body = read_file(args.file)
    if args.name:
        body["name"] = args.name
    detail = client.call("POST", "/experiments", body=body)
    if not args.watch:
        return detail
    print(f"launched experiment {detail['id']}", flush=True)
    return follow(client, detail["id"])


def preview(client: Client, args: Namespace) -> Any:
    """Show what launching a file would compute."""
    body = read_file(args.file)
    return client.call("POST", "/experiments/preview", body=body.get("config", body))


def extend(client: Client, args: Namespace) -> Any:
    """Add what a file's config has more than the experiment."""
    body = read_file(args.file)
    return client.call("POST", f"/experiments/{args.id}/extend", body=body.get("config", body))


def clone(client: Client, args: Namespace) -> Any:
    """Print a file to edit and launch."""
    detail = client.call("GET", f"/experiments/{args.id}")
    config = client.call("GET", f"/experiments/{args.id}/config")
    fields = {"question": detail["question"], "tags": detail["tags"], "cloned_from": args.id}
    return {"name": f"{detail['name']} (copy)", **fields, "config": config}


def export(client: Client, args: Namespace) -> Any:
    """Print an experiment as a file that other installations understand."""
    return client.call("GET", f"/experiments/{args.id}/yaml")


def check(client: Client, args: Namespace) -> Any:
    """Say what is wrong with an exported or written file, or what it would run."""
    return client.call("POST", "/experiments/yaml/check", body={"text": read_text(args.file)})


def import_(client: Client, args: Namespace) -> Any:
    """Launch the experiment of a file that names its sources by what makes them."""
    body = {"text": read_text(args.file), "name": args.name}
    found = client.call("POST", "/experiments/yaml", body=body)
    for line in (*(f"made {made}" for made in found["made"]), *found["not_understood"]):
        print(line, file=sys.stderr, flush=True)
    detail = found["experiment"]
    if not args.watch:
        return detail
    print(f"launched experiment {detail['id']}", flush=True)
    return follow(client, detail["id"])


def watch(client: Client, args: Namespace) -> Any:
    """Print how far an experiment is until it is over."""
    return follow(client, args.id)


def follow(client: Client, experiment_id: int) -> Any:
    """Return an experiment once it is over, having printed every change."""
    last = ""
    while True:
        detail = client.call("GET", f"/experiments/{experiment_id}")
        line = show.status(detail)
        if line != last:
            print(line, flush=True)
            last = line
        if detail["state"] in OVER:
            return detail
        time.sleep(WATCH_S)


def cancel(client: Client, args: Namespace) -> Any:
    """Cancel an experiment."""
    return client.call("POST", f"/experiments/{args.id}/cancel")


def retry(client: Client, args: Namespace) -> Any:
    """Try again what failed."""
    return client.call("POST", f"/experiments/{args.id}/retry")


def priority(client: Client, args: Namespace) -> Any:
    """Run an experiment's jobs earlier or later."""
    body = {"priority": args.priority}
    return client.call("POST", f"/experiments/{args.id}/priority", body=body)


def delete(client: Client, args: Namespace) -> Any:
    """Delete an experiment."""
    return client.call("DELETE", f"/experiments/{args.id}")


def compare(client: Client, args: Namespace) -> Any:
    """Compare all runs of some experiments, as a table or a file."""
    query = {"experiment": args.id, "outcome": args.outcome, "metric": args.metric}
    paths = {"": "", "table.csv": "/table.csv", "points.csv": "/points.csv", "latex": "/table.tex"}
    return client.call("GET", f"/compare{paths[args.format]}", query=query)


def upload(client: Client, args: Namespace) -> Any:
    """Upload a dataset: JSONL, CSV or Parquet."""
    if not args.file.is_file():
        raise ApiError(f"{args.file} is no file.")
    fields = {"name": args.name or args.file.stem, "description": args.description}
    columns = {name: getattr(args, name) for name in ("prompt", "answer", "id", "split")}
    fields |= {name: column for name, column in columns.items() if column}
    fields["skip_bad_rows"] = str(args.skip_bad_rows).lower()
    return client.upload("/datasets", fields, args.file)


def things(client: Client, args: Namespace) -> Any:
    """List datasets, policies, presets or jobs."""
    query = {"search": getattr(args, "search", ""), "limit": args.limit}
    return client.call("GET", f"/{args.command}", query=query)


def plain(client: Client, args: Namespace) -> Any:
    """Return what an address without parameters answers."""
    return client.call("GET", f"/{args.command}")


def log(client: Client, args: Namespace) -> Any:
    """Print a job's log, and with --follow what it says until it ends."""
    after = 0
    while True:
        state = client.call("GET", f"/jobs/{args.id}")["state"]
        while lines := client.call("GET", f"/jobs/{args.id}/log", query={"after": after}):
            after = lines[-1]["id"]
            for line in lines:
                print(f"{line['at']} {line['level']}: {line['text']}", flush=True)
        if not args.follow or state in OVER:
            return None
        time.sleep(WATCH_S)


def call(client: Client, args: Namespace) -> Any:
    """Make any call of the API: see /api/v1/openapi.json."""
    try:
        body = json.loads(args.data) if args.data else None
    except json.JSONDecodeError as error:
        raise ApiError(f"--data is no JSON: {error}") from error
    return client.call(args.method.upper(), args.path, body=body)


COLUMNS: Mapping[str, tuple[str, ...]] = {
    "datasets": ("id", "name", "version", "state", "owner", "origin"),
    "policies": ("id", "name", "kind", "state", "owner"),
    "presets": ("id", "name", "algorithm", "owner"),
    "jobs": ("id", "kind", "title", "state", "label", "worker"),
    "algorithms": ("name", "title", "trains_on", "paper"),
    "workers": ("id", "name", "labels", "job_id"),
}


def as_text(command: str, result: Any) -> str:
    """Return an answer as a person reads it."""
    special: Mapping[str, Callable[[Any], str]] = {
        "experiments": lambda found: show.experiments(found["items"]),
        "preview": show.preview,
        "check": show.checked,
        "retry": lambda found: f"{found['retried']} jobs are tried again.",
        "cancel": lambda found: str(found["message"]),
        "upload": lambda found: f"dataset {found['id']}: {found['summary'].get('rows')} rows",
        "clone": lambda found: yaml.safe_dump(found, sort_keys=False, allow_unicode=True).rstrip(),
    }
    if result is None or isinstance(result, str):
        return (result or "").rstrip("\n")
    if command in ("experiment", "launch", "import", "extend", "watch"):
        return show.experiment(result)
    if command == "compare":
        return show.comparison(result)
    if command in special:
        return special[command](result)
    if command in COLUMNS:
        rows = result["items"] if isinstance(result, dict) else result
        return show.table(COLUMNS[command], [[row[c] for c in COLUMNS[command]] for row in rows])
    return json.dumps(result, indent=2, ensure_ascii=False)
