"""A `score` job: the log-probabilities of rollouts, computed again by the code that trains."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from algorithms.base import JobContext, Stopped, Summary, UserError
from algorithms.data.tables import GRADED, ROLLOUTS, ROLLOUTS_FILE, read_table
from algorithms.specs import ScoreSpec
from algorithms.training.behaviour import LogprobGap, behaviour_logprobs
from algorithms.training.policy import load_policy
from algorithms.training.runtime import configure


def run(spec: ScoreSpec, context: JobContext) -> Summary:
    """Write the rollouts with `logprobs` under the given policy; return counts and the gap.

    `engine_logprobs` stay what they are, or become what `logprobs` were: the gap is that between
    what was stored by whoever sampled and what training computes. Grades are kept, further
    columns where the spec asks for them.

    Raises:
        UserError: there are no completions, or they do not fit the policy.
        Stopped: the reporter asked for it.
    """
    device = configure(seed=0)
    table = _table(context)
    if not table.num_rows:
        raise UserError("The rollouts hold 0 completions, so there is nothing to score.")
    policy = load_policy(context.inputs["policy"], device)
    prompts, tokens = table["prompt_tokens"].to_pylist(), table["tokens"].to_pylist()
    check_fit(policy.max_tokens, len(policy.tokenizer), prompts, tokens)

    def on_progress(done: int) -> None:
        if context.reporter.should_stop():
            raise Stopped(f"Stopped after {done:,} completions.")
        context.reporter.progress(done, table.num_rows, "completions")

    logprobs = behaviour_logprobs(
        policy,
        prompts,
        tokens,
        batch_size=spec.batch_size,
        precision=spec.precision,
        on_progress=on_progress,
    )
    stored, engine = (table[name].to_pylist() for name in ("logprobs", "engine_logprobs"))
    engine = [old if theirs is None else theirs for theirs, old in zip(engine, stored, strict=True)]
    table = _with(_with(table, "logprobs", logprobs), "engine_logprobs", engine)
    if spec.further_columns:
        table = _with_further(table, context.inputs["rollouts"] / ROLLOUTS_FILE)
    pq.write_table(table, context.output / ROLLOUTS_FILE, compression="zstd")
    gap = LogprobGap.between(engine, logprobs)
    return {
        "completions": table.num_rows,
        "tokens": sum(map(len, tokens)),
        **(gap.write(context.output) if gap else {}),
    }


def _table(context: JobContext) -> pa.Table:
    path = context.inputs["rollouts"] / ROLLOUTS_FILE
    graded = "grade" in pq.read_schema(path).names if path.is_file() else False
    return read_table(path, GRADED if graded else ROLLOUTS)


def _with_further(table: pa.Table, path: Path) -> pa.Table:
    """Return a table with the columns of the file that no schema of ours names, row by row."""
    known = {*GRADED.names}
    further = [name for name in pq.read_schema(path).names if name not in known]
    read = pq.read_table(path, columns=further)
    for name in further:
        table = table.append_column(read.schema.field(name), read[name])
    return table


def check_fit(
    longest: int, vocabulary: int, prompts: list[list[int]], tokens: list[list[int]]
) -> None:
    """Let sequences pass that a policy of this longest sequence and vocabulary can read.

    Raises:
        UserError: some cannot be read.
    """
    most = max(len(asked) + len(given) for asked, given in zip(prompts, tokens, strict=True))
    if most > longest:
        raise UserError(
            f"The longest prompt with its completion has {most} tokens and the policy reads "
            f"{longest}. Score with the policy that wrote them, or leave out the long ones."
        )
    largest = max(max(asked + given) for asked, given in zip(prompts, tokens, strict=True))
    if largest >= vocabulary:
        raise UserError(
            f"The completions hold the token {largest} and the policy knows {vocabulary}: they "
            "were written with another tokenizer. Score with a policy that shares it."
        )


def _with(table: pa.Table, name: str, values: list[Any]) -> pa.Table:
    place = table.schema.get_field_index(name)
    return table.set_column(place, name, pa.array(values, table.schema.field(name).type))
