"""Completions by vLLM: offline engines as child processes of the job, gone when it is."""

from collections.abc import Callable, Sequence
from pathlib import Path

from algorithms.asking import Sampling, VLLMSettings
from algorithms.training.logprobs import Precision
from algorithms.training.policy import Policy
from algorithms.training.requests import Completion, Request, check_lengths
from algorithms.training.vllm_engines import Engines, shares


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
    with Engines(
        folder,
        policy,
        sampling=sampling,
        settings=settings,
        precision=precision,
        longest=max(len(request.tokens) for request in requests),
        copies=len(shares(requests, settings.data_parallel)),
        on_progress=on_progress,
    ) as engines:
        on_ready(engines.version)
        return engines.complete(requests, seed=seed, on_progress=on_progress)
