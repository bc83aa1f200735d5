"""What an evaluation's outcomes come to: figures per problem, and over all of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from algorithms.base import Schema
from algorithms.evaluation.bootstrap import AtK, figures_at_k
from algorithms.evaluation.majority import INVALID, Votes, expected_majority, local_codes
from algorithms.evaluation.pass_at_k import pass_at_k
from algorithms.evaluation.repetition import THRESHOLD
from algorithms.evaluation.weighted import expected_weighted

GREEDY = -1
"""`sample` of the greedy completion."""
STATISTICS_FILE = "statistics.json"
VERDICTS = ("verifications", "accepted", "verdicts_right", "verdicts_invalid")
"""Columns of solutions that a verifier has judged: how many verdicts, and of which kind."""
COLUMNS = (
    "prompt_id", "sample", "n_tokens", "grade", "completion", "parsed", "finish_reason",
    "repetition", *VERDICTS,
)  # fmt: skip
"""Columns of `outcomes.parquet` that are read, where the file has them."""


@dataclass(frozen=True)
class PerProblem:
    """One evaluation, a number per problem, in order of id."""

    problems: tuple[str, ...]
    places: NDArray[np.int64]
    """Place of each problem in the file, from 0."""
    figures: Mapping[str, NDArray[np.float64]]
    """By name, as in the summary; without those that cannot be known."""
    votes: Votes | None
    """Sampled answers, problems in order of id; None without samples."""

    @property
    def means(self) -> dict[str, float]:
        """Each figure over all problems."""
        return {name: float(values.mean()) for name, values in self.figures.items()}


class Statistics(Schema):
    """pass@K and maj@K with standard errors, and how often problems were solved."""

    samples: int
    """Completions sampled per problem (n)."""
    problems: int
    """Problems asked."""
    pass_at_k: tuple[AtK, ...]
    """For K = 1, 2, 4... n."""
    maj_at_k: tuple[AtK, ...]
    """The same."""
    correct_counts: tuple[int, ...]
    """How many problems have 0, 1... n correct completions."""


def answers_of(table: pa.Table) -> pa.ChunkedArray:
    """Return the answer of each completion as text, null where it is invalid.

    That is the answer which the grader read, or the stripped completion where a file of an
    earlier version does not hold it.
    """
    if "parsed" in table.column_names:
        text = table["parsed"]
    else:
        text = pc.utf8_trim_whitespace(table["completion"])
    null = pa.scalar(None, pa.string())
    return pc.if_else(pc.equal(table["grade"], "invalid"), null, text)


def per_problem(table: pa.Table) -> PerProblem:
    """Return the figures of an `outcomes.parquet` by problem."""
    in_file = pc.unique(table["prompt_id"])
    names = in_file.sort()
    row = pc.index_in(table["prompt_id"], value_set=names).to_numpy().astype(np.int64)
    places = pc.index_in(names, value_set=in_file).to_numpy().astype(np.int64)
    sampled = table["sample"].to_numpy() != GREEDY
    correct = pc.equal(table["grade"], "correct").to_numpy()
    measured = {
        "pass_at_1": correct,
        "invalid_share": pc.equal(table["grade"], "invalid").to_numpy(),
        "tokens_mean": table["n_tokens"].to_numpy(),
        **_optional(table),
    }
    size = len(names)
    figures = {"greedy_accuracy": _means(row, correct, ~sampled, size)}
    figures |= {name: _means(row, values, sampled, size) for name, values in measured.items()}
    votes = _votes(table, row, sampled, size)
    if votes is not None:
        figures["pass_at_n"] = pass_at_k(votes.counts, votes.samples, votes.samples)
        figures["maj_at_n"] = expected_majority(votes)
        if set(VERDICTS) <= set(table.column_names):
            figures |= _weighted(table, row, votes)
    known = {name: values for name, values in figures.items() if np.isfinite(values).all()}
    return PerProblem(tuple(names.to_pylist()), places, known, votes)


def statistics(votes: Votes, *, seed: int) -> Statistics:
    """Return the figures at K of sampled answers."""
    passes, majorities = figures_at_k(votes, seed=seed)
    counts = np.bincount(votes.counts, minlength=votes.samples + 1)
    return Statistics(
        samples=votes.samples,
        problems=votes.problems,
        pass_at_k=passes,
        maj_at_k=majorities,
        correct_counts=tuple(counts.tolist()),
    )


def _optional(table: pa.Table) -> dict[str, NDArray[np.bool_]]:
    """Return what files of earlier versions do not hold."""
    found = {}
    known = {name for name in table.column_names if table[name].null_count == 0}
    if "finish_reason" in known:
        found["cut_off_share"] = pc.equal(table["finish_reason"], "length").to_numpy()
    if "repetition" in known:
        found["repetitive_share"] = pc.greater(table["repetition"], THRESHOLD).to_numpy()
    return found


def _votes(
    table: pa.Table, row: NDArray[np.int64], sampled: NDArray[np.bool_], problems: int
) -> Votes | None:
    """Return the sampled answers as a rectangle; None where problems differ in their number."""
    sizes = np.bincount(row[sampled], minlength=problems)
    if sizes.size == 0 or sizes.min() == 0 or sizes.min() != sizes.max():
        return None
    order = np.flatnonzero(sampled)[np.argsort(row[sampled], kind="stable")]
    answers = answers_of(table).combine_chunks().dictionary_encode().indices
    codes = pc.fill_null(answers, INVALID).to_numpy(zero_copy_only=False).astype(np.int64)
    correct = pc.equal(table["grade"], "correct").to_numpy()
    shape = (problems, int(sizes[0]))
    return Votes(local_codes(codes[order].reshape(shape)), correct[order].reshape(shape))


def _weighted(table: pa.Table, row: NDArray[np.int64], votes: Votes) -> dict[str, NDArray[Any]]:
    """Return what a verifier's verdicts come to, for a file of solutions without greedy ones."""
    order = np.argsort(row, kind="stable")
    accepted = table["accepted"].to_numpy()[order].reshape(votes.codes.shape).astype(np.int64)
    weighted = expected_weighted(votes, accepted)
    told = np.bincount(row, weights=table["verifications"].to_numpy())
    return {
        "weighted_at_n": weighted,
        "weighted_gain": weighted - expected_majority(votes),
        "verdict_accuracy": np.bincount(row, weights=table["verdicts_right"].to_numpy()) / told,
        "verdict_invalid_share": np.bincount(row, weights=table["verdicts_invalid"].to_numpy())
        / told,
    }


def _means(
    row: NDArray[np.int64],
    values: NDArray[Any],
    chosen: NDArray[np.bool_],
    problems: int,
) -> NDArray[np.float64]:
    """Return the mean of the chosen values per problem; NaN where a problem has none."""
    counts = np.bincount(row[chosen], minlength=problems)
    sums = np.bincount(row[chosen], weights=values[chosen].astype(np.float64), minlength=problems)
    with np.errstate(invalid="ignore"):
        return np.asarray(sums / counts, dtype=np.float64)
