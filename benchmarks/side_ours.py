"""The training step of this project: `algorithms.training.gradient`, its metrics included."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForCausalLM

from algorithms.asking import Grading, Sampling
from algorithms.catalogue import ALGORITHMS
from algorithms.settings import LLMSettings
from algorithms.training.allocator import keep_freed_memory
from algorithms.training.completions import Ragged, TrainingSet
from algorithms.training.evaluation import Exam
from algorithms.training.gradient import Lesson, accumulate_gradient
from algorithms.training.logprobs import pad, token_logprobs
from algorithms.training.optimizers import build_optimizer, clip_gradient
from algorithms.training.policy import Policy
from algorithms.training.preparation import prepare_training
from benchmarks.stepping import Step, serve


def policy_of(folder: Path, device: str) -> Policy:
    """Return the model; nothing is written or read as text here, so it has no tokenizer."""
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return Policy(model.to(device).eval(), None, frozenset({1}), 2**20)


def data_of(task: dict[str, Any], policy: Policy) -> TrainingSet:
    """Return the completions as rollouts of the model itself."""
    prompts, completions = task["prompts"], task["completions"]
    written: list[np.ndarray] = []
    with torch.no_grad():
        for prompt, completion in zip(prompts, completions, strict=True):
            sequences = pad([prompt], [completion]).to(policy.device)
            logprobs = token_logprobs(policy.model, sequences, precision=task["precision"])
            written.append(logprobs[0].cpu().numpy())
    return TrainingSet(
        Ragged.of(prompts, np.int64),
        Ragged.of(completions, np.int64),
        Ragged.of([row.tolist() for row in written], np.float32),
        torch.tensor(task["rewards"]),
        torch.arange(len(prompts)) // task["completions_per_prompt"],
    )


def build(task: dict[str, Any]) -> Step:
    """Return the step that `algorithms.training.llm` takes, in a process as jobs have it."""
    keep_freed_memory()
    settings = LLMSettings(
        batch_size=len(task["rewards"]),
        micro_batch_size=task["micro_batch_size"],
        learning_rate=task["learning_rate"],
        precision=task["precision"],
        packing=task["packing"],
        share_prompts=task["share_prompts"],
        gradient_checkpointing=task["gradient_checkpointing"],
    )
    policy = policy_of(Path(task["folder"]), task["device"])
    algorithm = ALGORITHMS["topr"]
    exam = Exam([], 0, Sampling(), Grading(), batch_size=1)
    data = data_of(task, policy)
    lesson = Lesson(algorithm, algorithm.params(), settings, 0, data, exam)
    prepare_training(policy.model, settings)
    optimizer = build_optimizer(policy.model, settings)
    units = lesson.units

    def step() -> float:
        accumulate_gradient(policy, lesson, units, step=0)
        norm = clip_gradient(policy.model.parameters(), settings.clip_norm)
        optimizer.step()
        return norm

    return step


if __name__ == "__main__":
    serve(build)
