"""A `generate` job: n completions per prompt, with the behaviour policy's log-probabilities."""

import time
from collections.abc import Callable, Sequence

import torch

from algorithms.base import JobContext, Reporter, Stopped, Summary
from algorithms.data.problems import load_problems
from algorithms.data.tables import ROLLOUTS, ROLLOUTS_FILE, TableWriter
from algorithms.specs import GenerateSpec
from algorithms.training.logprobs import pad, token_logprobs
from algorithms.training.policy import Policy, load_policy
from algorithms.training.rollout_hf import Completion, Request, complete
from algorithms.training.runtime import configure, peak_memory_bytes


def run(spec: GenerateSpec, context: JobContext) -> Summary:
    """Write `rollouts.parquet`, ordered by prompt and sample; return counts and speed.

    Raises:
        UserError: the split has no rows, or a prompt does not fit the policy.
        Stopped: the reporter asked for it.
    """
    device = configure(spec.seed)
    problems = load_problems(context.inputs["dataset"], spec.split, spec.prompts)
    policy = load_policy(context.inputs["policy"], device)
    prompts = policy.encode_problems(spec.prompt, problems)
    asked = [
        (problem, Request(problem.id, sample, tokens))
        for problem, tokens in zip(problems, prompts, strict=True)
        for sample in range(spec.completions)
    ]
    requests = [request for _, request in asked]
    watch = _Watch(context.reporter, total=2 * len(requests))
    started = time.perf_counter()
    completions = complete(
        policy,
        requests,
        spec.sampling,
        seed=spec.seed,
        batch_size=spec.batch_size,
        on_progress=watch,
    )
    seconds = time.perf_counter() - started
    watch.offset = len(requests)
    logprobs = behaviour_logprobs(
        policy, requests, completions, batch_size=spec.batch_size, on_progress=watch
    )
    with TableWriter(context.output / ROLLOUTS_FILE, ROLLOUTS) as rollouts:
        for (problem, request), completion, row in zip(asked, completions, logprobs, strict=True):
            rollouts.write(
                {
                    "prompt_id": problem.id,
                    "sample": request.sample,
                    "prompt": problem.prompt,
                    "answer": problem.answer,
                    "prompt_tokens": request.tokens,
                    "completion": policy.decode(completion.tokens),
                    "tokens": completion.tokens,
                    "logprobs": row,
                    "finish_reason": completion.finish_reason,
                }
            )
    tokens = sum(len(completion.tokens) for completion in completions)
    stopped = sum(completion.finish_reason == "stop" for completion in completions)
    return {
        "completions": len(completions),
        "tokens": tokens,
        "seconds": seconds,
        "tokens_per_s": tokens / seconds,
        "peak_memory_bytes": peak_memory_bytes(device),
        "stop_share": stopped / len(completions),
    }


class _Watch:
    """Passes progress on, and ends the job when it is asked to stop."""

    def __init__(self, reporter: Reporter, total: int) -> None:
        self._reporter = reporter
        self._total = total
        self.offset = 0

    def __call__(self, done: int) -> None:
        if self._reporter.should_stop():
            raise Stopped(f"Stopped after {done:,} completions.")
        self._reporter.progress((self.offset + done) // 2, self._total // 2, "completions")


def behaviour_logprobs(
    policy: Policy,
    requests: Sequence[Request],
    completions: Sequence[Completion],
    *,
    batch_size: int,
    on_progress: Callable[[int], None],
) -> list[list[float]]:
    """Return log mu of each completion's tokens, by the function that training uses."""
    prompt_tokens = [request.tokens for request in requests]
    tokens = [completion.tokens for completion in completions]
    rows: list[list[float]] = []
    for start in range(0, len(tokens), batch_size):
        on_progress(start)
        end = start + batch_size
        sequences = pad(prompt_tokens[start:end], tokens[start:end]).to(policy.device)
        with torch.no_grad():
            logprobs = token_logprobs(policy.model, sequences)
        for values, mask in zip(logprobs.cpu(), sequences.mask.cpu(), strict=True):
            rows.append(values[mask].tolist())
    on_progress(len(tokens))
    return rows
