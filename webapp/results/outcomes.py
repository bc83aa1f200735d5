"""Per-problem outcomes of evaluations, read from their artifacts once and kept in memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from webapp.jobs.store import ArtifactDamaged, default_store
from webapp.results.rows import ArtifactRow
from webapp.results.statistics import FloatArray

FILE = "outcomes.parquet"
GREEDY = -1
"""`sample` of the greedy completion."""


class OutcomesMissing(Exception):  # noqa: N818 - the state of a file; the message is shown
    """An evaluation's outcomes cannot be read; the message says which and why."""


@dataclass(frozen=True)
class ProblemOutcomes:
    """One evaluation: per problem, in order of id, one number for each figure of the summary."""

    problems: tuple[str, ...]
    figures: dict[str, FloatArray]
    """Without the figures that the evaluation could not have, such as pass@1 of no samples."""

    def on(self, problems: Sequence[str], figure: str) -> FloatArray:
        """Return one figure of some of the problems, in their order."""
        values = self.figures[figure]
        if tuple(problems) == self.problems:
            return values
        row = {problem: index for index, problem in enumerate(self.problems)}
        return values[[row[problem] for problem in problems]]


def outcomes_of(artifact: ArtifactRow) -> ProblemOutcomes:
    """Return the outcomes of an evaluate job's artifact.

    Raises:
        OutcomesMissing: the file is gone or damaged.
    """
    try:
        path = default_store().folder(artifact.path) / FILE
        return _read(path, artifact.manifest_sha256)
    except (ArtifactDamaged, OSError, pa.ArrowException) as error:
        raise OutcomesMissing(
            f"The outcomes of job {artifact.job_id} cannot be read ({error}). "
            "Recompute the job on its page."
        ) from error


@lru_cache(maxsize=256)
def _read(path: Path, manifest_sha256: str) -> ProblemOutcomes:  # noqa: ARG001 - part of the key
    table = pq.read_table(path, columns=["prompt_id", "sample", "n_tokens", "grade"])
    names = pc.unique(table["prompt_id"]).sort()
    row = pc.index_in(table["prompt_id"], value_set=names).to_numpy()
    greedy = table["sample"].to_numpy() == GREEDY
    correct = pc.equal(table["grade"], "correct").to_numpy()
    invalid = pc.equal(table["grade"], "invalid").to_numpy()
    tokens = table["n_tokens"].to_numpy()
    figures = {
        "greedy_accuracy": _means(row, correct, greedy, len(names)),
        "pass_at_1": _means(row, correct, ~greedy, len(names)),
        "invalid_share": _means(row, invalid, ~greedy, len(names)),
        "tokens_mean": _means(row, tokens, ~greedy, len(names)),
    }
    complete = {name: values for name, values in figures.items() if np.isfinite(values).all()}
    return ProblemOutcomes(tuple(names.to_pylist()), complete)


def _means(row: FloatArray, values: FloatArray, chosen: FloatArray, problems: int) -> FloatArray:
    """Return the mean of the chosen values per problem; NaN where a problem has none."""
    counts = np.bincount(row[chosen], minlength=problems)
    sums = np.bincount(row[chosen], weights=values[chosen].astype(np.float64), minlength=problems)
    with np.errstate(invalid="ignore"):
        return np.asarray(sums / counts, dtype=np.float64)


def common_problems(evaluations: Sequence[ProblemOutcomes]) -> tuple[str, ...]:
    """Return the problems that every evaluation asked, in order of id."""
    first, *others = {evaluation.problems for evaluation in evaluations}
    if not others:
        return first
    return tuple(sorted(reduce(set.intersection, map(set, others), set(first))))  # type: ignore[arg-type]
