"""LoRA (Hu et al. 2021, arXiv:2106.09685) by peft: small matrices learn, the weights stay.

Adapters are put into the model itself, so that generation, log-probabilities and saving see the
same transformers model with or without them. What is saved are full weights, adapters merged in:
everything that reads a policy reads this one, too.
"""

from typing import Any

import torch
from torch import Tensor, nn

from algorithms.base import UserError

_ADAPTER = "default"


def add_adapters(model: Any, *, rank: int, alpha: float) -> None:
    """Put adapters on every linear layer of the blocks and freeze everything else.

    A new adapter changes nothing: one of its two matrices is zero. It adds (alpha / rank) B A.

    Raises:
        UserError: the blocks hold no linear layer.
    """
    head = model.get_output_embeddings()
    names = [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and module is not head
    ]
    if not names:
        raise UserError(
            f"A {model.config.model_type} model has no linear layers that LoRA could adapt. "
            "Set lora_rank to 0 to train all weights."
        )
    from peft import LoraConfig, inject_adapter_in_model  # noqa: PLC0415 - takes seconds to import

    config = LoraConfig(r=rank, lora_alpha=alpha, target_modules=names, lora_dropout=0.0)  # type: ignore[arg-type]
    inject_adapter_in_model(config, model, adapter_name=_ADAPTER)


def has_adapters(model: nn.Module) -> bool:
    """Whether a model holds adapters."""
    return any(_is_adapted(module) for module in model.modules())


def _is_adapted(module: nn.Module) -> bool:
    return hasattr(module, "base_layer") and hasattr(module, "lora_A")


@torch.no_grad()
def merged_weights(model: nn.Module) -> dict[str, Tensor]:
    """Return the model's state with adapters added to the weights, named as without adapters."""
    state = dict(model.state_dict())
    for name, module in model.named_modules():
        if not _is_adapted(module):
            continue
        for entry in [key for key in state if key.startswith(f"{name}.")]:
            value = state.pop(entry)
            own = entry.removeprefix(f"{name}.base_layer.")
            if own == entry:
                continue
            if own == "weight":
                value = value + module.get_delta_weight(_ADAPTER)
            state[f"{name}.{own}"] = value
    return state
