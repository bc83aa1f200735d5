"""Claims as they were written to files, of all studies: what documents show without a database."""

import csv
from collections import Counter
from pathlib import Path

from webapp.studies.library import natural_order

VERDICTS = {"holds": "hold", "does not hold": "do not hold", "undecided": "are undecided"}


def committed_markdown(folder: Path) -> str:
    """Return the claims of every exported study as one Markdown table.

    Args:
        folder: what `manage.py studies export` wrote into, one folder for each study.
    """
    lines = ["| study | claim | verdict | seen |", "|---|---|---|---|"]
    counts: Counter[str] = Counter()
    paths = sorted(folder.glob("*/claims*.csv"), key=lambda one: natural_order(one.parent))
    for path in paths:
        name, scale = path.parent.name, path.stem.partition("-")[2]
        shown = f"`{name}`" + (f", {scale}" if scale else "")
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                counts[_verdict(row["verdict"])] += 1
                says = row["says"].replace("|", "\\|")
                lines.append(f"| {shown} | {says} | {row['verdict']} | {_seen(row)} |")
                shown = ""
    told = ", ".join(f"{counts[one]} {words}" for one, words in VERDICTS.items() if counts[one])
    studies = len({path.parent for path in paths})
    where = f"{studies} studies"
    if studies < len(paths):
        where = f"{len(paths)} runs of {where}"
    return "\n".join([*lines, "", f"Of {counts.total()} claims in {where}: {told}.", ""])


def _verdict(text: str) -> str:
    return next(one for one in VERDICTS if text.startswith(one))


def _seen(row: dict[str, str]) -> str:
    """Return estimate, interval and seeds: "+0.344 [+0.336, +0.352], 5 seeds"."""
    if not row["estimate"]:
        return row["note"].replace("|", "\\|") or "–"
    seeds = int(row["seeds"] or 0)
    if row["kind"] == "exact":
        return f"{float(row['estimate']):.4f}, exact"
    if not row["low"] or not row["high"]:
        return f"{float(row['estimate']):+.3g}"
    low, high = float(row["low"]), float(row["high"])
    return f"{float(row['estimate']):+.3g} [{low:+.3g}, {high:+.3g}], {seeds} seeds"
