"""An algorithm that breaks on purpose: the patient of the fault tests."""

import subprocess
import sys
import time
from typing import Literal

from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from algorithms.base import CompletionBatch, LLMAlgorithm, LossOutput, Metric, Schema, UserError
from algorithms.shared.masking import masked_mean

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"


class Params(Schema):
    """What goes wrong, and when."""

    fault: Literal["none", "nan", "user", "memory", "bug", "exit", "deaf"] = "none"
    """How it breaks."""
    at: int = Field(3, ge=1)
    """Update of this process at which it breaks."""
    sleep_s: float = Field(0.0, ge=0)
    """Pause of every update, so that there is time to interfere."""


class Counter:
    """Updates of this process."""

    calls = 0


def loss(logprobs: Float[Tensor, "B T"], batch: CompletionBatch, params: Params) -> LossOutput:
    """Return the cross-entropy, or break."""
    Counter.calls += 1
    time.sleep(params.sleep_s)
    value = -masked_mean(logprobs, batch.mask).mean()
    if Counter.calls == params.at:
        value = _break(params.fault, value)
    return LossOutput(loss=value, metrics={"faulty_calls": 1.0})


def _break(fault: str, value: Float[Tensor, ""]) -> Float[Tensor, ""]:
    match fault:
        case "nan":
            value = value * float("nan")
        case "user":
            raise UserError("The dataset has no prompt about cats. Add one.")
        case "memory":
            raise MemoryError("cannot allocate 80 GiB")
        case "bug":
            raise ZeroDivisionError("nobody thought of this")
        case "exit":
            sys.exit(0)
        case "deaf":
            # Grandchildren in this session and in one of their own, deaf to SIGTERM.
            subprocess.Popen([sys.executable, "-c", DEAF])
            subprocess.Popen([sys.executable, "-c", DEAF], start_new_session=True)
    return value


ALGORITHM = LLMAlgorithm(
    title="Faulty",
    paper="none",
    summary="Breaks on purpose.",
    formula=r"\mathcal{L} = -\log \pi",
    params=Params,
    loss=loss,
    metrics=(Metric("faulty_calls", label="Calls"),),
    trains_on="references",
)
