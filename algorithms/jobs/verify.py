"""A `verify` job: a dataset that asks, of each graded solution, whether it is correct."""

from collections import Counter

from algorithms.base import JobContext, Stopped, Summary, UserError
from algorithms.data.tables import (
    GRADED,
    ROLLOUTS_FILE,
    ROWS,
    ROWS_FILE,
    TableWriter,
    read_batches,
)
from algorithms.verification import VerifySpec, solution_id, verification_problem


def run(spec: VerifySpec, context: JobContext) -> Summary:
    """Write a problem for each solution, the right verdict as its answer; return the counts.

    `group` is the id of the problem that was solved.

    Raises:
        UserError: there are no solutions.
        Stopped: the reporter asked for it.
    """
    verdicts: Counter[str] = Counter({"accept": 0, "reject": 0})
    with TableWriter(context.output / ROWS_FILE, ROWS) as writer:
        for batch in read_batches(context.inputs["rollouts"] / ROLLOUTS_FILE, GRADED):
            if context.reporter.should_stop():
                raise Stopped("Stopped while writing verification problems.")
            for row in batch.to_pylist():
                verdict = "accept" if row["grade"] == "correct" else "reject"
                verdicts[verdict] += 1
                question, solution = row["prompt"], row["completion"]
                writer.write(
                    {
                        "id": solution_id(row["prompt_id"], row["sample"]),
                        "prompt": verification_problem(spec.template, question, solution),
                        "answer": getattr(spec, verdict),
                        "split": spec.split,
                        "group": row["prompt_id"],
                    }
                )
    if not writer.count:
        raise UserError("The rollouts hold 0 solutions, so there is nothing to verify.")
    counts = {"to_accept": verdicts["accept"], "to_reject": verdicts["reject"]}
    return {"rows": writer.count, "bad_rows": 0, spec.split: writer.count, **counts}
