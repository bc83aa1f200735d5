"""Per-problem outcomes of evaluations, read from their artifacts once and kept in memory."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, reduce
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from algorithms.data.tables import OUTCOMES_FILE
from algorithms.evaluation.outcomes import (
    COLUMNS,
    STATISTICS_FILE,
    PerProblem,
    Statistics,
    per_problem,
    statistics,
)
from webapp.jobs.store import ArtifactDamaged, default_store
from webapp.results.rows import ArtifactRow
from webapp.results.statistics import FloatArray, IntArray


class OutcomesMissing(Exception):  # noqa: N818 - the state of a file; the message is shown
    """An evaluation's outcomes cannot be read; the message says which and why."""


@dataclass(frozen=True)
class ProblemOutcomes:
    """One evaluation: per problem, in order of id, one number for each figure of the summary."""

    problems: tuple[str, ...]
    figures: dict[str, FloatArray]
    """Without the figures that the evaluation could not have, such as pass@1 of no samples."""
    places: IntArray
    """Number of each problem in the file, by which its completions are found."""

    def on(self, problems: Sequence[str], figure: str) -> FloatArray:
        """Return one figure of some of the problems, in their order."""
        return self.figures[figure][self._rows(problems)]

    def places_of(self, problems: Sequence[str]) -> IntArray:
        """Return the numbers of some of the problems in the file, in their order."""
        return self.places[self._rows(problems)]

    def _rows(self, problems: Sequence[str]) -> slice | list[int]:
        if tuple(problems) == self.problems:
            return slice(None)
        row = {problem: index for index, problem in enumerate(self.problems)}
        return [row[problem] for problem in problems]


def outcomes_of(artifact: ArtifactRow) -> ProblemOutcomes:
    """Return the outcomes of an evaluate job's artifact.

    Raises:
        OutcomesMissing: the file is gone or damaged.
    """
    with _readable(artifact) as folder:
        return _read(folder, artifact.manifest_sha256)


def statistics_of(artifact: ArtifactRow) -> Statistics | None:
    """Return pass@K and maj@K of an evaluate job's artifact; None without samples.

    Raises:
        OutcomesMissing: the file is gone or damaged.
    """
    with _readable(artifact) as folder:
        return _statistics(folder, artifact.manifest_sha256)


@contextmanager
def _readable(artifact: ArtifactRow) -> Iterator[Path]:
    """Yield the folder of an artifact; what is wrong with its files is told in words."""
    try:
        yield default_store().folder(artifact.path)
    except (ArtifactDamaged, OSError, pa.ArrowException, ValidationError) as error:
        raise OutcomesMissing(
            f"The outcomes of job {artifact.job_id} cannot be read ({error}). "
            "Recompute the job on its page."
        ) from error


@lru_cache(maxsize=256)
def _read(folder: Path, manifest_sha256: str) -> ProblemOutcomes:  # noqa: ARG001 - part of the key
    found = _per_problem(folder)
    return ProblemOutcomes(found.problems, dict(found.figures), found.places)


@lru_cache(maxsize=256)
def _statistics(folder: Path, manifest_sha256: str) -> Statistics | None:  # noqa: ARG001 - the same
    """Return what the job worked out; worked out here where an earlier version did not."""
    path = folder / STATISTICS_FILE
    if path.exists():
        return Statistics.model_validate_json(path.read_bytes())
    votes = _per_problem(folder).votes
    return None if votes is None else statistics(votes, seed=0)


def _per_problem(folder: Path) -> PerProblem:
    path = folder / OUTCOMES_FILE
    present = pq.read_schema(path).names
    wanted = [name for name in COLUMNS if name in present]
    if "parsed" in wanted:
        wanted.remove("completion")
    return per_problem(pq.read_table(path, columns=wanted))


def common_problems(evaluations: Sequence[ProblemOutcomes]) -> tuple[str, ...]:
    """Return the problems that every evaluation asked, in order of id."""
    first, *others = {evaluation.problems for evaluation in evaluations}
    if not others:
        return first
    return tuple(sorted(reduce(set.intersection, map(set, others), set(first))))  # type: ignore[arg-type]
