"""The training step of a plain loop over transformers: padding, whole logits, no extras."""

import contextlib
from typing import Any

import torch
from transformers import AutoModelForCausalLM

from benchmarks.stepping import Step, padded, serve


def build(task: dict[str, Any]) -> Step:
    """Return the step of REINFORCE with the mean over completions of token means."""
    device = task["device"]
    model: Any = AutoModelForCausalLM.from_pretrained(task["folder"], dtype=torch.float32)
    model.to(device).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=task["learning_rate"], weight_decay=0.0)
    rows = list(zip(task["prompts"], task["completions"], strict=True))
    rewards = torch.tensor(task["rewards"], device=device)
    size = task["micro_batch_size"]

    def loss_of(start: int) -> torch.Tensor:
        part = rows[start : start + size]
        ids, mask = padded([prompt + completion for prompt, completion in part])
        counts = mask.clone()
        for line, (prompt, _) in enumerate(part):
            counts[line, : len(prompt)] = 0
        ids, mask, counts = (tensor.to(device) for tensor in (ids, mask, counts))
        logits = model(input_ids=ids, attention_mask=mask, use_cache=False).logits
        log = logits[:, :-1].float().log_softmax(-1)
        logprobs = log.gather(-1, ids[:, 1:, None]).squeeze(-1) * counts[:, 1:]
        means = logprobs.sum(-1) / counts[:, 1:].sum(-1)
        loss: torch.Tensor = -(rewards[start : start + size] * means).sum() / len(rows)
        return loss

    def step() -> float:
        optimizer.zero_grad()
        for start in range(0, len(rows), size):
            with (
                torch.autocast(device, dtype=torch.bfloat16)
                if task["precision"] == "bfloat16"
                else contextlib.nullcontext()
            ):
                loss = loss_of(start)
            torch.autograd.backward(loss)
        norm = float(torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0))
        optimizer.step()
        return norm

    return step


if __name__ == "__main__":
    serve(build)
