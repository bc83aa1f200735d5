"""Completions by vLLM: offline engines as child processes of the job, gone when it is."""

import select
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from algorithms.asking import Sampling, VLLMSettings
from algorithms.training.logprobs import Precision
from algorithms.training.policy import Policy
from algorithms.training.requests import GREEDY, Completion, Request, check_lengths
from algorithms.training.seeds import stream
from algorithms.training.stops import readable
from algorithms.training.vllm_process import EngineProcess, gpu_shares

_POLL_S = 0.5
"""Longest time between two calls of `on_progress`, while the engine starts, too."""

_CPU_BATCH_TOKENS = 8192
"""Prompt tokens that an engine without a GPU reads at once."""


def complete(
    folder: Path,
    policy: Policy,
    requests: Sequence[Request],
    *,
    sampling: Sampling,
    settings: VLLMSettings,
    seed: int,
    precision: Precision,
    on_progress: Callable[[int], None] = lambda _: None,
    on_ready: Callable[[str], None] = lambda _: None,
) -> list[Completion]:
    """Return a completion for each request, in the same order.

    Every completion has a seed of its own, made of the seed, its prompt and its sample number.
    The engine batches as it likes and its kernels round differently from batch to batch: equal
    requests on the same machine give equal completions but for draws that rounding decides.

    Args:
        folder: the policy's files, which the engine loads itself.
        policy: the same policy; only its tokenizer and limits are used.
        on_progress: called now and then with the number of finished completions; may raise.
        on_ready: called with the engine's name and version when it has started.

    Raises:
        UserError: vLLM is not installed, has too few GPUs or too little memory, or prompt and
            completion do not fit the model.
        RuntimeError: the engine broke down.
    """
    check_lengths(policy, requests, sampling)
    shares = _shares(requests, settings.data_parallel)
    devices = gpu_shares(len(shares), settings.tensor_parallel)
    longest = max(len(request.tokens) for request in requests) + sampling.max_new_tokens
    order = {
        "engine": _engine(settings) | {"model": str(folder), "dtype": precision},
        "sampling": _sampling(sampling, policy),
    }
    order["engine"]["max_model_len"] = longest = min(policy.max_tokens, longest)
    if devices[0] is None:
        order["engine"] |= _whole_prompts(longest)
    engines: list[EngineProcess] = []
    try:
        for share, visible in zip(shares, devices, strict=True):
            own = order | {"requests": [_request(requests[i], seed) for i in share]}
            engines.append(EngineProcess(own, settings, visible))
        answers = _collect(engines, shares, on_progress, on_ready)
    finally:
        for engine in engines:
            engine.end()
    on_progress(len(requests))
    return [_completion(policy, answers[i], sampling) for i in range(len(requests))]


def _shares(requests: Sequence[Request], copies: int) -> list[list[int]]:
    """Return which requests each copy of the model gets; a prompt's stay together."""
    prompts: dict[str, int] = {}
    shares: list[list[int]] = [[] for _ in range(copies)]
    for index, request in enumerate(requests):
        number = prompts.setdefault(request.prompt_id, len(prompts))
        shares[number % copies].append(index)
    return [share for share in shares if share]


def _engine(settings: VLLMSettings) -> dict[str, Any]:
    return {
        "tensor_parallel_size": settings.tensor_parallel,
        "gpu_memory_utilization": settings.gpu_memory_utilization,
        "enforce_eager": settings.enforce_eager,
        "trust_remote_code": False,
        # The model's own sampling defaults would be added to what is asked for.
        "generation_config": "vllm",
        "logprobs_mode": "raw_logprobs",
        "disable_log_stats": True,
    }


def _whole_prompts(longest: int) -> dict[str, Any]:
    """Return what keeps prompts in one piece.

    vLLM 0.32 rewinds the random generator of a request whose prompt was cut, and generators of
    the CPU cannot be rewound.
    """
    return {
        "enable_chunked_prefill": False,
        "max_num_batched_tokens": max(_CPU_BATCH_TOKENS, longest),
    }


def _sampling(sampling: Sampling, policy: Policy) -> dict[str, Any]:
    return {
        "temperature": sampling.temperature,
        "top_k": sampling.top_k,
        "top_p": sampling.top_p,
        "max_tokens": sampling.max_new_tokens,
        "stop": list(sampling.stop),
        "stop_token_ids": sorted(policy.end_tokens),
        "logprobs": 0,
        # Stop texts are looked for in the text that we keep, see Policy.decode.
        "skip_special_tokens": False,
        "spaces_between_special_tokens": False,
    }


def _request(request: Request, seed: int) -> dict[str, Any]:
    own = stream("vllm", seed, request.prompt_id, request.sample).integers(2**63)
    return {
        "tokens": list(request.tokens),
        "greedy": request.sample == GREEDY,
        "seed": int(own),
    }


def _collect(
    engines: Sequence[EngineProcess],
    shares: Sequence[Sequence[int]],
    on_progress: Callable[[int], None],
    on_ready: Callable[[str], None],
) -> dict[int, dict[str, Any]]:
    """Return the answers by request, listening to all engines until each is done."""
    answers: dict[int, dict[str, Any]] = {}
    work = dict(zip(engines, shares, strict=True))
    told = False
    while not all(engine.is_done for engine in engines):
        on_progress(len(answers))
        for engine in _speaking(engines):
            own = work[engine]
            answers |= {own[message["index"]]: message for message in engine.answers()}
            if engine.is_closed and not engine.is_done:
                on_progress(len(answers))  # a wish to stop reaches the engine as well
                raise engine.failure()
        if not told and all(engine.version for engine in engines):
            told = True
            on_ready(engines[0].version)
    return answers


def _speaking(engines: Sequence[EngineProcess]) -> list[EngineProcess]:
    """Return the unfinished engines that have said something, waiting for it a moment."""
    listened = [engine for engine in engines if not engine.is_done]
    ready, _, _ = select.select(listened, [], [], _POLL_S)
    return ready


def _completion(policy: Policy, answer: dict[str, Any], sampling: Sampling) -> Completion:
    tokens: list[int] = answer["tokens"]
    reason = answer["finish"]
    if reason not in ("stop", "length") or not tokens:
        raise RuntimeError(f"vLLM ended a completion of {len(tokens)} tokens with {reason!r}")
    text = readable(policy, tokens, sampling.stop)
    return Completion(tokens, reason, text, answer["logprobs"])
