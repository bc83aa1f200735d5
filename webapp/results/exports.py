"""Files of a comparison: points and table as CSV, the table in LaTeX, everything as JSON."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from algorithms.base import Metric
from webapp.components.csv_cells import csv_cell
from webapp.results.compare import Comparison, differing_settings, points, shares_of
from webapp.results.comparison import OUTCOMES, FinalRow, FinalTable
from webapp.results.statistics import MeanCI

_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "&": r"\&",
        "%": r"\%",
        "$": r"\$",
        "#": r"\#",
        "_": r"\_",
        "{": r"\{",
        "}": r"\}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        "\n": " ",
        "·": r"\textperiodcentered{}",
        "±": r"$\pm$",
    }
)


def csv_text(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a CSV document with escaped cells."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([csv_cell(value) for value in row] for row in rows)
    return buffer.getvalue()


def latex_text(text: str) -> str:
    """Return a text that LaTeX prints as it is."""
    return text.translate(_LATEX)


def points_csv(found: Comparison) -> str:
    """Return the raw points of the chosen metric, one row per run and step; 1 query."""
    header = (
        "experiment", "run", "group", "algorithm", "seed", "job", "metric",
        "step", "samples", "tokens", "seconds", "value", "total_seconds",
    )  # fmt: skip
    columns = points(found, shares=shares_of(found))
    rows: list[tuple[Any, ...]] = []
    for group in found.groups:
        for run in group.runs:
            if run.train is None or run.train.id not in columns:
                continue
            own = columns[run.train.id]
            fixed = (run.experiment_name, run.id, group.name, run.algorithm, run.seed, run.train.id)
            rows += [
                (*fixed, found.choice.metric, int(step), int(samples), int(tokens), *rest)
                for step, samples, tokens, *rest in zip(
                    own.steps.tolist(),
                    own.samples.tolist(),
                    own.tokens.tolist(),
                    own.seconds.tolist(),
                    own.values.tolist(),
                    own.total.tolist(),
                    strict=True,
                )
            ]
    return csv_text(header, rows)


def table_csv(table: FinalTable) -> str:
    """Return the final table: mean, interval and N of each figure, difference and verdict."""
    header = ["group", "algorithm", "runs", "evaluated"]
    for name in OUTCOMES:
        header += [name, f"{name}_low", f"{name}_high"]
    of = table.outcome.name
    header += [
        f"difference_{of}", "difference_low", "difference_high", "p_value", "p_holm", "verdict",
        "detectable", "note", "reference",
    ]  # fmt: skip
    return csv_text(header, [_csv_row(row, table) for row in table.rows])


def _csv_row(row: FinalRow, table: FinalTable) -> list[Any]:
    cells: list[Any] = [row.group.name, row.group.algorithm, len(row.group.runs), row.evaluated]
    for one in row.cells(tuple(OUTCOMES.values())):
        cells += [one.mean, one.low, one.high] if one else [None] * 3
    d = row.difference
    cells += (
        [d.mean, d.low, d.high, d.p_value, d.p_adjusted, str(d.verdict), d.detectable]
        if d
        else [None] * 7
    )
    note = d.note if d else row.reason
    return [*cells, note, table.reference.name if table.reference else None]


def table_latex(table: FinalTable) -> str:
    """Return the final table for a paper: needs the package booktabs."""
    labels = [latex_text(metric.label) for metric in table.outcomes]
    reference = latex_text(table.reference.name) if table.reference else "reference"
    heads = ["", "$N$", *labels, rf"$\Delta$ {latex_text(table.outcome.label)}"]
    lines = [
        "% requires \\usepackage{booktabs}",
        f"% mean $\\pm$ half width of the 95% t interval over N runs; differences to {reference}",
        f"% with the 95% interval of a paired bootstrap over {table.n_problems} problems and runs",
        rf"\begin{{tabular}}{{lr{'c' * len(labels)}l}}",
        r"\toprule",
        " & ".join(heads) + r" \\",
        r"\midrule",
        *(_latex_row(row, table.outcomes) for row in table.rows),
        r"\bottomrule",
        r"\end{tabular}",
        "",
    ]
    return "\n".join(lines)


def _latex_row(row: FinalRow, outcomes: Sequence[Metric]) -> str:
    figures = map(_latex_mean, row.cells(outcomes))
    cells = [latex_text(row.group.name), str(row.evaluated), *figures]
    d = row.difference
    if d is None:
        cells.append("reference" if row.is_reference else "--")
    else:
        cells.append(f"${d.mean:+.3f}$ $[{d.low:+.3f}, {d.high:+.3f}]$ {d.verdict}")
    return " & ".join(cells) + r" \\"


def latex_number(one: MeanCI, *, digits: int) -> str:
    """Return a mean with half the width of its interval."""
    mean = f"{one.mean:.{digits}f}"
    return f"${mean}$" if one.margin is None else rf"${mean} \pm {one.margin:.{digits}f}$"


def _latex_mean(one: MeanCI | None) -> str:
    return "--" if one is None else latex_number(one, digits=3)


def as_json(found: Comparison, table: FinalTable) -> dict[str, Any]:
    """Return the whole comparison, every number with the jobs that made it."""
    return {
        "address": found.choice.query(),
        "outcome": table.outcome.name,
        "reference": table.reference.name if table.reference else None,
        "problems": table.n_problems,
        "warnings": list(table.warnings),
        "groups": [_json_row(row) for row in table.rows],
        "differing_settings": {
            "groups": [group.name for group in found.trained],
            "settings": {one.path: list(one.values) for one in differing_settings(found)},
        },
    }


def _json_row(row: FinalRow) -> dict[str, Any]:
    d = row.difference
    return {
        "name": row.group.name,
        "algorithm": row.group.algorithm,
        "figures": {
            name: {"mean": one.mean, "low": one.low, "high": one.high, "n": one.n}
            for name, one in row.figures.items()
        },
        "difference": None
        if d is None
        else {
            "mean": d.mean,
            "low": d.low,
            "high": d.high,
            "p_value": d.p_value,
            "p_holm": d.p_adjusted,
            "verdict": str(d.verdict),
            "detectable": d.detectable,
            "note": d.note,
        },
        "reason": row.reason,
        "runs": [
            {
                "run": run.id,
                "experiment": run.experiment_id,
                "seed": run.seed,
                "train_job": run.train.id if run.train else None,
                "evaluate_job": run.evaluate.id if run.evaluate else None,
                "summary": dict(run.summary),
            }
            for run in row.group.runs
        ],
    }
