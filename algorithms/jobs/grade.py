"""A `grade` job: a grade and a reward for every completion."""

from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq

from algorithms.base import JobContext, Stopped, Summary, UserError
from algorithms.data.grading import GRADES, grade, reward
from algorithms.data.tables import GRADED, ROLLOUTS, ROLLOUTS_FILE, read_batches
from algorithms.specs import GradeSpec


def run(spec: GradeSpec, context: JobContext) -> Summary:
    """Write the rollouts with `grade` and `reward`; return the counts of each grade.

    Raises:
        UserError: there are no completions, or the grader does not fit the reference answers.
        Stopped: the reporter asked for it.
    """
    counts: Counter[str] = Counter(dict.fromkeys(GRADES, 0))
    total = 0.0
    with pq.ParquetWriter(context.output / ROLLOUTS_FILE, GRADED, compression="zstd") as writer:
        for batch in read_batches(context.inputs["rollouts"] / ROLLOUTS_FILE, ROLLOUTS):
            if context.reporter.should_stop():
                raise Stopped(f"Stopped after {counts.total():,} completions.")
            grades = [
                grade(text, answer, finish_reason=reason, grading=spec.grading)
                for text, answer, reason in zip(
                    batch.column("completion").to_pylist(),
                    batch.column("answer").to_pylist(),
                    batch.column("finish_reason").to_pylist(),
                    strict=True,
                )
            ]
            rewards = [reward(given, spec.rewards) for given in grades]
            columns = [*batch.columns, pa.array(grades), pa.array(rewards, pa.float32())]
            writer.write_batch(pa.record_batch(columns, schema=GRADED))
            counts.update(grades)
            total += sum(rewards)
    completions = counts.total()
    if not completions:
        raise UserError("The rollouts hold 0 completions, so there is nothing to grade.")
    return {"completions": completions, **counts, "reward_mean": total / completions}
