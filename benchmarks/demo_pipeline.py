"""The demo experiment without the web application: its jobs, its table, its timings.

    python benchmarks/demo_pipeline.py [--folder FOLDER] [--slots 2] [--seeds 0,1] [--keep]

Every job runs in a process of its own, as workers run them; `--slots` of them side by side. What
a folder already holds is not computed again.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from algorithms import demo
from algorithms.base import JobContext, Reporter, Schema
from algorithms.catalogue import ALGORITHMS
from algorithms.jobs import run_job
from algorithms.specs import KINDS, TrainSpec


@dataclass(frozen=True)
class Job:
    """One node of the demo's graph."""

    name: str
    kind: str
    spec: Schema
    inputs: Mapping[str, str] = field(default_factory=dict)
    """Name of the job that makes each input, by role."""


class FileReporter(Reporter):
    """Appends every metric to a file of JSON lines, with the time at which it came."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8", buffering=1)

    def log(
        self, step: int, metrics: Mapping[str, float], *, samples: int, tokens: int, seconds: float
    ) -> None:
        """Write one line."""
        cost = {"step": step, "samples": samples, "tokens": tokens, "seconds": seconds}
        self._file.write(json.dumps({"time": time.time(), **cost, **metrics}) + "\n")

    def progress(self, done: int, total: int, unit: str) -> None:
        """Say nothing."""

    def message(self, text: str, *, level: Literal["info", "warning", "error"] = "info") -> None:
        """Print the line."""
        sys.stderr.write(f"{level}: {text}\n")

    def should_stop(self) -> bool:
        """Never."""
        return False


def graph(seeds: Sequence[int]) -> list[Job]:
    """Return the demo's jobs, each after its inputs."""
    evaluated = {"dataset": "dataset"}
    jobs = [
        Job("dataset", "dataset", demo.DATASET),
        Job("tiny", "policy", demo.POLICY),
        Job(
            "base",
            "train",
            demo.WARM_START,
            {"policy": "tiny", "dataset": "dataset", "eval_dataset": "dataset"},
        ),
        Job("rollouts", "generate", demo.GENERATE, {"policy": "base", "dataset": "dataset"}),
        Job("graded", "grade", demo.GRADE, {"rollouts": "rollouts"}),
        Job("evaluate base", "evaluate", demo.EVALUATE, {"policy": "base"} | evaluated),
    ]
    for seed in seeds:
        for name in demo.ALGORITHMS:
            spec = TrainSpec(
                algorithm=name,
                params=ALGORITHMS[name].params().model_dump(),
                settings=demo.SETTINGS,
                seed=seed,
                sampling=demo.SAMPLING,
            )
            run = f"{name} {seed}"
            trained_on = {"policy": "base", "rollouts": "graded", "eval_dataset": "dataset"}
            jobs.append(Job(run, "train", spec, trained_on))
            jobs.append(
                Job(f"evaluate {run}", "evaluate", demo.EVALUATE, {"policy": run} | evaluated)
            )
    return jobs


def run_one(job: Job, folder: Path) -> None:
    """Run one job in this process; its artifact appears when it is complete."""
    output = folder / f".{job.name}.part"
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    context = JobContext(
        inputs={role: folder / source for role, source in job.inputs.items()},
        output=output,
        checkpoints=folder / f".{job.name}.checkpoints",
        reporter=FileReporter(folder / f"{job.name}.metrics.jsonl"),
    )
    started = time.time()
    summary = run_job(job.kind, job.spec, context)
    timing = {"started": started, "wall": time.time() - started, "cpu": time.process_time()}
    (folder / f"{job.name}.json").write_text(json.dumps({"summary": summary, **timing}))
    output.rename(folder / job.name)


def run_all(jobs: Sequence[Job], folder: Path, slots: int) -> None:
    """Run what is not there yet, each job in its own process, as soon as its inputs are there."""
    waiting = [job for job in jobs if not (folder / job.name).is_dir()]
    running: dict[str, subprocess.Popen[bytes]] = {}
    begun = time.time()
    while waiting or running:
        for name, process in list(running.items()):
            if process.poll() is None:
                continue
            del running[name]
            if process.returncode:
                raise SystemExit(f"The job {name!r} failed; see above.")
            sys.stdout.write(f"{time.time() - begun:6.1f} s  {name}\n")
        for job in [j for j in waiting if len(running) < slots]:
            ready = all((folder / source).is_dir() for source in job.inputs.values())
            if ready and len(running) < slots:
                waiting.remove(job)
                running[job.name] = _start(job, folder)
        time.sleep(0.05)


def _start(job: Job, folder: Path) -> subprocess.Popen[bytes]:
    spec = {"spec": job.spec.model_dump(mode="json"), "inputs": dict(job.inputs), "kind": job.kind}
    command = [
        sys.executable,
        __file__,
        "--folder",
        str(folder),
        "--job",
        job.name,
        json.dumps(spec),
    ]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    environment |= {"OMP_NUM_THREADS": "1", "LAB_THREADS": "1"}
    return subprocess.Popen(command, env=environment)


def report(jobs: Sequence[Job], folder: Path) -> None:
    """Print what came out, and what it cost."""
    results = {job.name: json.loads((folder / f"{job.name}.json").read_text()) for job in jobs}
    out = sys.stdout.write
    out(f"\n{'policy':14} {'greedy':>7} {'pass@1':>7} {'invalid':>8} {'tokens':>7}\n")
    for job in jobs:
        if job.kind == "evaluate":
            s = results[job.name]["summary"]
            out(f"{job.name[9:]:14} {s['greedy_accuracy']:7.3f} {s['pass_at_1']:7.3f} ")
            out(f"{s['invalid_share']:8.3f} {s['tokens_mean']:7.2f}\n")
    out(f"\n{'job':22} {'wall s':>7} {'cpu s':>7}  figures\n")
    for job in jobs:
        result = results[job.name]
        wanted = ("steps", "step_seconds", "tokens_per_s", "peak_memory_bytes", "completions")
        counts = ("correct", "incorrect", "invalid", "rows", "parameters")
        shown = {k: v for k, v in result["summary"].items() if k in wanted + counts}
        figures = ", ".join(f"{k} {v:,.4g}" if v < 1e6 else f"{k} {v:,}" for k, v in shown.items())
        out(f"{job.name:22} {result['wall']:7.1f} {result['cpu']:7.1f}  {figures}\n")


def first_point(jobs: Sequence[Job], folder: Path, begun: float) -> float:
    """Return the seconds from the start to the first metric point of any training."""
    lines = [folder / f"{job.name}.metrics.jsonl" for job in jobs if job.kind == "train"]
    times = [json.loads(path.read_text().splitlines()[0])["time"] for path in lines]
    return float(min(times) - begun)


def main() -> None:
    """Run the demo, or one job of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--folder", type=Path, help="keeps the artifacts; else a temporary one")
    parser.add_argument("--slots", type=int, default=2, help="jobs side by side")
    parser.add_argument("--seeds", default=",".join(map(str, demo.SEEDS)))
    parser.add_argument("--job", nargs=2, metavar=("NAME", "JSON"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.job:
        name, text = options.job
        told = json.loads(text)
        spec = KINDS[told["kind"]].spec.model_validate(told["spec"])
        run_one(Job(name, told["kind"], spec, told["inputs"]), options.folder)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        jobs = graph([int(seed) for seed in options.seeds.split(",")])
        begun = time.time()
        run_all(jobs, folder, options.slots)
        report(jobs, folder)
        sys.stdout.write(f"\nfirst point after {first_point(jobs, folder, begun):.1f} s, ")
        sys.stdout.write(f"all done after {time.time() - begun:.1f} s\n")


if __name__ == "__main__":
    main()
