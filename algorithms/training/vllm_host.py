"""vLLM in a process of its own: `python -P vllm_host.py`, JSON orders in, JSON lines out.

Run by `rollout_vllm` with the interpreter that has vLLM, which may be another one than ours: only
the standard library and vLLM are imported here. Answers go to what was standard output, all that
the engine prints to standard error. The first order starts the engine, each further one asks for
completions or replaces the weights; each is done before the next one is read:

    {"engine": {...}}, then {"sampling": {...}, "requests": [...]} or {"weights": "/a/path"}

    {"ready": "vLLM 0.32.0"}
    {"index": 3, "tokens": [5, 1], "logprobs": [-0.1, -2.0], "finish": "stop"}
    {"done": true}            or            {"error": "what vLLM said"}
"""

import ctypes
import json
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

_PR_SET_PDEATHSIG = 1
_TELL_S = 0.25
"""Completions are told this often at most: whoever listens takes time from an engine on a CPU."""


def die_with_parent() -> None:
    """Have the kernel end this process when its parent dies; nothing where there is no Linux.

    vLLM spawns its engine core and workers, which import this file first: so each process of the
    tree dies with the one above it, and none keeps a GPU.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


die_with_parent()


def main() -> None:
    """Read the order, answer it, leave without taking the engine apart."""
    # A request to stop reaches the whole process group; whoever started this decides.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    try:
        host = _Host(json.loads(sys.stdin.readline()), answers)
        for line in sys.stdin:
            host.obey(json.loads(line))
    except Exception as error:  # noqa: BLE001 - told to whoever started this, who raises it
        _say(answers, {"error": f"{type(error).__name__}: {error}"})
        sys.excepthook(type(error), error, error.__traceback__)
    sys.stderr.flush()
    os._exit(0)


class Weights:
    """What vLLM's workers can do besides their own work (`worker_extension_cls`)."""

    def load_file(self, path: str) -> None:
        """Replace the weights by those of a safetensors file, split and fused as the worker does.

        Workers are spawned, and so import this file as their main module.
        """
        from safetensors import safe_open  # noqa: PLC0415 - comes with vLLM

        with safe_open(path, framework="pt") as file:
            weights = ((name, file.get_tensor(name)) for name in file.keys())  # noqa: SIM118
            self.reload_weights(weights_iterator=weights)  # type: ignore[attr-defined]


class _Host:
    """An engine that obeys one order after the other."""

    def __init__(self, order: Mapping[str, Any], answers: TextIO) -> None:
        # Slow, and the reason why this is a process of its own.
        import vllm  # noqa: PLC0415

        self._new_params = vllm.SamplingParams
        self._engine = vllm.LLM(worker_extension_cls="__main__.Weights", **order["engine"])
        self._answers = answers
        self._asked = 0
        _say(answers, {"ready": f"vLLM {vllm.__version__}"})
        _say(answers, {"done": True})

    def obey(self, order: Mapping[str, Any]) -> None:
        """Replace the weights, or answer requests; say when it is done."""
        if "weights" in order:
            self._engine.collective_rpc("load_file", args=(order["weights"],))
            # What it remembers of prompts was computed by the weights before.
            self._engine.reset_prefix_cache()
        else:
            self._complete(order["requests"], order["sampling"])
        _say(self._answers, {"done": True})

    def _complete(self, requests: Sequence[Mapping[str, Any]], shared: dict[str, Any]) -> None:
        prompts = [{"prompt_token_ids": one["tokens"]} for one in requests]
        params = [
            self._new_params(
                **(shared | ({"temperature": 0.0} if one["greedy"] else {"seed": one["seed"]}))
            )
            for one in requests
        ]
        # The engine numbers requests in the order in which they came, over all orders.
        first, self._asked = self._asked, self._asked + len(requests)
        self._engine.enqueue(prompts, params, use_tqdm=False)
        made: list[dict[str, object]] = []
        told = time.monotonic()
        while self._engine.llm_engine.has_unfinished_requests():
            made.extend(
                _answer(int(output.request_id) - first, output.outputs[0])
                for output in self._engine.llm_engine.step()
                if output.finished
            )
            if time.monotonic() - told > _TELL_S:
                _say(self._answers, *made)
                made.clear()
                told = time.monotonic()
        _say(self._answers, *made)


def _answer(place: int, made: Any) -> dict[str, object]:
    tokens = list(made.token_ids)
    logprobs = [
        options[token].logprob for token, options in zip(tokens, made.logprobs, strict=True)
    ]
    return {"index": place, "tokens": tokens, "logprobs": logprobs, "finish": made.finish_reason}


def _say(answers: TextIO, *messages: Mapping[str, object]) -> None:
    answers.writelines(json.dumps(message) + "\n" for message in messages)
    answers.flush()


if __name__ == "__main__":
    main()
