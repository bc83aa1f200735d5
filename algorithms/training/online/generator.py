"""Completions by the generator's own copy of the weights, which synchronisations renew."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from algorithms.specs import GenerateSpec
from algorithms.training import lora, rollout_hf
from algorithms.training.behaviour import behaviour_logprobs
from algorithms.training.online.memory_file import MemoryFile
from algorithms.training.policy import Policy
from algorithms.training.requests import Completion, Request
from algorithms.training.vllm_engines import Engines

WEIGHTS_FILE = "generator.safetensors"


@dataclass(frozen=True)
class Written:
    """Completions of some requests, with log mu of their tokens."""

    completions: Sequence[Completion]
    logprobs: Sequence[Sequence[float]]


class Generator:
    """Samples with weights of its own; the learner's reach it in memory, never by way of a disk.

    The copy lives beside the trained policy in this process. transformers samples from it
    directly; vLLM reads it out of a file in memory. Log mu always comes from the copy.
    """

    def __init__(self, spec: GenerateSpec, policy: Policy, folder: Path, *, longest: int) -> None:
        """Prepare an engine; it starts when the first completions are asked for.

        Args:
            policy: the policy that training starts from, loaded for the generator alone.
            folder: its files.
            longest: tokens of the longest prompt.
        """
        self._spec = spec
        self._policy = policy
        self._folder = folder
        self._longest = longest
        self._engines: Engines | None = None
        self._holds_newest = True
        self._own = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._own.close()

    def take_over(self, model: torch.nn.Module) -> None:
        """Copy the weights of a trained model, adapters merged in."""
        merged = lora.merged_weights(model) if lora.has_adapters(model) else model.state_dict()
        self._copy(merged)

    def write(
        self,
        requests: Sequence[Request],
        *,
        seed: int,
        on_progress: Callable[[int], None] = lambda _: None,
        on_ready: Callable[[str], None] = lambda _: None,
    ) -> Written:
        """Return a completion for each request; equal weights, seed and requests give equal ones.

        Args:
            on_progress: called now and then with the number of completions; may raise.
            on_ready: called with the engine's name when one has been started.

        Raises:
            UserError: prompt and completion do not fit the model, or the engine cannot run here.
        """
        spec = self._spec
        if spec.engine == "vllm":
            completions = self._by_vllm(requests, seed, on_progress, on_ready)
        else:
            completions = rollout_hf.complete(
                self._policy,
                requests,
                spec.sampling,
                seed=seed,
                batch_size=spec.batch_size,
                precision=spec.precision,
                on_progress=on_progress,
            )
        logprobs = behaviour_logprobs(
            self._policy,
            [request.tokens for request in requests],
            [completion.tokens for completion in completions],
            batch_size=spec.batch_size,
            precision=spec.logprob_precision,
            on_progress=lambda _: on_progress(len(requests)),
        )
        return Written(completions, logprobs)

    def _by_vllm(
        self,
        requests: Sequence[Request],
        seed: int,
        on_progress: Callable[[int], None],
        on_ready: Callable[[str], None],
    ) -> list[Completion]:
        if self._engines is None:
            started = Engines(
                self._folder,
                self._policy,
                sampling=self._spec.sampling,
                settings=self._spec.vllm,
                precision=self._spec.precision,
                longest=self._longest,
                on_progress=on_progress,
            )
            self._engines = self._own.enter_context(started)
            on_ready(started.version)
        if not self._holds_newest:
            with MemoryFile("generator weights") as memory:
                memory.write(_distinct(self._policy.model.state_dict()))
                self._engines.load(memory.path, on_progress=on_progress)
            self._holds_newest = True
        return self._engines.complete(requests, seed=seed, on_progress=on_progress)

    def save(self, folder: Path) -> None:
        """Write the weights to a file of the folder."""
        weights = _distinct(self._policy.model.state_dict())
        save_file({name: w.contiguous() for name, w in weights.items()}, folder / WEIGHTS_FILE)

    def restore(self, folder: Path) -> None:
        """Take the weights that `save` wrote."""
        self._copy(load_file(folder / WEIGHTS_FILE))

    @torch.no_grad()
    def _copy(self, weights: dict[str, Any]) -> None:
        own = self._policy.model.state_dict()
        for name, value in weights.items():
            own[name].copy_(value)
        self._holds_newest = False


def _distinct(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return each tensor once, where two names share one."""
    by_place = {value.data_ptr(): name for name, value in reversed(state.items())}
    return {name: state[name] for name in reversed(by_place.values())}
