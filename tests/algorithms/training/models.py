"""Tiny models of several architectures with random weights, and sequences for them."""

from typing import Any

import numpy as np
import torch
from transformers import (
    Gemma2Config,
    Gemma2ForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from algorithms.training.logprobs import Sequences, pad

VOCABULARY = 61
_SHAPE: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 48,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "pad_token_id": 0,
    "eos_token_id": 1,
}


def build(kind: str) -> Any:
    """Return a model of a kind in evaluation mode; weights large enough that logits differ."""
    torch.manual_seed(0)
    shape: dict[str, Any] = _SHAPE | {"initializer_range": 0.15}
    model: Any
    match kind:
        case "llama":
            model = LlamaForCausalLM(LlamaConfig(**shape, tie_word_embeddings=False))  # type: ignore[no-untyped-call]
        case "qwen2":
            model = Qwen2ForCausalLM(Qwen2Config(**shape, tie_word_embeddings=True))  # type: ignore[no-untyped-call]
        case "windowed":
            model = MistralForCausalLM(MistralConfig(**shape, sliding_window=8))  # type: ignore[no-untyped-call]
        case _:
            config = Gemma2Config(**shape, head_dim=12, final_logit_softcapping=5.0)
            model = Gemma2ForCausalLM(config)  # type: ignore[no-untyped-call]
    return model.eval()


def sequences(*, groups: int = 3, per_group: int = 4, seed: int = 0) -> Sequences:
    """Return completions of uneven length, several to a prompt, one of a single token."""
    rng = np.random.default_rng(seed)
    prompts = [rng.integers(2, VOCABULARY, rng.integers(3, 20)) for _ in range(groups)]
    rows = [prompt for prompt in prompts for _ in range(per_group)]
    completions = [rng.integers(2, VOCABULARY, rng.integers(2, 24)) for _ in rows]
    completions[1] = completions[1][:1]
    completions[-1] = completions[-2][::-1].copy()
    return pad(rows, completions)


def plain_logprobs(model: Any, sequences: Sequences) -> torch.Tensor:
    """Return log pi by the textbook: one sequence at a time, from the model's own logits."""
    rows = []
    for prompt, completion in zip(sequences.prompts, sequences.completions, strict=True):
        ids = torch.from_numpy(np.concatenate([prompt, completion])).unsqueeze(0)
        logits = model(input_ids=ids, use_cache=False).logits[0, len(prompt) - 1 : -1]
        chosen = logits.log_softmax(-1).gather(1, ids[0, len(prompt) :, None]).squeeze(-1)
        width = sequences.mask.shape[1]
        rows.append(torch.nn.functional.pad(chosen, (0, width - len(chosen))))
    return torch.stack(rows)


def gradient(model: Any, loss: torch.Tensor) -> torch.Tensor:
    """Return the gradient of all weights in one vector."""
    model.zero_grad()
    torch.autograd.backward(loss)
    return torch.cat([weight.grad.flatten() for weight in model.parameters()])
