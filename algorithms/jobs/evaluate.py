"""An `evaluate` job: greedy and sampled outcomes of one policy on held-out problems."""

from algorithms.base import JobContext, Stopped, Summary
from algorithms.data.problems import load_problems
from algorithms.data.tables import OUTCOMES, OUTCOMES_FILE, read_table, write_table
from algorithms.evaluation.outcomes import STATISTICS_FILE, per_problem, statistics
from algorithms.evaluation.repetition import repetition
from algorithms.specs import EvaluateSpec
from algorithms.training.evaluation import Exam, Outcome
from algorithms.training.policy import load_policy
from algorithms.training.runtime import configure


def run(spec: EvaluateSpec, context: JobContext) -> Summary:
    """Write `outcomes.parquet`, a row per completion, and `statistics.json`; return the figures.

    Raises:
        UserError: the split has no rows, or a problem does not fit the policy.
        Stopped: the reporter asked for it.
    """
    device = configure(spec.seed)
    problems = load_problems(context.inputs["dataset"], spec.split, spec.problems)
    exam = Exam(
        problems=problems,
        samples=spec.samples,
        sampling=spec.sampling,
        grading=spec.grading,
        batch_size=spec.batch_size,
        prompt=spec.prompt,
    )
    total = len(problems) * (1 + spec.samples)

    def on_progress(done: int) -> None:
        if context.reporter.should_stop():
            raise Stopped(f"Stopped after {done:,} completions.")
        context.reporter.progress(done, total, "completions")

    policy = load_policy(context.inputs["policy"], device)
    outcomes = exam.hold(policy, seed=spec.seed, on_progress=on_progress)
    path = context.output / OUTCOMES_FILE
    write_table(path, OUTCOMES, map(_record, outcomes))
    found = per_problem(read_table(path, OUTCOMES))
    if found.votes is not None:
        text = statistics(found.votes, seed=spec.seed).model_dump_json(indent=1)
        (context.output / STATISTICS_FILE).write_text(text, encoding="utf-8")
    return {"problems": len(problems), "samples": spec.samples, **found.means}


def _record(outcome: Outcome) -> dict[str, object]:
    return {
        "prompt_id": outcome.problem.id,
        "prompt": outcome.problem.prompt,
        "answer": outcome.problem.answer,
        "sample": outcome.sample,
        "completion": outcome.completion,
        "n_tokens": outcome.n_tokens,
        "grade": outcome.grade,
        "parsed": outcome.parsed,
        "finish_reason": outcome.finish_reason,
        "repetition": repetition(outcome.tokens),
    }
