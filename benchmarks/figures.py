"""What benchmarks measured, handed on as lines of JSON, so that one table shows it all."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

OPTION = "--figures"
"""Names the file that a benchmark appends its figures to."""


@dataclass(frozen=True)
class Figure:
    """One measured number, with its unit, and what it should be."""

    what: str
    value: str
    goal: str = ""


def keep(path: Path | None, figures: Sequence[Figure]) -> None:
    """Append figures to a file, if there is one."""
    if path is not None:
        with path.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(asdict(figure)) + "\n" for figure in figures)


def kept(path: Path) -> list[Figure]:
    """Return the figures in a file, none where there is no file."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    return [Figure(**json.loads(line)) for line in lines]


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as a Markdown table; the first one is its head."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])
