"""Files of a study: runs, claims and curves as CSV, the table in LaTeX, a page of Markdown."""

from pathlib import Path
from typing import Any

import plotly.graph_objects as go

from webapp.results.exports import csv_text, latex_text
from webapp.results.figures.image import write_images
from webapp.results.statistics import MeanCI
from webapp.studies.claim_schema import Measure
from webapp.studies.figures import captions, draw
from webapp.studies.results import StudyResult, TableRow, table_rows
from webapp.studies.texts import about_text, claims_markdown, verdict_text
from webapp.studies.values import metric_of, value_of


def claims_csv(result: StudyResult) -> str:
    """Return a row per claim: verdict, estimate, interval, p-values after Holm."""
    header = (
        "claim", "kind", "says", "about", "verdict", "estimate", "low", "high", "seeds",
        "p_for_holm", "p_against_holm", "seeds_needed", "note", "runs",
    )  # fmt: skip
    rows: list[tuple[Any, ...]] = []
    for one in result.claims:
        found = one.decision.evidence
        rows.append(
            (
                one.claim.id,
                one.claim.kind,
                one.claim.says,
                about_text(one),
                verdict_text(one),
                found.estimate,
                found.low,
                found.high,
                found.n,
                one.decision.p_for,
                one.decision.p_against,
                one.decision.seeds_needed,
                found.note,
                " ".join(map(str, one.runs)),
            )
        )
    return csv_text(header, rows)


def runs_csv(result: StudyResult) -> str:
    """Return a row per run: its final figures and the jobs that made them."""
    metrics = result.study.table.metrics
    header = ("experiment", "group", "algorithm", "seed", "run", "train_job", "evaluate_job")
    rows: list[tuple[Any, ...]] = []
    for cell in result.cells:
        for run in result.facts.runs_of(cell):
            evaluation = run.evaluation()
            fixed = (
                cell.experiment,
                cell.label,
                cell.algorithm,
                run.seed,
                run.run_id,
                run.train.id if run.train else None,
                evaluation.id if evaluation else None,
            )
            figures = [value_of(result.facts, run, Measure(metric=name)) for name in metrics]
            rows.append((*fixed, *figures))
    return csv_text((*header, *metrics), rows)


def curves_csv(result: StudyResult) -> str:
    """Return every point of every curve that a figure draws."""
    header = (
        "metric", "experiment", "group", "algorithm", "seed", "job", "step", "samples", "tokens",
        "seconds", "value",
    )  # fmt: skip
    rows: list[tuple[Any, ...]] = []
    for metric in curve_metrics(result):
        points = result.facts.points(metric)
        for cell in result.cells:
            for run in result.facts.runs_of(cell):
                if run.train is None or run.train.id not in points:
                    continue
                own = points[run.train.id]
                fixed = (
                    metric, cell.experiment, cell.label, cell.algorithm, run.seed, run.train.id,
                )  # fmt: skip
                columns = (own.steps, own.samples, own.tokens, own.seconds, own.values)
                rows += [(*fixed, *values) for values in zip(*map(_listed, columns), strict=True)]
    return csv_text(header, rows)


def _listed(column: Any) -> list[float]:
    values: list[float] = column.tolist()
    return values


def curve_metrics(result: StudyResult) -> list[str]:
    """Return the metrics over steps that the figures draw."""
    found = [
        name
        for figure in result.study.figures
        if figure.kind in ("curves", "shares")
        for panel in figure.panels
        for name in (
            (panel.of.metric,)
            if figure.kind == "curves"
            else ("eval_sampled_accuracy", "eval_invalid_share")
        )
    ]
    return list(dict.fromkeys(found))


def table_latex(result: StudyResult) -> str:
    """Return the study's table for a paper: needs the package booktabs."""
    metrics = [metric_of(Measure(metric=name)) for name in result.study.table.metrics]
    heads = ["", "$N$", *(latex_text(metric.label) for metric in metrics)]
    lines = [
        "% requires \\usepackage{booktabs}",
        f"% {result.name}, {result.scale}: mean $\\pm$ half width of the 95% t interval over seeds",
        rf"\begin{{tabular}}{{lr{'c' * len(metrics)}}}",
        r"\toprule",
        " & ".join(heads) + r" \\",
        r"\midrule",
        *(_latex_row(row) for row in table_rows(result)),
        r"\bottomrule",
        r"\end{tabular}",
        "",
    ]
    return "\n".join(lines)


def _latex_row(row: TableRow) -> str:
    name = row.cell.label
    if row.cell.experiment != "main":
        name = f"{name} ({row.cell.experiment})"
    return " & ".join([latex_text(name), str(row.finished), *map(_latex, row.figures)]) + r" \\"


def _latex(one: MeanCI | None) -> str:
    if one is None:
        return "--"
    return f"${one.mean:.3f}$" if one.margin is None else rf"${one.mean:.3f} \pm {one.margin:.3f}$"


def bandit_csv(result: StudyResult) -> str:
    """Return a row per algorithm and recorded update of a bandit."""
    assert result.study.bandit is not None
    arms = range(1, len(result.study.bandit.bandit.rewards) + 1)
    header = ("algorithm", "update", *(f"arm_{arm}" for arm in arms), "expected_reward")
    rows = [
        (one.choice.label, update, *policy, reward)
        for one in result.played
        for update, policy, reward in zip(
            one.trajectory.updates, one.trajectory.policies, one.trajectory.rewards, strict=True
        )
    ]
    return csv_text(header, rows)


def pictures(result: StudyResult) -> dict[str, tuple[str, go.Figure]]:
    """Return caption and plot by file name, of each panel that has something to show."""
    found = {}
    for spec in result.study.figures:
        for number, caption in enumerate(captions(spec)):
            drawn = draw(result, spec, number)
            if drawn.data:
                name = f"{spec.id}-{number + 1}-{result.scale or 'exact'}.svg"
                found[name] = (caption, drawn)
    return found


def export_study(result: StudyResult, folder: Path, *, figures: bool = False) -> list[Path]:
    """Write a study's results into a folder and return the files.

    Args:
        figures: draw the plots as pictures, too.

    Raises:
        UserError: there is no browser to draw pictures with.
    """
    suffix = f"-{result.scale}" if result.scale else ""
    texts = {
        f"claims{suffix}.csv": claims_csv(result),
        f"README{suffix}.md": claims_markdown(result),
    }
    if result.study.bandit is not None:
        texts["bandit.csv"] = bandit_csv(result)
    else:
        texts[f"runs{suffix}.csv"] = runs_csv(result)
        if curve_metrics(result):
            texts[f"curves{suffix}.csv"] = curves_csv(result)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    if figures:
        drawn = pictures(result)
        write_images({folder / name: plot for name, (_, plot) in drawn.items()})
        written += [folder / name for name in drawn]
        texts[f"README{suffix}.md"] += "".join(
            f"\n![{caption}]({name})\n" for name, (caption, _) in drawn.items()
        )
    for name, text in texts.items():
        path = folder / name
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written
