"""A `grade` job: a grade and a reward for every completion."""

from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq

from algorithms.base import JobContext, Reporter, Stopped, Summary, UserError
from algorithms.data.grading import GRADES, Item, Judge, reward
from algorithms.data.tables import GRADED, ROLLOUTS, ROLLOUTS_FILE, count_rows, read_batches
from algorithms.specs import GradeSpec


def run(spec: GradeSpec, context: JobContext) -> Summary:
    """Write the rollouts with `grade` and `reward`; return the counts of each grade.

    Raises:
        UserError: there are no completions, or the grader does not fit the reference answers.
        Stopped: the reporter asked for it.
    """
    counts: Counter[str] = Counter(dict.fromkeys(GRADES, 0))
    total = 0.0
    source = context.inputs["rollouts"] / ROLLOUTS_FILE
    watch = _Watch(context.reporter, total=count_rows(source))
    with (
        pq.ParquetWriter(context.output / ROLLOUTS_FILE, GRADED, compression="zstd") as writer,
        Judge(spec.grading) as judge,
    ):
        for batch in read_batches(source, ROLLOUTS):
            verdicts = judge.grade_all(_items(batch), on_progress=watch)
            rewards = [reward(v.grade, spec.rewards, well_formed=v.well_formed) for v in verdicts]
            grades = [verdict.grade for verdict in verdicts]
            parsed = pa.array([verdict.parsed for verdict in verdicts], pa.string())
            added = [pa.array(grades), pa.array(rewards, pa.float32()), parsed]
            writer.write_batch(pa.record_batch([*batch.columns, *added], schema=GRADED))
            counts.update(grades)
            total += sum(rewards)
            watch.offset += len(verdicts)
    completions = counts.total()
    if not completions:
        raise UserError("The rollouts hold 0 completions, so there is nothing to grade.")
    return {"completions": completions, **counts, "reward_mean": total / completions}


def _items(batch: pa.RecordBatch) -> list[Item]:
    columns = (batch.column(name).to_pylist() for name in ("completion", "answer", "finish_reason"))
    return [Item(*fields) for fields in zip(*columns, strict=True)]


class _Watch:
    """Passes progress on, and ends the job when it is asked to stop."""

    def __init__(self, reporter: Reporter, total: int) -> None:
        self._reporter = reporter
        self._total = total
        self.offset = 0

    def __call__(self, done: int) -> None:
        if self._reporter.should_stop():
            raise Stopped(f"Stopped after {self.offset + done:,} completions.")
        self._reporter.progress(self.offset + done, self._total, "completions")
