"""A training step of ours beside TRL's GRPO trainer and a plain transformers loop.

    python -m benchmarks.learner [--size 10m 31m] [--trl PYTHON] [--steps 5] [--threads 1]

Every side is a process of its own with the same weights and the same batch: completions of GSM8K
lengths, AdamW, clipping at 1, mixed precision. Sides take turns, step by step, so that whatever
else the machine does falls on all of them. Gradient norms are printed: all sides compute the same
gradient. TRL needs an environment of its own: `pip install trl`, and `--trl` names its Python.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from algorithms.training.layout import Layout, passes
from algorithms.training.sequences import pad
from benchmarks.figures import OPTION, Figure, keep

VOCABULARY = 49_152
SHAPES: Mapping[str, Mapping[str, int]] = {
    "10m": {"hidden_size": 160, "layers": 6, "heads": 5, "intermediate_size": 480},
    "31m": {"hidden_size": 384, "layers": 7, "heads": 6, "intermediate_size": 1024},
    "135m": {"hidden_size": 576, "layers": 30, "heads": 9, "intermediate_size": 1536},
}
"""Llamas with tied embeddings; the last is SmolLM2-135M's shape."""
PROMPT_LENGTH, COMPLETION_LENGTH = (4.00, 0.38), (4.16, 0.49)
"""Mean and deviation of the logarithm of GSM8K's tokens (training split, four characters each)."""


@dataclass
class Side:
    """A process that takes steps."""

    name: str
    command: list[str]
    task: Mapping[str, Any]
    answers: list[dict[str, float]] = field(default_factory=list)
    before: float = 0.0
    """Its memory before the first step, in bytes."""

    def start(self, folder: Path) -> None:
        """Start the process and wait until it is ready."""
        path = folder / f"{abs(hash(self.name))}.json"
        path.write_text(json.dumps(dict(self.task)), encoding="utf-8")
        threads = str(self.task["threads"])
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": threads,
            "MKL_NUM_THREADS": threads,
            "PYTHONPATH": str(Path(__file__).parent.parent),
        }
        self._process = subprocess.Popen(
            [*self.command, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            env=environment,
        )
        self.before = float(self._answer()["memory"])

    def step(self) -> None:
        """Let it take a step."""
        assert self._process.stdin is not None
        self._process.stdin.write("step\n")
        answer = self._answer()
        self.answers.append(answer)
        sys.stderr.write(f"{self.name}: {answer['wall_s']:.1f} s, CPU {answer['cpu_s']:.1f} s\n")

    def stop(self) -> None:
        """End it."""
        self._process.communicate()

    def _answer(self) -> dict[str, float]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} ended with exit code {self._process.wait()}.")
        answer: dict[str, float] = json.loads(line)
        return answer


def batch(*, completions: int, per_prompt: int, seed: int) -> dict[str, Any]:
    """Return a batch of random tokens with GSM8K's lengths, rewards of 1 and -1."""
    rng = np.random.default_rng(seed)

    def lengths(shape: tuple[float, float], count: int) -> list[int]:
        return [max(4, int(length)) for length in rng.lognormal(*shape, count)]

    def tokens(length: int) -> list[int]:
        found: list[int] = rng.integers(3, VOCABULARY, length).tolist()
        return found

    prompts = [tokens(length) for length in lengths(PROMPT_LENGTH, completions // per_prompt)]
    return {
        "prompts": [prompt for prompt in prompts for _ in range(per_prompt)],
        "completions": [tokens(length) for length in lengths(COMPLETION_LENGTH, completions)],
        "rewards": rng.choice([1.0, -1.0], completions).tolist(),
        "completions_per_prompt": per_prompt,
    }


def positions(task: Mapping[str, Any]) -> str:
    """Return how many positions a forward pass computes, by layout, micro-batch by micro-batch."""
    size, prompts, completions = task["micro_batch_size"], task["prompts"], task["completions"]
    sizes = dict.fromkeys(get_args(Layout), 0)
    for start in range(0, len(prompts), size):
        part = slice(start, start + size)
        for layout in sizes:
            made = passes(pad(prompts[part], completions[part]), layout, torch.device("cpu"))
            sizes[layout] += sum(one.ids.numel() for one in made)
    longest = max(map(len, prompts)) + max(map(len, completions))
    rows = [f"{name} {count:,}" for name, count in sizes.items()]
    return ", ".join([f"one rectangle {longest * len(prompts):,}", *rows])


def save_model(size: str, folder: Path) -> int:
    """Write the model and return its number of parameters."""
    shape = SHAPES[size]
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=shape["hidden_size"],
        intermediate_size=shape["intermediate_size"],
        num_hidden_layers=shape["layers"],
        num_attention_heads=shape["heads"],
        num_key_value_heads=3 if shape["heads"] == 9 else shape["heads"],
        max_position_embeddings=2048,
        tie_word_embeddings=True,
    )
    model = LlamaForCausalLM(config)  # type: ignore[no-untyped-call]
    model.save_pretrained(folder)
    return sum(weight.numel() for weight in model.parameters())


def sides(options: argparse.Namespace, folder: Path) -> list[Side]:
    """Return what is compared; the first is the one that ratios are of."""
    rows = batch(completions=options.completions, per_prompt=8, seed=options.seed)
    common = rows | {
        "folder": str(folder),
        "device": options.device,
        "threads": options.threads,
        "precision": options.precision,
        "learning_rate": 1e-6,
        "micro_batch_size": options.micro,
        "gradient_checkpointing": False,
        "packing": "auto",
        "share_prompts": False,
        "liger": False,
    }
    ours = [sys.executable, "-m", "benchmarks.side_ours"]
    plain = [sys.executable, "-m", "benchmarks.side_plain"]
    whole = {"micro_batch_size": options.completions}
    lean = {"gradient_checkpointing": True}
    found = [
        Side("ours", ours, common),
        Side("ours, shared prompts", ours, common | {"share_prompts": True}),
        Side("ours, checkpointing", ours, common | lean),
        Side("ours, shared + checkpointing", ours, common | lean | {"share_prompts": True}),
        Side("ours, padded", ours, common | {"packing": "padded"}),
        Side("plain loop", plain, common),
        Side("plain loop, whole batch", plain, common | whole),
    ]
    if options.trl:
        trl = [options.trl, "-m", "benchmarks.side_trl"]
        found += [
            Side("TRL", trl, common),
            Side("TRL, whole batch", trl, common | whole),
            Side("TRL, checkpointing", trl, common | lean),
        ]
        if options.device == "cuda":
            found.append(Side("TRL, Liger", trl, common | {"liger": True}))
    return [side for side in found if not options.only or side.name in options.only]


def table(found: list[Side], tokens: int) -> str:
    """Return the figures of all sides as a Markdown table."""
    names = (
        "side",
        "tokens/s",
        "tokens per CPU second",
        "peak memory",
        "of it the step's",
        "gradient norm",
        "speed of the first",
        "memory of the first",
    )
    lines = [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]
    first: tuple[float, float] | None = None
    for side in found:
        wall = tokens / statistics.median(answer["wall_s"] for answer in side.answers[1:])
        cpu = tokens / cpu_s(side)
        peak = side.answers[-1]["memory"]
        own = step_memory(side)
        first = first or (cpu, own)
        lines.append(
            f"| {side.name} | {wall:,.0f} | {cpu:,.0f} | {peak / 2**30:.2f} GiB | "
            f"{own / 2**30:.2f} GiB | {side.answers[0]['norm']:.5f} | {first[0] / cpu:.2f} x | "
            f"{first[1] / own:.2f} x |"
        )
    return "\n".join(lines)


def figures(found: list[Side], tokens: int) -> list[Figure]:
    """Return what the first side is against every other one."""
    goals = {"TRL": "at least 10 x the tokens/s, at most 0.25 x the memory (31m)"}
    first, *others = found
    speed, memory = (
        {side.name: measured(side) for side in found} for measured in (cpu_s, step_memory)
    )
    made = [Figure(f"{first.name}, per CPU second", f"{tokens / speed[first.name]:,.0f} tokens")]
    for side in others:
        ratio = speed[side.name] / speed[first.name]
        share = memory[first.name] / memory[side.name]
        text = f"{ratio:.1f} x the tokens/s, {share:.2f} x the memory"
        made.append(Figure(f"{first.name} : {side.name}", text, goals.get(side.name, "")))
    return made


def cpu_s(side: Side) -> float:
    """Return the median CPU time of a side's steps; the first one warms up."""
    return statistics.median(answer["cpu_s"] for answer in side.answers[1:])


def step_memory(side: Side) -> float:
    """Return the memory that the steps of a side took on top of model and libraries, in bytes."""
    return side.answers[-1]["memory"] - side.before


def measure(size: str, options: argparse.Namespace) -> None:
    """Print the table of one model."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        count = save_model(size, folder / "model")
        found = sides(options, folder / "model")
        tokens = sum(map(len, found[0].task["completions"]))
        padding = sum(map(len, found[0].task["prompts"]))
        layouts = positions(found[0].task)
        for group in [found] if options.together else [[side] for side in found]:
            for side in group:
                side.start(folder)
            for _ in range(options.steps + 1):
                for side in group:
                    side.step()
            for side in group:
                side.stop()
    load = os.getloadavg()[0]
    sys.stdout.write(
        f"\n{size}: {count:,} parameters, vocabulary {VOCABULARY:,}, {options.completions} "
        f"completions with {tokens:,} tokens and prompts of {padding:,}, micro-batches of "
        f"{options.micro}, {options.precision}, {options.threads} threads, {options.device}; "
        f"load of the machine {load:.1f}\npositions computed: {layouts}\n\n{table(found, tokens)}\n"
    )
    keep(options.figures, figures(found, tokens))


def main() -> None:
    """Print a table per model."""
    parser = argparse.ArgumentParser(description="A training step beside those of others.")
    parser.add_argument("--size", nargs="+", default=["10m"], choices=list(SHAPES))
    parser.add_argument("--trl", default="", help="a Python that has TRL")
    parser.add_argument("--only", nargs="*", default=[], help="names of sides")
    parser.add_argument("--together", action="store_true", help="take turns step by step")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--completions", type=int, default=32)
    parser.add_argument("--micro", type=int, default=8)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", default="bfloat16", choices=["float32", "bfloat16"])
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(OPTION, type=Path, help="a file to append figures to")
    options = parser.parse_args()
    for size in options.size:
        measure(size, options)


if __name__ == "__main__":
    main()
