"""All benchmarks in a short form: `make bench`, or `python -m benchmarks [--math FOLDER]`.

About ten minutes on two idle cores. TRL, vLLM and d3rlpy take part where they are installed:
LAB_TRL_PYTHON, LAB_VLLM_PYTHON and LAB_D3RLPY_PYTHON name the interpreters of their environments
(`.venv-vllm` is found by itself).
Each benchmark prints its own figures as it goes; the last table has those that matter.
"""

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from algorithms.training.vllm_process import PYTHON_VARIABLE
from benchmarks.figures import OPTION, Figure, kept, table

TRL_VARIABLE = "LAB_TRL_PYTHON"
D3RLPY_VARIABLE = "LAB_D3RLPY_PYTHON"
_ROOT = Path(__file__).parent.parent
_SIDES = ("ours", "ours, shared prompts", "plain loop", "TRL")


@dataclass(frozen=True)
class Part:
    """A benchmark, or why it cannot run."""

    name: str
    arguments: tuple[str, ...] = ()
    missing: str = ""

    def run(self, figures: Path, environment: dict[str, str]) -> list[Figure]:
        """Run it, its output on this terminal, and return what it measured."""
        if self.missing:
            return [Figure("left out", self.missing)]
        command = [sys.executable, "-m", *self.arguments, OPTION, str(figures)]
        started = time.monotonic()
        ended = subprocess.run(command, cwd=_ROOT, env=environment, check=False)
        took = Figure("took", f"{time.monotonic() - started:.0f} s")
        failed = [Figure("failed", f"exit code {ended.returncode}")] if ended.returncode else []
        return [*kept(figures), *failed, took]


def parts(options: argparse.Namespace) -> Iterator[Part]:
    """Yield the benchmarks; those that lack something say what."""
    trl = os.environ.get(TRL_VARIABLE, "")
    for size in ("10m", "31m"):
        beside = ("--trl", trl) if trl else ()
        short = ("--steps", "2", "--micro", "32", "--together", "--only", *_SIDES)
        yield Part(f"step, {size}", ("benchmarks.learner", "--size", size, *short, *beside))
    if not trl:
        yield Part("step beside TRL", missing=f"{TRL_VARIABLE} names no Python that has TRL")
    yield Part("generation", ("benchmarks.generation", "--prompts", "32", "--rounds", "3"))
    by_vllm = ("benchmarks.generation", "--engine", "vllm", "--prompts", "32", "--rounds", "1")
    there = vllm_python().exists()
    yield Part("vLLM", by_vllm, "" if there else "no .venv-vllm (make test-vllm makes it)")
    is_there = options.math and (options.math / "math500.jsonl").exists()
    grading = ("benchmarks.grading", str(options.math), "--problems", "60")
    yield Part("grading", grading, "" if is_there else "--math names no folder with math500.jsonl")
    yield Part("step of the demo", ("benchmarks.demo_step", "--steps", "20"))
    if importlib.util.find_spec("benchmarks.control"):
        d3rlpy = os.environ.get(D3RLPY_VARIABLE, "")
        yield Part("control", ("benchmarks.control", *(("--d3rlpy", d3rlpy) if d3rlpy else ())))


def vllm_python() -> Path:
    """Return where the Python that has vLLM should be."""
    return Path(os.environ.get(PYTHON_VARIABLE) or _ROOT / ".venv-vllm" / "bin" / "python")


def main() -> None:
    """Run everything and print one table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--math", type=Path, help="a folder that holds MATH's math500.jsonl")
    parser.add_argument("--only", nargs="*", default=[], help="names of benchmarks")
    options = parser.parse_args()
    environment = {**os.environ, PYTHON_VARIABLE: str(vllm_python()), "OMP_NUM_THREADS": "1"}
    rows = [("benchmark", "figure", "measured", "goal")]
    with tempfile.TemporaryDirectory() as folder:
        for number, part in enumerate(parts(options)):
            if options.only and part.name not in options.only:
                continue
            sys.stdout.write(f"\n== {part.name} ==\n")
            sys.stdout.flush()
            found = part.run(Path(folder) / f"{number}.jsonl", environment)
            rows += [(part.name, one.what, one.value, one.goal) for one in found]
    sys.stdout.write(f"\nload of the machine {os.getloadavg()[0]:.1f}\n\n{table(rows)}\n")
    if any(what == "failed" for _, what, _, _ in rows):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
