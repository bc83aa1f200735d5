"""Copies of a policy in vLLM engines that stay up: asked for completions, given new weights."""

import select
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from algorithms.asking import Sampling, VLLMSettings
from algorithms.training.logprobs import Precision
from algorithms.training.policy import Policy
from algorithms.training.requests import GREEDY, Completion, Request, check_lengths
from algorithms.training.seeds import stream
from algorithms.training.stops import readable
from algorithms.training.vllm_process import EngineProcess, gpu_shares

_POLL_S = 0.5
"""Longest time between two calls of `on_progress`, while the engine starts, too."""

CPU_BATCH_TOKENS = 8192
"""Prompt tokens that an engine without a GPU reads at once."""


class Engines:
    """Copies of a policy, each in an engine of its own, that share requests until they are ended.

    Their weights can be replaced while they are up.
    """

    def __init__(
        self,
        folder: Path,
        policy: Policy,
        *,
        sampling: Sampling,
        settings: VLLMSettings,
        precision: Precision,
        longest: int,
        copies: int | None = None,
        on_progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Start the engines and wait until all of them are ready.

        Args:
            longest: tokens of the longest prompt that will be asked.
            copies: as many as the settings say when not given.

        Raises:
            UserError: vLLM is not installed, or has too few GPUs or too little memory.
            RuntimeError: an engine broke down.
        """
        self._policy = policy
        self._sampling = sampling
        longest = min(policy.max_tokens, longest + sampling.max_new_tokens)
        devices = gpu_shares(copies or settings.data_parallel, settings.tensor_parallel)
        order = {
            "engine": _engine(settings)
            | {"model": str(folder), "dtype": precision, "max_model_len": longest}
        }
        if devices[0] is None:
            order["engine"] |= _whole_prompts(longest)
        self._engines: list[EngineProcess] = []
        try:
            for visible in devices:
                self._engines.append(EngineProcess(order, settings, visible))
            _collect(self._engines, on_progress)
        except BaseException:
            self.end()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    @property
    def version(self) -> str:
        """Name and version of the engine."""
        return self._engines[0].version

    def complete(
        self,
        requests: Sequence[Request],
        *,
        seed: int,
        on_progress: Callable[[int], None] = lambda _: None,
    ) -> list[Completion]:
        """Return a completion for each request, in the same order; see `rollout_vllm.complete`."""
        check_lengths(self._policy, requests, self._sampling)
        given = shares(requests, len(self._engines))
        asked = dict(zip(self._engines, given, strict=False))
        for engine, share in asked.items():
            own = [_request(requests[i], seed) for i in share]
            engine.ask({"sampling": _sampling(self._sampling, self._policy), "requests": own})
        answers = _collect(list(asked), on_progress)
        on_progress(len(requests))
        made = {
            share[place]: answer
            for engine, share in asked.items()
            for place, answer in answers[engine].items()
        }
        return [_completion(self._policy, made[i], self._sampling) for i in range(len(requests))]

    def load(self, path: str, *, on_progress: Callable[[int], None] = lambda _: None) -> None:
        """Replace the weights by those of a safetensors file, adapted to how each engine splits.

        Args:
            path: in a file system that the engines see, such as memory.
        """
        for engine in self._engines:
            engine.ask({"weights": path})
        _collect(self._engines, on_progress)

    def end(self) -> None:
        """Kill the engines and everything below them."""
        for engine in self._engines:
            engine.end()


def shares(requests: Sequence[Request], copies: int) -> list[list[int]]:
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
        "max_num_batched_tokens": max(CPU_BATCH_TOKENS, longest),
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
        # We decode tokens ourselves: the engine's text only serves to find stop texts in it.
        "detokenize": bool(sampling.stop),
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
    engines: Sequence[EngineProcess], on_progress: Callable[[int], None]
) -> dict[EngineProcess, dict[int, dict[str, Any]]]:
    """Return the answers by engine and place, listening to all engines until each is done."""
    answers: dict[EngineProcess, dict[int, dict[str, Any]]] = {engine: {} for engine in engines}
    while not all(engine.is_done for engine in engines):
        on_progress(sum(map(len, answers.values())))
        for engine in _speaking(engines):
            answers[engine] |= {message["index"]: message for message in engine.answers()}
            if engine.is_closed and not engine.is_done:
                on_progress(0)  # a wish to stop reaches the engine as well
                raise engine.failure()
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
