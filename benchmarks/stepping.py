"""One side of a comparison of training steps: a process that takes a step per line it is told.

Needs torch and the standard library only, so that a side may live in an environment of its own.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

Step = Callable[[], float]
"""Takes one training step and returns the norm of its gradient."""


def serve(build: Callable[[dict[str, Any]], Step]) -> None:
    """Read the task named on the command line, then answer every line of input with a step.

    Each answer is a line of JSON: wall and CPU seconds, gradient norm and peak memory in bytes.
    """
    task = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # libraries may print
    torch.set_num_threads(task["threads"])
    torch.manual_seed(0)
    step = build(task)
    on_gpu = task["device"] == "cuda"
    before = _memory(on_gpu=on_gpu)
    answers.write(json.dumps({"ready": True, "memory": before}) + "\n")
    for _ in sys.stdin:
        started, cpu = time.perf_counter(), time.process_time()
        norm = step()
        if on_gpu:
            torch.cuda.synchronize()
        answer = {
            "wall_s": time.perf_counter() - started,
            "cpu_s": time.process_time() - cpu,
            "norm": norm,
            "memory": _memory(on_gpu=on_gpu),
        }
        answers.write(json.dumps(answer) + "\n")


def _memory(*, on_gpu: bool) -> int:
    """Return the most memory used so far, in bytes."""
    if on_gpu:
        return int(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def padded(rows: list[list[int]], *, left: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    """Return token ids padded with zeros to the longest row, and a mask of ones where they are."""
    width = max(map(len, rows))
    ids, mask = (torch.zeros(len(rows), width, dtype=torch.long) for _ in range(2))
    for line, row in enumerate(rows):
        where = slice(width - len(row), width) if left else slice(len(row))
        ids[line, where] = torch.tensor(row)
        mask[line, where] = 1
    return ids, mask
