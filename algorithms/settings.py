"""What a family of algorithms shares: everything of a training run that is not its loss."""

from typing import Literal

from pydantic import Field, model_validator

from algorithms.base import Schema


class LLMSettings(Schema):
    """How a language model is fine-tuned, whatever the loss."""

    steps: int = Field(250, ge=1, le=1_000_000)
    """Optimizer updates. Ignored when epochs is set."""
    epochs: float | None = Field(None, gt=0, le=1000)
    """Passes over the data; leave empty to count steps instead."""
    batch_size: int = Field(128, ge=1, le=65_536)
    """Completions per optimizer update (the global batch). Algorithms that learn from whole prompts
    or pairs take as many of them as make this number on average."""
    micro_batch_size: int = Field(128, ge=1, le=65_536)
    """Completions per forward pass; smaller values accumulate the same gradient in less memory."""
    optimizer: Literal["adamw", "adafactor"] = "adamw"
    """AdamW, or Adafactor without relative steps (the paper's choice for 8B models)."""
    learning_rate: float = Field(3e-4, gt=0, le=1)
    """Peak learning rate."""
    weight_decay: float = Field(0.0, ge=0, le=1)
    """Decoupled weight decay."""
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    """Shape of the learning rate after warm-up."""
    warmup_steps: int = Field(0, ge=0)
    """Updates over which the learning rate rises linearly from zero."""
    clip_norm: float = Field(1.0, gt=0)
    """Largest gradient norm; larger gradients are scaled down to it."""
    max_skipped_steps: int = Field(0, ge=0)
    """Steps that may be left out because their loss or gradient is not a finite number; one more
    ends the training. 0 ends it at the first."""
    pairs_per_prompt: int = Field(16, ge=1)
    """Most pairs made of one prompt's completions, for algorithms that learn from pairs. Ignored
    where the rollouts name their pairs."""
    evaluate_every: int = Field(50, ge=0)
    """Updates between evaluations on the held-out split; 0 evaluates only at the end."""
    evaluate_problems: int = Field(400, ge=1)
    """Held-out problems per evaluation, the first of the split."""
    evaluate_samples: int = Field(1, ge=0, le=256)
    """Completions sampled per held-out problem besides the greedy one."""
    stop_at_accuracy: float | None = Field(None, gt=0, le=1)
    """Stop as soon as an evaluation's sampled accuracy reaches this share; empty runs all steps."""
    checkpoint_every: int = Field(50, ge=1)
    """Updates between checkpoints that a killed run resumes from."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Compute precision; weights and log-probabilities stay in float32."""

    @model_validator(mode="after")
    def _micro_batch_fits(self) -> "LLMSettings":
        if self.micro_batch_size > self.batch_size:
            raise ValueError("micro_batch_size must not exceed batch_size")
        return self
