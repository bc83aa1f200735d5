"""What a model needs before it is trained: adapters, and activations that are computed again."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint
from transformers.modeling_layers import GradientCheckpointingLayer

from algorithms.base import UserError
from algorithms.settings import LLMSettings
from algorithms.training import lora


def prepare_training(model: Any, settings: LLMSettings) -> None:
    """Make a loaded model trainable as the settings say.

    Raises:
        UserError: the model cannot be trained so.
    """
    if settings.lora_rank:
        lora.add_adapters(model, rank=settings.lora_rank, alpha=settings.lora_alpha)
    if settings.gradient_checkpointing:
        recompute_activations(model)


def recompute_activations(model: Any) -> None:
    """Let each block keep its input only; the backward pass computes the rest once more.

    Gradients keep their bits. transformers' own switch is not used: it takes effect in training
    mode only, which would turn on dropout, and it forbids the cache that evaluations write with.

    Raises:
        UserError: the model's blocks are not known.
    """
    blocks = [part for part in model.modules() if isinstance(part, GradientCheckpointingLayer)]
    if not blocks:
        raise UserError(
            f"The blocks of a {model.config.model_type} model cannot be computed twice. "
            "Set gradient_checkpointing to no."
        )
    for block in blocks:
        block.forward = partial(_twice, block.forward)


def _twice(forward: Callable[..., Any], *inputs: Any, **named: Any) -> Any:
    if not torch.is_grad_enabled():
        return forward(*inputs, **named)
    return checkpoint(forward, *inputs, use_reentrant=False, preserve_rng_state=False, **named)
