"""What an algorithm is, what a job may ask of the world, and how both fail."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from pydantic import BaseModel, ConfigDict
from torch import Tensor


class Schema(BaseModel):
    """Validated, frozen settings; the string under a field is its help text everywhere."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False
    )


class UserError(Exception):
    """Something the user can mend; the message says what happened, to what, and what to do."""


class NonFiniteLossError(Exception):
    """The loss or its gradient stopped being a number."""

    def __init__(self, step: int, quantity: str = "loss") -> None:
        super().__init__(
            f"The {quantity} was not a finite number at step {step}. "
            "Lower the learning rate, clip gradients, or choose a bounded importance weight."
        )
        self.step = step
        self.quantity = quantity


class ProcessLostError(Exception):
    """A process that the job needs died without a word; another attempt may succeed."""


class Stopped(Exception):  # noqa: N818 - not an error: the job obeyed a request to stop
    """The job saved its checkpoint and stopped because it was asked to."""


class CorruptArtifactError(UserError):
    """A file of an input artifact is missing, truncated or altered."""


@dataclass(frozen=True)
class Metric:
    """A number that a job logs, declared once and labelled the same on every page."""

    name: str
    label: str
    unit: str = ""
    better: Literal["higher", "lower"] | None = None
    help: str = ""


@dataclass(frozen=True)
class Outcomes:
    """What advantages are made of: every completion of one optimizer step, without its tokens."""

    rewards: Float[Tensor, " B"]
    prompt_index: Int[Tensor, " B"]
    """Which prompt a completion answers; equal numbers mean the same prompt, one group."""
    lengths: Int[Tensor, " B"]
    """Completion tokens."""
    generator: torch.Generator
    """For advantages that draw lots; on the CPU, seeded by the job's seed and the step."""


@dataclass(frozen=True)
class CompletionBatch:
    """B completions, padded to T tokens; prompt tokens and padding are masked out.

    A micro-batch, or the whole batch of an optimizer step: what a loss needs to know of the whole
    (advantages, mean length, selected tokens) is computed there and handed down.
    """

    rewards: Float[Tensor, " B"]
    behaviour_logprobs: Float[Tensor, "B T"]
    """log mu per token in nats, stored with the rollouts; 0 where the mask is False."""
    mask: Bool[Tensor, "B T"]
    """True where a completion token (its end-of-sequence token included) counts."""
    prompt_index: Int[Tensor, " B"]
    """Which prompt a completion answers; equal numbers mean the same prompt."""
    advantages: Float[Tensor, " B"]
    """A of each completion, by the algorithm's `advantage` over the whole batch; without one, the
    rewards."""
    mean_tokens: float
    """Mean of |y| over the whole batch: what makes a token mean exact under accumulation."""
    unit_index: Int[Tensor, " B"]
    """Which unit (see `LLMAlgorithm.unit`) a completion belongs to."""
    reference_logprobs: Float[Tensor, "B T"] | None = None
    """log of the reference policy per token in nats, for algorithms that ask for it."""
    selected: Bool[Tensor, "B T"] | None = None
    """What the algorithm's `select` chose, where it has one."""
    source_index: Int[Tensor, " B"] | None = None
    """Which set of a mixture a completion is from, counted from 1; None where there is one set."""

    def rows(self, index: Int[Tensor, " b"] | slice) -> "CompletionBatch":
        """Return some completions, with what was computed over the whole batch."""
        picked: dict[str, Any] = {
            item.name: value[index]
            for item in fields(self)
            if isinstance(value := getattr(self, item.name), Tensor)
        }
        return replace(self, **picked)


@dataclass(frozen=True)
class LossOutput:
    """A scalar to minimise, and what is to be told of the batch."""

    loss: Float[Tensor, ""]
    metrics: Mapping[str, float] = field(default_factory=dict)
    """Declared metrics, each a mean over completions."""
    weights: Float[Tensor, "B T"] | None = None
    """Importance weight that multiplies the advantage of each token, without gradient; None where
    the algorithm has none."""
    kept: Bool[Tensor, "B T"] | None = None
    """False where a token is clipped, tapered away or dropped, so that its advantage gives no
    gradient; None where the algorithm keeps all."""
    losses: Float[Tensor, " B"] | None = None
    """Loss of each completion, without gradient: the loss is their mean. None where a plugin does
    not tell; the loss is then not split by the sign of the advantage."""

    @classmethod
    def of(
        cls,
        losses: Float[Tensor, " B"],
        metrics: Mapping[str, float] | None = None,
        weights: Float[Tensor, "B T"] | None = None,
        kept: Bool[Tensor, "B T"] | None = None,
    ) -> "LossOutput":
        """Return the mean of the losses of single completions."""
        return cls(losses.mean(), metrics or {}, weights, kept, losses.detach())


LLMLoss = Callable[..., LossOutput]
"""`loss(logprobs: Float[Tensor, "B T"], batch: CompletionBatch, params) -> LossOutput`.

The loss must be a mean over the completions of the batch: the learner re-weights the losses of
micro-batches by their number of completions, which makes gradient accumulation exact. A token
mean is one too: the mean over completions of (sum over tokens) / `batch.mean_tokens`.
"""

LLMAdvantage = Callable[..., Tensor]
"""`advantage(outcomes: Outcomes, params) -> Float[Tensor, " B"]`, over the whole batch."""

LLMSelect = Callable[..., Tensor]
"""`select(logprobs: Float[Tensor, "B T"], batch: CompletionBatch, params) -> Bool[Tensor, "B T"]`.

Sees the whole batch of an optimizer step at once, without gradient, before its micro-batches.
"""


@dataclass(frozen=True)
class LLMAlgorithm:
    """One algorithm that fine-tunes a language model from completions."""

    title: str
    paper: str
    """arXiv number or citation, shown with a link where it is an arXiv number."""
    summary: str
    """One or two sentences: what it does with positives and with negatives."""
    formula: str
    """The loss in LaTeX, with the symbols of the paper."""
    params: type[Schema]
    loss: LLMLoss
    metrics: tuple[Metric, ...] = ()
    presets: Mapping[str, Mapping[str, float | bool | str | None]] = field(default_factory=dict)
    """Named settings of the paper beside the defaults."""
    advantage: LLMAdvantage | None = None
    """What each completion is worth beside the others of the batch; None takes the reward."""
    select: LLMSelect | None = None
    """Which tokens count, where only the whole batch can tell; it costs a forward pass more when
    a batch is cut into micro-batches."""
    needs_reference: Callable[[Any], bool] | None = None
    """`needs_reference(params)`: whether the loss reads `reference_logprobs`."""
    unit: Literal["completion", "prompt", "pair"] = "completion"
    """What is shuffled, and never torn apart by a (micro-)batch: single completions, all
    completions of a prompt, or pairs of one completion of higher and one of lower reward."""
    trains_on: Literal["rollouts", "references"] = "rollouts"
    """Graded completions of a policy, or the reference answers of a dataset."""
    version: int = 1
    """Raise it when the loss computes other numbers; part of every training's fingerprint."""
    family: str = "Other"
    """Heading under which the gallery shows it."""
    colour: str = ""
    """A look of `webapp.results.figures.palette`; chosen from the name's hash when empty."""
    short: str = ""
    """What legends call it until somebody names it; empty takes the name of the file."""


@dataclass(frozen=True)
class Event:
    """Something that a job found wrong with itself, see `algorithms.watching`."""

    sentinel: str
    step: int
    text: str
    """A sentence for people."""
    value: float
    limit: float
    action: Literal["warn", "stop"]
    """What it does about it."""


@runtime_checkable
class Reporter(Protocol):
    """The only thing a job knows of the world that runs it."""

    def log(
        self, step: int, metrics: Mapping[str, float], *, samples: int, tokens: int, seconds: float
    ) -> None:
        """Record metrics at an optimizer step, with the samples, tokens and seconds spent."""

    def progress(self, done: int, total: int, unit: str) -> None:
        """Say how far the job is; rate and remaining time are derived by the receiver."""

    def message(self, text: str, *, level: Literal["info", "warning", "error"] = "info") -> None:
        """Add a line to the job's log."""

    def event(self, event: Event) -> None:
        """Raise an alarm; without a place for events it is a line of the log."""
        self.message(f"Step {event.step}: {event.text}", level="warning")

    def should_stop(self) -> bool:
        """Whether the job was cancelled, ran out of time or lost its lease."""


@dataclass(frozen=True)
class JobContext:
    """Where a job reads, writes and reports."""

    inputs: Mapping[str, Path]
    """Folder of each input artifact, by role, checksums already verified."""
    output: Path
    """An empty folder; what the job leaves there becomes its artifact."""
    checkpoints: Path
    """A folder that outlives attempts of this job and is removed when it succeeds."""
    reporter: Reporter


Summary = dict[str, float | int | str]
"""Final figures of a job, stored with its artifact: `{"greedy_accuracy": 0.81, ...}`."""
