"""A `generate` job: n completions per prompt, with the behaviour policy's log-probabilities."""

import time
from collections.abc import Sequence

import torch

from algorithms.base import JobContext, Reporter, Stopped, Summary
from algorithms.data.problems import load_problems
from algorithms.data.rows import Row
from algorithms.data.tables import ROLLOUTS, ROLLOUTS_FILE, write_table
from algorithms.specs import GenerateSpec
from algorithms.training import rollout_hf, rollout_vllm
from algorithms.training.behaviour import LogprobGap, behaviour_logprobs
from algorithms.training.policy import Policy, load_policy
from algorithms.training.requests import Completion, Request
from algorithms.training.runtime import configure, peak_memory_bytes


def run(spec: GenerateSpec, context: JobContext) -> Summary:
    """Write `rollouts.parquet`, ordered by prompt and sample; return counts and speed.

    Raises:
        UserError: the split has no rows, a prompt does not fit the policy, or the engine cannot
            run here.
        Stopped: the reporter asked for it.
    """
    device = configure(spec.seed)
    problems = load_problems(context.inputs["dataset"], spec.split, spec.prompts)
    # vLLM takes nearly all of a GPU's memory: the policy moves there when the engine has ended.
    first_device = torch.device("cpu") if spec.engine == "vllm" else device
    policy = load_policy(context.inputs["policy"], first_device)
    asked = _asked(spec, policy, problems)
    requests = [request for _, request in asked]
    watch = Watch(context.reporter, total=2 * len(requests))
    completions = _complete(spec, context, policy, requests=requests, watch=watch)
    speed = _speed(completions, seconds=watch.busy())
    watch.offset = len(requests)
    policy.model.to(device)
    logprobs = behaviour_logprobs(
        policy,
        [request.tokens for request in requests],
        [completion.tokens for completion in completions],
        batch_size=spec.batch_size,
        precision=spec.logprob_precision,
        on_progress=watch,
    )
    rows = zip(asked, completions, logprobs, strict=True)
    records = (_record(*pair, completion, row) for pair, completion, row in rows)
    write_table(context.output / ROLLOUTS_FILE, ROLLOUTS, records)
    gap = LogprobGap.between([one.engine_logprobs for one in completions], logprobs)
    return {
        **speed,
        "engine_start_s": watch.engine_start_s,
        "peak_memory_bytes": peak_memory_bytes(device),
        "retokenised_share": _retokenised_share(policy, completions),
        **(gap.write(context.output) if gap else {}),
    }


def _asked(
    spec: GenerateSpec, policy: Policy, problems: Sequence[Row]
) -> list[tuple[Row, Request]]:
    """Return each problem with what the policy is to complete, once for every sample."""
    prompts = policy.encode_problems(spec.prompt, problems)
    return [
        (problem, Request(problem.id, sample, tokens))
        for problem, tokens in zip(problems, prompts, strict=True)
        for sample in range(spec.completions)
    ]


def _speed(completions: Sequence[Completion], *, seconds: float) -> Summary:
    """Return how much was sampled how fast, and how much of it ended by itself."""
    tokens = sum(len(completion.tokens) for completion in completions)
    stopped = sum(completion.finish_reason == "stop" for completion in completions)
    return {
        "completions": len(completions),
        "tokens": tokens,
        "seconds": seconds,
        "tokens_per_s": tokens / seconds,
        "stop_share": stopped / len(completions),
    }


def _complete(
    spec: GenerateSpec,
    context: JobContext,
    policy: Policy,
    *,
    requests: Sequence[Request],
    watch: "Watch",
) -> list[Completion]:
    """Return the completions by the chosen engine; its own start is not on the clock."""
    if spec.engine == "transformers":
        return rollout_hf.complete(
            policy,
            requests,
            spec.sampling,
            seed=spec.seed,
            batch_size=spec.batch_size,
            precision=spec.precision,
            on_progress=watch,
        )

    def on_ready(words: str) -> None:
        watch.engine_start_s = watch.lap()
        context.reporter.message(f"{words}, started in {watch.engine_start_s:.0f} s.")

    return rollout_vllm.complete(
        context.inputs["policy"],
        policy,
        requests,
        sampling=spec.sampling,
        settings=spec.vllm,
        seed=spec.seed,
        precision=spec.precision,
        on_progress=watch,
        on_ready=on_ready,
    )


class Watch:
    """Passes progress on, times it, and ends the job when it is asked to stop."""

    def __init__(self, reporter: Reporter, total: int) -> None:
        self._reporter = reporter
        self._total = total
        self._started = self._heard = time.perf_counter()
        self.offset = 0
        self.engine_start_s = 0.0
        """Not part of the time that sampling takes."""

    def __call__(self, done: int) -> None:
        self._heard = time.perf_counter()
        if self._reporter.should_stop():
            raise Stopped(f"Stopped after {done:,} completions.")
        self._reporter.progress((self.offset + done) // 2, self._total // 2, "completions")

    def lap(self) -> float:
        """Return the seconds since the last call."""
        before, self._started = self._started, time.perf_counter()
        return self._started - before

    def busy(self) -> float:
        """Return the seconds from the last lap to the last progress: no engine's end is in them."""
        return self._heard - self._started


def _record(
    problem: Row, request: Request, completion: Completion, logprobs: list[float]
) -> dict[str, object]:
    return {
        "prompt_id": problem.id,
        "sample": request.sample,
        "prompt": problem.prompt,
        "answer": problem.answer,
        "prompt_tokens": request.tokens,
        "completion": completion.text,
        "tokens": completion.tokens,
        "logprobs": logprobs,
        "finish_reason": completion.finish_reason,
        "engine_logprobs": completion.engine_logprobs,
    }


def _retokenised_share(policy: Policy, completions: Sequence[Completion]) -> float:
    """Return the share of completions whose text has just the sampled tokens.

    A policy may sample what its tokenizer would never write: training goes by the tokens.
    """
    bare = [
        one.tokens[:-1] if one.tokens[-1] in policy.end_tokens else one.tokens
        for one in completions
    ]
    texts = [policy.decode(tokens) for tokens in bare]
    again = policy.tokenizer(texts, add_special_tokens=False)["input_ids"]
    same = sum(list(ids) == tokens for ids, tokens in zip(again, bare, strict=True))
    return same / len(completions)
