"""What is known of a model's architecture: its last layer, and whether its sequences can be packed.

Read from the configuration, then tried once on a few tokens: a model whose logits come about in
another way is refused, and one whose attention does not take packed rows gets padded ones.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from algorithms.base import UserError
from algorithms.training.linear_logprobs import Head

_TOLERANCE = 1e-4
"""Largest relative deviation of logits that counts as rounding, in float32."""
_LOW_TOLERANCE = 0.05
"""The same for weights of less precision."""


def head_of(model: Any) -> Head:
    """Return how a model makes logits of its last hidden states.

    Raises:
        UserError: its last layer is not a linear one.
    """
    layer = model.get_output_embeddings()
    if not isinstance(layer, nn.Linear):
        raise UserError(
            f"The last layer of a {model.config.model_type} model is a "
            f"{type(layer).__name__}, not a linear layer: the learner does not know how it makes "
            "log-probabilities. Choose another policy."
        )
    config = model.config.get_text_config()
    divisor = getattr(config, "logits_scaling", None) or 1.0  # Granite
    factor = getattr(config, "logit_scale", None) or 1.0  # Cohere
    return Head(
        weight=layer.weight,
        bias=layer.bias,
        scale=float(factor) / float(divisor),
        softcap=getattr(config, "final_logit_softcapping", None),  # Gemma
    )


def attends_to_everything(model: Any) -> bool:
    """Whether each layer attends to all earlier tokens, by what the configuration says."""
    config = model.config.get_text_config()
    kinds = getattr(config, "layer_types", None)
    if kinds is not None and any(kind != "full_attention" for kind in kinds):
        return False
    windowed = getattr(config, "use_sliding_window", True) and kinds is None
    return not (windowed and getattr(config, "sliding_window", None))


@dataclass(frozen=True)
class Trial:
    """Two short sequences, and what the model itself says of the tokens in them."""

    first: list[int]
    second: list[int]
    expected: Tensor
    """log pi of the second token on of both, from plain logits."""
    tolerance: float

    def agrees(self, found: Tensor) -> bool:
        """Whether these log-probabilities of the same tokens are the expected ones."""
        spread = self.expected.abs().amax().clamp(min=1.0)
        return torch.allclose(
            found, self.expected, rtol=0.0, atol=self.tolerance * float(spread), equal_nan=True
        )


@torch.no_grad()
def trial_of(model: Any) -> Trial:
    """Return the trial that a model has to pass."""
    weight = model.get_input_embeddings().weight
    size = len(weight)
    first = [(3 * i + 1) % size for i in range(6)]
    second = [(5 * i + 2) % size for i in range(4)]
    parts = []
    for row in (first, second):
        ids = torch.tensor([row], device=weight.device)
        logits = model(input_ids=ids, use_cache=False).logits[0, :-1].float()
        parts.append(logits.log_softmax(dim=-1).gather(1, ids[0, 1:, None]).squeeze(-1))
    exact = weight.dtype == torch.float32
    tolerance = _TOLERANCE if exact else _LOW_TOLERANCE
    return Trial(first, second, torch.cat(parts), tolerance)
