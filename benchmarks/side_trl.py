"""The training step of TRL's GRPO trainer, run by a Python that has TRL.

Its loss with sequence means of token means, no KL term and ratios of 1 has the gradient of
REINFORCE, so that every side computes the same one. The batch is padded once and then cut into
micro-batches, as TRL does with what it generated.
"""

import tempfile
from typing import Any

import torch
from datasets import Dataset
from tokenizers import Tokenizer, models
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast
from trl import GRPOConfig, GRPOTrainer

from benchmarks.stepping import Step, padded, serve


def trainer_of(task: dict[str, Any]) -> Any:
    """Return a trainer that never generates."""
    special = {"pad_token": "<pad>", "eos_token": "<eos>", "unk_token": "<unk>"}
    vocabulary = {token: number for number, token in enumerate(special.values())}
    words = Tokenizer(models.WordLevel(vocabulary, unk_token=special["unk_token"]))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, **special)  # type: ignore[no-untyped-call]
    model = AutoModelForCausalLM.from_pretrained(task["folder"], dtype=torch.float32)
    size = task["micro_batch_size"]
    config = GRPOConfig(
        output_dir=tempfile.mkdtemp(),
        use_cpu=task["device"] == "cpu",
        bf16=task["precision"] == "bfloat16",
        per_device_train_batch_size=size,
        gradient_accumulation_steps=-(-len(task["rewards"]) // size),
        num_generations=task["completions_per_prompt"],
        max_completion_length=max(map(len, task["completions"])),
        learning_rate=task["learning_rate"],
        loss_type="grpo",
        beta=0.0,
        gradient_checkpointing=task["gradient_checkpointing"],
        report_to=[],
        **({"use_liger_kernel": True} if task["liger"] else {}),
    )
    return GRPOTrainer(
        model=model,
        reward_funcs=lambda completions, **_: [0.0] * len(completions),
        args=config,
        train_dataset=Dataset.from_dict({"prompt": ["a"] * len(task["rewards"])}),
        processing_class=tokenizer,
    )


def build(task: dict[str, Any]) -> Step:
    """Return the step: the trainer's loss and backward, clipping, AdamW."""
    trainer = trainer_of(task)
    size, count = task["micro_batch_size"], len(task["rewards"])
    trainer.current_gradient_accumulation_steps = -(-count // size)
    model = trainer.accelerator.prepare(trainer.model)
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=task["learning_rate"], weight_decay=0.0)
    prompts, prompt_mask = padded(task["prompts"], left=True)
    completions, completion_mask = padded(task["completions"])
    batch = {
        "prompt_ids": prompts,
        "prompt_mask": prompt_mask,
        "completion_ids": completions,
        "completion_mask": completion_mask,
        "advantages": torch.tensor(task["rewards"]),
    }
    batch = {name: value.to(task["device"]) for name, value in batch.items()}
    tokens = completion_mask.sum().to(task["device"])

    def step() -> float:
        optimizer.zero_grad()
        for start in range(0, count, size):
            inputs = {name: value[start : start + size] for name, value in batch.items()}
            inputs["num_items_in_batch"] = tokens
            with trainer.compute_loss_context_manager():
                loss = trainer.compute_loss(model, inputs)
            trainer.accelerator.backward(loss)
        norm = float(torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0))
        optimizer.step()
        return norm

    return step


if __name__ == "__main__":
    serve(build)
