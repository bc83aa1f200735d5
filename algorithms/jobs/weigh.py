"""A `weigh` job: self-consistency over solutions, weighed by a verifier's verdicts on them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pyarrow as pa

from algorithms.base import JobContext, Summary, UserError
from algorithms.data.tables import (
    GRADED,
    OUTCOMES,
    OUTCOMES_FILE,
    ROLLOUTS_FILE,
    read_batches,
    read_table,
    write_table,
)
from algorithms.evaluation.outcomes import STATISTICS_FILE, VERDICTS, per_problem, statistics
from algorithms.evaluation.repetition import repetition
from algorithms.verification import WeighSpec, solution_id

WEIGHED = pa.schema([*OUTCOMES, *((name, pa.int32()) for name in VERDICTS)])


@dataclass
class _Tally:
    """Verdicts on one solution."""

    verifications: int = 0
    accepted: int = 0
    right: int = 0
    invalid: int = 0


def run(spec: WeighSpec, context: JobContext) -> Summary:
    """Write the solutions with their verdicts as `outcomes.parquet`; return the figures.

    Besides those of an evaluation of the solutions: `weighted_at_n`, `weighted_gain` over the
    plain majority, `verdict_accuracy` and `verdict_invalid_share`.

    Raises:
        UserError: a solution has no verdict, or a verdict no solution.
    """
    tallies = _tallies(context, spec.accept)
    path = context.output / OUTCOMES_FILE
    write_table(path, WEIGHED, _outcomes(context, tallies))
    if tallies:
        raise UserError(
            f"{len(tallies):,} verified solutions are not among the solutions, such as "
            f"{next(iter(tallies))}. Verify the solutions that are weighed."
        )
    found = per_problem(read_table(path, WEIGHED))
    if found.votes is None:
        raise UserError(
            "Problems have different numbers of solutions, so their votes cannot be weighed. "
            "Leave the solutions of held-out problems uncurated."
        )
    text = statistics(found.votes, seed=spec.seed).model_dump_json(indent=1)
    (context.output / STATISTICS_FILE).write_text(text, encoding="utf-8")
    return {"problems": len(found.problems), "samples": found.votes.samples, **found.means}


def _tallies(context: JobContext, accept: str) -> dict[str, _Tally]:
    found: dict[str, _Tally] = {}
    for batch in read_batches(context.inputs["verdicts"] / ROLLOUTS_FILE, GRADED):
        for row in batch.select(["prompt_id", "parsed", "grade"]).to_pylist():
            tally = found.setdefault(row["prompt_id"], _Tally())
            tally.verifications += 1
            tally.accepted += row["parsed"] == accept
            tally.right += row["grade"] == "correct"
            tally.invalid += row["grade"] == "invalid"
    return found


def _outcomes(context: JobContext, tallies: dict[str, _Tally]) -> Iterable[dict[str, object]]:
    """Yield an outcome for each solution; its tally is taken out."""
    for batch in read_batches(context.inputs["solutions"] / ROLLOUTS_FILE, GRADED):
        for row in batch.to_pylist():
            key = solution_id(row["prompt_id"], row["sample"])
            if key not in tallies:
                raise UserError(
                    f"Solution {row['sample']} of {row['prompt_id']} has no verdict: verify all "
                    "solutions of the held-out problems."
                )
            yield _outcome(row, tallies.pop(key))


def _outcome(row: Mapping[str, object], tally: _Tally) -> dict[str, object]:
    same = (
        *("prompt_id", "prompt", "answer", "sample", "completion", "grade", "parsed"),
        "finish_reason",
    )
    tokens = row["tokens"]
    assert isinstance(tokens, list)  # a column of lists
    return {name: row[name] for name in same} | {
        "n_tokens": len(tokens),
        "repetition": repetition(tokens),
        "verifications": tally.verifications,
        "accepted": tally.accepted,
        "verdicts_right": tally.right,
        "verdicts_invalid": tally.invalid,
    }
