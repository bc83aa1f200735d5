"""A generate job against calling its engine directly: same model, prompts and settings.

    python -m benchmarks.generation [--engine vllm] [--prompts 64] [--completions 8] [--rounds 3]

Sides take turns; tokens per second are compared, because each draws its own completions. With
transformers also tokens per second of CPU time, which other work on the machine disturbs less.
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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from algorithms.asking import Prompt, Sampling, VLLMSettings
from algorithms.base import JobContext, Schema, Summary
from algorithms.data.problems import load_problems
from algorithms.jobs import run_job
from algorithms.sources import ArithmeticSource, TinyLlama
from algorithms.specs import DatasetSpec, GenerateSpec, PolicySpec
from algorithms.training import rollout_hf
from algorithms.training.policy import load_policy
from algorithms.training.vllm_engines import CPU_BATCH_TOKENS
from algorithms.training.vllm_process import PYTHON_VARIABLE
from benchmarks.demo_pipeline import FileReporter
from benchmarks.figures import OPTION, Figure, keep

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
    cpu_s: float = 0.0
    """CPU time of sampling; 0 where another process samples."""

    @property
    def rate(self) -> float:
        """Sampled tokens per second."""
        return self.tokens / self.seconds

    @property
    def cpu_rate(self) -> float:
        """Sampled tokens per second of CPU time."""
        return self.tokens / self.cpu_s if self.cpu_s else 0.0

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
    with sampling_timed() as cpu:
        summary = run(folder, f"job{number}", "generate", spec, policy="policy", dataset="dataset")
    whole = time.perf_counter() - started - float(summary["engine_start_s"])
    return Timing(int(summary["tokens"]), float(summary["seconds"]), whole, sum(cpu))


@contextmanager
def sampling_timed() -> Iterator[list[float]]:
    """Collect the CPU time of each call of the engine that samples in this process."""
    cpu: list[float] = []
    complete = rollout_hf.complete

    def timed(*args: Any, **options: Any) -> Any:
        started = time.process_time()
        made = complete(*args, **options)
        cpu.append(time.process_time() - started)
        return made

    rollout_hf.complete = timed
    try:
        yield cpu
    finally:
        rollout_hf.complete = complete


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
    started, cpu = time.perf_counter(), time.process_time()
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
    now, cpu_s = time.perf_counter(), time.process_time() - cpu
    return Timing(tokens, now - started, now - began, cpu_s)


def by_vllm(folder: Path, spec: GenerateSpec, *, seeded: bool = False) -> Timing:
    """Return what `LLM.generate` takes in a process of its own, as most people call it.

    Args:
        seeded: give every completion a seed, as the job does. vLLM on a CPU then needs prompts in
            one piece, see `algorithms.training.vllm_engines`.
    """
    whole = {"enable_chunked_prefill": False, "max_num_batched_tokens": CPU_BATCH_TOKENS}
    order = {
        "engine": {
            "model": str(folder / "policy"),
            "dtype": spec.precision,
            "enforce_eager": spec.vllm.enforce_eager,
            "max_model_len": MODEL.max_tokens,
            "generation_config": "vllm",
            **(whole if seeded else {}),
        },
        "seeded": seeded,
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
    lines = answer.stdout.splitlines()
    told = next(json.loads(line) for line in lines if line.startswith('{"tokens"'))
    return Timing(told["tokens"], told["seconds"], told["seconds"])


def by_library(folder: Path, spec: GenerateSpec, rounds: int) -> list[Figure]:
    """Return the job against transformers."""
    sides = [(by_job(folder, spec, n), by_transformers(folder, spec)) for n in range(rounds)]
    return compared(*zip(*sides, strict=True))


def by_engine(folder: Path, spec: GenerateSpec, rounds: int) -> list[Figure]:
    """Return the job against vLLM with the job's seeds, and what these seeds cost vLLM itself."""
    job, seeded, plain = zip(
        *(
            (by_job(folder, spec, n), by_vllm(folder, spec, seeded=True), by_vllm(folder, spec))
            for n in range(rounds)
        ),
        strict=True,
    )
    seeds = compared(seeded, plain)[0]
    return [*compared(job, seeded), Figure("vLLM seeded against unseeded", seeds.value, "")]


def compared(job: Sequence[Timing], direct: Sequence[Timing]) -> list[Figure]:
    """Return the overhead of the job: medians over the rounds."""
    goal = "overhead of at most 5%"
    names = [("rate", "sampling", goal), ("whole_rate", "whole job, loading included", "")]
    if job[0].cpu_s:
        names.insert(1, ("cpu_rate", "sampling, CPU time", goal))
    found = []
    for name, words, wanted in names:
        ours, alone = (
            float(statistics.median(getattr(side, name) for side in sides))
            for sides in (job, direct)
        )
        value = f"{ours:,.0f} tokens/s, direct {alone:,.0f}: overhead {alone / ours - 1:+.1%}"
        found.append(Figure(words, value, wanted))
    return found


def main() -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=("transformers", "vllm"), default="transformers")
    parser.add_argument("--prompts", type=int, default=64)
    parser.add_argument("--completions", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(OPTION, type=Path, help="a file to append figures to")
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
        figures = (by_engine if args.engine == "vllm" else by_library)(folder, spec, args.rounds)
    keep(args.figures, figures)
    sys.stdout.writelines(f"{one.what}: {one.value}\n" for one in figures)


if __name__ == "__main__":
    main()
