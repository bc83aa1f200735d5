"""What a family of algorithms shares: everything of a training run that is not its loss."""

from typing import Literal

from pydantic import Field, model_validator

from algorithms.base import Schema
from algorithms.checkpoints import MOST_CHECKPOINTS, checkpoint_steps
from algorithms.watching import Sentinels


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
    keep_every: int = Field(0, ge=0)
    """Updates between policies that stay in the artifact beside the last one, to be evaluated or
    started from; 0 keeps the last one only. Each takes the disk space of a whole model, and
    another number makes another training, although it learns the same."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Compute precision; weights and log-probabilities stay in float32."""
    packing: Literal["auto", "packed", "padded"] = "auto"
    """packed: sequences one behind the other, no computation on padding. auto packs where the
    model's attention allows it, as generation does: log pi equals log mu exactly before the first
    update only when both lay sequences out in the same way."""
    share_prompts: bool = False
    """Compute a prompt once for all its completions in a micro-batch; batches are then made of
    whole prompts. Saves time where prompts are long; log pi equals log mu to rounding (about
    1e-6)."""
    gradient_checkpointing: bool = False
    """Keep only the input of each block and compute the rest again in the backward pass: less
    memory, about a third more time, the same gradient."""
    devices: int = Field(1, ge=1, le=64)
    """GPUs that train together, one process each, of the one machine that runs the job; without
    GPUs, processes. Weights, gradients and optimizer are spread over them. Loss, batches and
    metrics are those of one, but sums are added up in another order: numbers differ by rounding,
    so another number of devices makes another training."""
    lora_rank: int = Field(0, ge=0, le=1024)
    """Rank of LoRA's adapters on every linear layer of the blocks; 0 trains all weights. The
    trained policy is saved with the adapters merged into its weights."""
    lora_alpha: float = Field(16.0, gt=0)
    """What the adapters add is multiplied by lora_alpha / lora_rank."""
    # Left out where nobody changed it: watching with the defaults makes no other training.
    sentinels: Sentinels = Field(Sentinels(), exclude_if=lambda value: value == Sentinels())
    """What the training watches itself for."""

    @model_validator(mode="after")
    def _micro_batch_fits(self) -> "LLMSettings":
        if self.micro_batch_size > self.batch_size:
            raise ValueError("micro_batch_size must not exceed batch_size")
        return self

    @model_validator(mode="after")
    def _kept_policies_are_few(self) -> "LLMSettings":
        kept = len(checkpoint_steps(self.steps, self.keep_every))
        if self.epochs is None and kept > MOST_CHECKPOINTS:
            raise ValueError(
                f"keep_every would keep {kept} policies; at most {MOST_CHECKPOINTS} are kept"
            )
        return self


class ControlSettings(Schema):
    """How a policy for continuous control is trained from transitions, whatever the algorithm."""

    steps: int = Field(20_000, ge=1, le=10_000_000)
    """Optimizer updates. Published results use 1,000,000."""
    batch_size: int = Field(256, ge=1, le=65_536)
    """Transitions per update."""
    discount: float = Field(0.99, ge=0, lt=1)
    """Of future rewards."""
    parallel_seeds: int = Field(1, ge=1, le=64)
    """Policies trained side by side in one process, of seeds that follow each other. Each comes
    out as it would alone, up to rounding."""
    log_every: int = Field(500, ge=1)
    """Updates between two points of a curve; divergence is looked for as often."""
    evaluate_every: int = Field(0, ge=0)
    """Updates between evaluations in the environment, on tuning seeds; 0 evaluates never."""
    evaluate_episodes: int = Field(10, ge=1, le=10_000)
    """Episodes per evaluation."""
    checkpoint_every: int = Field(5_000, ge=1)
    """Updates between checkpoints that a killed run resumes from."""
    divergence_factor: float = Field(100.0, gt=1)
    """Values this many times beyond max |reward| / (1 - discount) count as diverged and end the
    training."""
