"""A generate job against calling its engine directly: same model, prompts and settings.

    python -m benchmarks.generation [--engine vllm] [--prompts 64] [--completions 8] [--rounds 3]

Sides take turns; tokens per second are compared, because each draws its own completions.
*Sampling* is what the direct call does; *whole job* adds what only the job does: the model's
loading, the log-probabilities by the code that trains, and the artifact.
vLLM's start is on neither clock. LAB_VLLM_PYTHON names the interpreter that has vLLM.
"""

import argparse
import json
import os
import statistics
import string
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from algorithms.asking import Prompt, Sampling, VLLMSettings
from algorithms.base import JobContext, Schema, Summary
from algorithms.data.problems import load_problems
from algorithms.jobs import run_job
from algorithms.sources import ArithmeticSource, TinyLlama
from algorithms.specs import DatasetSpec, GenerateSpec, PolicySpec
from algorithms.training.policy import load_policy
from algorithms.training.vllm_process import PYTHON_VARIABLE
from benchmarks.demo_pipeline import FileReporter

MODEL = TinyLlama(
    hidden_size=256,
    layers=6,
    heads=8,
    intermediate_size=768,
    characters=string.ascii_letters + string.digits + " .,:?+=-",
    max_tokens=512,
)
PROMPT = Prompt(template="Question: what is {question} Answer:")


@dataclass(frozen=True)
class Timing:
    """What one side took."""

    tokens: int
    seconds: float
    whole_s: float

    @property
    def rate(self) -> float:
        """Sampled tokens per second."""
        return self.tokens / self.seconds

    @property
    def whole_rate(self) -> float:
        """The same, everything included."""
        return self.tokens / self.whole_s


def run(folder: Path, name: str, kind: str, spec: Schema, **inputs: str) -> Summary:
    """Run a job on artifacts of the folder and keep its own there."""
    (folder / name).mkdir()
    reporter = FileReporter(folder / f"{name}.log")
    roles = {role: folder / source for role, source in inputs.items()}
    context = JobContext(roles, folder / name, folder / f"{name}.checkpoints", reporter)
    return run_job(kind, spec, context)


def by_job(folder: Path, spec: GenerateSpec, number: int) -> Timing:
    """Return what a generate job takes."""
    started = time.perf_counter()
    summary = run(folder, f"job{number}", "generate", spec, policy="policy", dataset="dataset")
    whole = time.perf_counter() - started - float(summary["engine_start_s"])
    return Timing(int(summary["tokens"]), float(summary["seconds"]), whole)


def prompts_of(folder: Path, spec: GenerateSpec) -> list[list[int]]:
    """Return the prompts' tokens."""
    policy = load_policy(folder / "policy", torch.device("cpu"))
    problems = load_problems(folder / "dataset", spec.split, spec.prompts)
    return policy.encode_problems(spec.prompt, problems)


def by_transformers(folder: Path, spec: GenerateSpec) -> Timing:
    """Return what `model.generate` takes, prompts padded to the left as its guide has it."""
    began = time.perf_counter()
    policy = load_policy(folder / "policy", torch.device("cpu"))
    problems = load_problems(folder / "dataset", spec.split, spec.prompts)
    prompts = policy.encode_problems(spec.prompt, problems)
    width = max(map(len, prompts))
    ids = torch.tensor([[0] * (width - len(p)) + p for p in prompts])
    mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts])
    at_once = max(1, spec.batch_size // spec.completions)
    tokens = 0
    started = time.perf_counter()
    for start in range(0, len(prompts), at_once):
        made = policy.model.generate(
            ids[start : start + at_once],
            attention_mask=mask[start : start + at_once],
            do_sample=True,
            top_k=0,
            num_return_sequences=spec.completions,
            max_new_tokens=spec.sampling.max_new_tokens,
            pad_token_id=0,
        )[:, width:]
        ends = torch.isin(made, torch.tensor(sorted(policy.end_tokens))).int().cumsum(dim=1)
        tokens += int((ends == 0).sum() + (ends.max(dim=1).values > 0).sum())
    now = time.perf_counter()
    return Timing(tokens, now - started, now - began)


def by_vllm(folder: Path, spec: GenerateSpec) -> Timing:
    """Return what `LLM.generate` takes in a process of its own, unseeded as most people call it.

    Of two calls the first counts, as the job makes only one.
    """
    order = {
        "engine": {
            "model": str(folder / "policy"),
            "dtype": spec.precision,
            "enforce_eager": spec.vllm.enforce_eager,
            "max_model_len": MODEL.max_tokens,
            "generation_config": "vllm",
        },
        "prompts": prompts_of(folder, spec),
        "sampling": {
            "n": spec.completions,
            "max_tokens": spec.sampling.max_new_tokens,
            "logprobs": 0,
        },
    }
    path = folder / "order.json"
    path.write_text(json.dumps(order), encoding="utf-8")
    direct = Path(__file__).with_name("generation_direct.py")
    python = os.environ.get(PYTHON_VARIABLE) or sys.executable
    environment = {
        **os.environ,
        "VLLM_CPU_KVCACHE_SPACE": str(spec.vllm.cpu_kv_cache_gib),
        "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
        "VLLM_LOGGING_LEVEL": "ERROR",
    }
    answer = subprocess.run(
        [python, "-P", str(direct), str(path)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    lines = [json.loads(line) for line in answer.stdout.splitlines() if line.startswith('{"run"')]
    first = next(line for line in lines if line["run"] == "warm-up")
    return Timing(first["tokens"], first["seconds"], first["seconds"])


def report(job: Sequence[Timing], direct: Sequence[Timing]) -> str:
    """Return the table: medians over the rounds."""

    def median(sides: Sequence[Timing], name: str) -> float:
        return float(statistics.median(getattr(side, name) for side in sides))

    sampled, alone = median(job, "rate"), median(direct, "rate")
    whole, alone_whole = median(job, "whole_rate"), median(direct, "whole_rate")
    return (
        f"direct call   {alone:9,.0f} tokens/s, with loading {alone_whole:9,.0f}\n"
        f"job, sampling {sampled:9,.0f} tokens/s: overhead {alone / sampled - 1:+.1%}\n"
        f"whole job     {whole:9,.0f} tokens/s: overhead {alone_whole / whole - 1:+.1%}"
    )


def main() -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=("transformers", "vllm"), default="transformers")
    parser.add_argument("--prompts", type=int, default=64)
    parser.add_argument("--completions", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    spec = GenerateSpec(
        engine=args.engine,
        prompts=args.prompts,
        completions=args.completions,
        prompt=PROMPT,
        sampling=Sampling(max_new_tokens=args.tokens),
        batch_size=128,
        vllm=VLLMSettings(enforce_eager=True),
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        problems = ArithmeticSource(digits=3, train=args.prompts, test=1)
        run(folder, "dataset", "dataset", DatasetSpec(source=problems))
        run(folder, "policy", "policy", PolicySpec(source=MODEL))
        direct = by_vllm if args.engine == "vllm" else by_transformers
        sides = [(by_job(folder, spec, n), direct(folder, spec)) for n in range(args.rounds)]
    sys.stdout.write(report(*zip(*sides, strict=True)) + "\n")


if __name__ == "__main__":
    main()
