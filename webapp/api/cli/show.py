"""Answers of the API as text for a terminal."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

NOTHING = "–"


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return aligned columns, numbers to the right."""
    cells = [list(header), *([_text(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = []
    for row in cells:
        padded = [
            cell.rjust(width) if _is_number(cell) else cell.ljust(width)
            for cell, width in zip(row, widths, strict=True)
        ]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def _text(value: object) -> str:
    if value is None or value == "":
        return NOTHING
    if isinstance(value, float):
        return f"{value:.3f}"
    return str(value)


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).lstrip("+-").isdigit()


def percent(share: float) -> str:
    """Return 0.256 as 25%."""
    return f"{int(share * 100)}%"


def duration(seconds: float | None) -> str:
    """Return seconds as people say them; a dash where unknown."""
    if seconds is None:
        return NOTHING
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def experiments(items: Iterable[Mapping[str, Any]]) -> str:
    """Return a list of experiments."""
    header = ("id", "name", "state", "done", "runs", "failed", "owner", "tags")
    return table(
        header,
        (
            (
                one["id"],
                one["name"],
                one["state"],
                percent(one["progress"]),
                one["runs"],
                one["failed"],
                one["owner"],
                " ".join(one["tags"]),
            )
            for one in items
        ),
    )


USUAL = {"greedy": "greedy_accuracy", "pass@1": "pass_at_1", "invalid": "invalid_share"}
"""Figures of a run's final evaluation, by heading."""
FIGURES = {
    "control": {
        "return": "return_mean",
        "normalised": "normalized_return",
        "CVaR": "cvar",
        "violations": "violation_share",
    }
}
"""Those of recipes that have others."""


def experiment(detail: Mapping[str, Any]) -> str:
    """Return an experiment with its runs and what failed."""
    lines = [f"{detail['id']}: {detail['name']}", status(detail), ""]
    figures = FIGURES.get(detail["recipe"], USUAL)
    header = ("run", "label", "seed", "state", "done", *figures)
    lines.append(
        table(
            header,
            (
                (
                    run["id"],
                    run["label"],
                    run["seed"],
                    run["state"],
                    percent(run["progress"]),
                    *(run["summary"].get(name) for name in figures.values()),
                )
                for run in detail["run_list"]
            ),
        )
    )
    failed = [node for node in detail["graph"] if node["state"] == "failed"]
    lines += [f"job {node['id']} ({node['kind']}): {node['failure_message']}" for node in failed]
    return "\n".join(lines)


def status(detail: Mapping[str, Any]) -> str:
    """Return how far an experiment is, in one line."""
    counts = detail["counts"]
    parts = [f"{counts[state]} {state}" for state in sorted(counts)]
    left = detail["eta_s"]
    if left is not None and detail["state"] in ("running", "queued"):
        parts.append(f"about {duration(left)} left")
    return f"{detail['state']}, {percent(detail['progress'])}: {', '.join(parts)}"


def checked(found: Mapping[str, Any]) -> str:
    """Return what a file would run, and what of it has no meaning here."""
    jobs = ", ".join(f"{number} {kind}" for kind, number in found["jobs"].items())
    head = f"{found['name'] or 'without a name'}: {found['runs']} runs; {jobs}"
    return "\n".join([head, *found["not_understood"]])


def preview(plan: Mapping[str, Any]) -> str:
    """Return what a launch would do."""
    head = f"{plan['runs']} runs, {plan['jobs']} jobs, {plan['existing']} exist already"
    rows = [
        (kind["kind"], kind["planned"], kind["new"], kind["existing"].get("succeeded", 0))
        for kind in plan["kinds"]
    ]
    work = table(
        ("still to do", "amount"),
        [(name.replace("_", " "), amount) for name, amount in plan["remaining"].items()],
    )
    parts = [head, "", table(("kind", "planned", "new", "done"), rows), "", work]
    return "\n".join(parts + [f"Warning: {text}" for text in plan["warnings"]])


def comparison(found: Mapping[str, Any]) -> str:
    """Return the final table: means with 95% intervals, differences to the reference."""
    names = sorted({name for group in found["groups"] for name in group["figures"]})
    reference, outcome = found["reference"], found["outcome"]
    header = ("group", "runs", *names, f"{outcome} - {reference}")
    rows = [
        (
            group["name"],
            len(group["runs"]),
            *(_interval(group["figures"].get(name)) for name in names),
            _difference(group),
        )
        for group in found["groups"]
    ]
    return "\n".join([table(header, rows), *found["warnings"]])


def _interval(figure: Mapping[str, Any] | None) -> str:
    if figure is None:
        return NOTHING
    if figure["high"] is None:
        return f"{figure['mean']:.3f}"
    return f"{figure['mean']:.3f} ± {figure['high'] - figure['mean']:.3f}"


def _difference(group: Mapping[str, Any]) -> str:
    found = group["difference"]
    if found is None:
        return str(group["reason"]) or NOTHING
    return f"{found['mean']:+.3f} [{found['low']:+.3f}, {found['high']:+.3f}] {found['verdict']}"
