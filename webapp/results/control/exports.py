"""Files of a comparison of experiments in control: table, episodes, curves; CSV, LaTeX, JSON."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from webapp.results.control.comparison import ControlComparison, Variant
from webapp.results.control.measures import MEASURES, TAILS
from webapp.results.control.published import SOURCE, WHOSE
from webapp.results.control.table import ControlRow, ControlTable, control_table
from webapp.results.exports import csv_text, latex_number, latex_text

BANNER = "CDSA is a reference design here: the values of its paper are not verified."
_COLUMNS = tuple(name for name in MEASURES if name not in TAILS)
_EPISODE = (
    "return_mean", "episode_length_mean", "danger_steps_mean", "shift_mean", "ood_before_mean",
    "ood_after_mean",
)  # fmt: skip


def table_csv(found: ControlComparison) -> str:
    """Return the table: every figure with its interval, differences with p-values and verdicts."""
    table = control_table(found)
    header = ["group", "policy", "data_set", "correction", "seeds", "episodes", "reference"]
    for name in _COLUMNS:
        header += [name, f"{name}_low", f"{name}_high"]
    header += ["alpha", "tail_convention", "quantile_method"]
    for name in TAILS:
        header += [name, f"{name}_low", f"{name}_high"]
    published = WHOSE.lower()
    header += [f"{published}_normalized_return", f"{published}_std"]
    of = table.outcome.name
    header += [
        "compared_with", f"difference_{of}", "difference_low", "difference_high", "p_value",
        "p_holm", "verdict", "paired_episodes", "note",
    ]  # fmt: skip
    return csv_text(header, [_csv_row(row, table) for row in table.rows])


def _csv_row(row: ControlRow, table: ControlTable) -> list[Any]:
    one = row.variant
    cells: list[Any] = [one.name, one.policy, one.dataset, one.correction_title]
    cells += [row.seeds, row.episodes, row.reference_label]
    for name in _COLUMNS:
        mean = row.means.get(name)
        cells += [mean.mean, mean.low, mean.high] if mean else [None] * 3
    cells += [table.tail.alpha, table.tail.convention, table.tail.method]
    for name in TAILS:
        tail = row.tails.get(name)
        cells += [tail.value, tail.low, tail.high] if tail else [None] * 3
    theirs = one.published
    cells += [theirs.mean, theirs.std] if theirs else [None] * 2
    d = row.change
    cells.append(row.counterpart.name if row.counterpart else None)
    cells += (
        [d.mean, d.low, d.high, d.p_value, d.p_adjusted, str(d.verdict), d.episodes]
        if d
        else [None] * 7
    )
    return [*cells, d.note if d else row.reason]


def table_latex(found: ControlComparison) -> str:
    """Return the table for a paper: needs the package booktabs."""
    table = control_table(found)
    level = f"{100 * table.tail.alpha:g}"
    names = ["return_mean", "normalized_return"] if table.has_normalized else ["return_mean"]
    danger = ["violation_share", "danger_steps_mean"] if table.has_danger else []
    heads = ["", "$N$", *(latex_text(MEASURES[name].label) for name in names)]
    theirs = any(row.variant.published for row in table.rows)
    heads += [WHOSE] if theirs else []
    heads += [rf"VaR$_{{{level}\%}}$", rf"CVaR$_{{{level}\%}}$"]
    heads += [latex_text(MEASURES[name].label) for name in danger]
    heads.append(rf"$\Delta$ {latex_text(table.outcome.label)}")
    lines = [
        "% requires \\usepackage{booktabs}",
        f"% {BANNER}",
        "% mean $\\pm$ half width of the 95% t interval over N training seeds; VaR and CVaR of the",
        f"% worst {level}% of episodes ({table.tail.convention}, {table.tail.method}), with 95%",
        "% intervals over episodes and seeds; differences paired on equal reset seeds",
        *([f"% {SOURCE} Mean $\\pm$ deviation over seeds"] if theirs else []),
        rf"\begin{{tabular}}{{lr{'c' * (len(heads) - 3)}l}}",
        r"\toprule",
        " & ".join(heads) + r" \\",
        r"\midrule",
        *(_latex_row(row, [*names], danger, published=theirs) for row in table.rows),
        r"\bottomrule",
        r"\end{tabular}",
        "",
    ]
    return "\n".join(lines)


def _latex_row(row: ControlRow, names: list[str], danger: list[str], *, published: bool) -> str:
    def mean(name: str) -> str:
        one = row.means.get(name)
        return "--" if one is None else latex_number(one, digits=2)

    cells = [latex_text(row.variant.name), str(row.seeds), *map(mean, names)]
    if published:
        theirs = row.variant.published
        cells.append(rf"${theirs.mean:.2f} \pm {theirs.std:.2f}$" if theirs else "--")
    for name in TAILS:
        tail = row.tails.get(name)
        cells.append(f"${tail.value:.2f}$ $[{tail.low:.2f}, {tail.high:.2f}]$" if tail else "--")
    cells += map(mean, danger)
    d = row.change
    cells.append(f"${d.mean:+.2f}$ $[{d.low:+.2f}, {d.high:+.2f}]$ {d.verdict}" if d else "--")
    return " & ".join(cells) + r" \\"


def episodes_csv(found: ControlComparison) -> str:
    """Return every episode of every evaluation, with the job that played it."""
    header = ("group", "policy", "data_set", "correction", "run", "seed", "job", "reset_seed")
    rows = (row for variant in found.evaluated for row in _episode_rows(variant))
    return csv_text((*header, "return", *(_EPISODE[1:])), rows)


def _episode_rows(variant: Variant) -> Iterator[list[Any]]:
    fixed = [variant.name, variant.policy, variant.dataset, variant.correction_title]
    for run in variant.runs:
        episodes = variant.episodes[run.id]
        own = [*fixed, run.id, run.seed, run.evaluate.id if run.evaluate else None]
        columns = [
            episodes.columns[name].tolist() if name in episodes.columns else [None] * len(episodes)
            for name in _EPISODE
        ]
        for seed, *values in zip(episodes.seeds.tolist(), *columns, strict=True):
            yield [*own, seed, *values]


def as_json(found: ControlComparison) -> Mapping[str, Any]:
    """Return the whole comparison, every number with the jobs that made it."""
    table = control_table(found)
    return {
        "address": found.choice.query(),
        "note": BANNER,
        "outcome": table.outcome.name,
        "alpha": table.tail.alpha,
        "tail_convention": table.tail.convention,
        "quantile_method": table.tail.method,
        "warnings": list(table.warnings),
        "groups": [_json_row(row) for row in table.rows],
    }


def _json_row(row: ControlRow) -> dict[str, Any]:
    one = row.variant
    change = asdict(row.change) | {"verdict": str(row.change.verdict)} if row.change else None
    return {
        "name": one.name,
        "policy": one.policy,
        "data_set": one.dataset,
        "correction": one.correction_title,
        "normalised_by": row.reference_label,
        "published": {"whose": WHOSE, **asdict(one.published)} if one.published else None,
        "figures": {name: asdict(mean) for name, mean in row.means.items()},
        "tails": {name: asdict(tail) for name, tail in row.tails.items()},
        "compared_with": row.counterpart.name if row.counterpart else None,
        "difference": change,
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
            for run in one.group.runs
        ],
    }
