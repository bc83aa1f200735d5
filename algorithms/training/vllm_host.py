"""vLLM in a process of its own: `python -P vllm_host.py`, a JSON order in, JSON lines out.

Run by `rollout_vllm` with the interpreter that has vLLM, which may be another one than ours: only
the standard library and vLLM are imported here. Answers go to what was standard output, all that
the engine prints to standard error:

    {"ready": "vLLM 0.32.0"}
    {"index": 3, "tokens": [5, 1], "logprobs": [-0.1, -2.0], "finish": "stop"}
    {"done": true}            or            {"error": "what vLLM said"}
"""

import ctypes
import json
import os
import signal
import sys
from collections.abc import Mapping
from typing import Any, TextIO

_PR_SET_PDEATHSIG = 1


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
    order = json.load(sys.stdin)
    try:
        _serve(order, answers)
        _say(answers, {"done": True})
    except Exception as error:  # noqa: BLE001 - told to whoever started this, who raises it
        _say(answers, {"error": f"{type(error).__name__}: {error}"})
        sys.excepthook(type(error), error, error.__traceback__)
    sys.stderr.flush()
    os._exit(0)


def _serve(order: Mapping[str, Any], answers: TextIO) -> None:
    # Slow, and the reason why this is a process of its own.
    import vllm  # noqa: PLC0415

    engine = vllm.LLM(**order["engine"])
    _say(answers, {"ready": f"vLLM {vllm.__version__}"})
    prompts = [{"prompt_token_ids": one["tokens"]} for one in order["requests"]]
    shared = order["sampling"]
    params = [
        vllm.SamplingParams(
            **(shared | ({"temperature": 0.0} if one["greedy"] else {"seed": one["seed"]}))
        )
        for one in order["requests"]
    ]
    engine.enqueue(prompts, params, use_tqdm=False)
    while engine.llm_engine.has_unfinished_requests():
        for output in engine.llm_engine.step():
            if output.finished:
                # The engine numbers requests in the order in which they came.
                _say(answers, _answer(int(output.request_id), output.outputs[0]))


def _answer(place: int, made: Any) -> dict[str, object]:
    tokens = list(made.token_ids)
    logprobs = [
        options[token].logprob for token, options in zip(tokens, made.logprobs, strict=True)
    ]
    return {"index": place, "tokens": tokens, "logprobs": logprobs, "finish": made.finish_reason}


def _say(answers: TextIO, message: Mapping[str, object]) -> None:
    answers.write(json.dumps(message) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
