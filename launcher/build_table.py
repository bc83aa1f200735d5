"""The end of a build: figures of every run, and means over seeds with their intervals."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.table import Table

from webapp.experiments.plan import RunPlan
from webapp.results.statistics import MeanCI, mean_ci

SHOWN = (
    *("greedy_accuracy", "pass_at_1", "maj_at_n", "invalid_share", "tokens_mean"),
    *("return_mean", "normalized_return", "cvar", "violation_share", "shift_mean"),
)
"""Figures of the final evaluation that the terminal shows; files have all of them."""

Summary = Mapping[str, float | int | str]
Ends = Sequence[tuple[RunPlan, Summary | None]]


def write_tables(out: Path, ends: Ends) -> Table:
    """Write `runs.csv` and `table.csv`; return the table for a terminal.

    Args:
        ends: every run, and the summary of its final evaluation where that is done.
    """
    figures = list(
        dict.fromkeys(
            name
            for _, summary in ends
            for name, value in (summary or {}).items()
            if isinstance(value, int | float)
        )
    )
    _write_runs(out / "runs.csv", ends, figures)
    groups = _groups(ends, figures)
    _write_groups(out / "table.csv", groups, figures)
    return _shown(groups, [name for name in SHOWN if name in figures])


Groups = dict[str, tuple[int, dict[str, MeanCI]]]
"""Runs planned and means by figure, by label."""


def _groups(ends: Ends, figures: Sequence[str]) -> Groups:
    labels = dict.fromkeys(run.label for run, _ in ends)
    found: Groups = {}
    for label in labels:
        own = [summary for run, summary in ends if run.label == label]
        values = {
            name: [float(one[name]) for one in own if one is not None and name in one]
            for name in figures
        }
        means = {name: mean_ci(numbers) for name, numbers in values.items() if numbers}
        found[label] = (len(own), means)
    return found


def _write_runs(path: Path, ends: Ends, figures: Sequence[str]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["label", "algorithm", "seed", "evaluation", *figures])
        for run, summary in ends:
            told = summary or {}
            node = run.nodes["evaluate"].fingerprint
            values = [told.get(name, "") for name in figures]
            writer.writerow([run.label, run.algorithm, run.seed, node, *values])


def _write_groups(path: Path, groups: Groups, figures: Sequence[str]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        columns = [f"{name}{end}" for name in figures for end in ("", "_low", "_high", "_n")]
        writer.writerow(["label", "runs", *columns])
        for label, (runs, means) in groups.items():
            cells: list[object] = []
            for name in figures:
                one = means.get(name)
                cells += [one.mean, one.low, one.high, one.n] if one else ["", "", "", 0]
            writer.writerow([label, runs, *("" if cell is None else cell for cell in cells)])


def _shown(groups: Groups, figures: Sequence[str]) -> Table:
    table = Table("", "runs", *(name.replace("_", " ") for name in figures))
    for label, (runs, means) in groups.items():
        table.add_row(label, str(runs), *(_text(means.get(name)) for name in figures))
    return table


def _text(one: MeanCI | None) -> str:
    if one is None:
        return "–"
    return f"{one.mean:.3f}" if one.margin is None else f"{one.mean:.3f} ± {one.margin:.3f}"
