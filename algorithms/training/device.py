"""The process that a job computes in: threads, device, determinism, memory."""

import os
import resource
import sys

import torch

THREADS_VARIABLE = "LAB_THREADS"
"""Threads of one job's computations; 1 when unset, so that workers side by side do not fight."""


def configure_process(seed: int) -> torch.device:
    """Prepare the process for reproducible work and return the device to work on.

    On a CPU, the same seed and thread count give the same bits. On a GPU, operations without a
    deterministic implementation warn and go on.
    """
    torch.set_num_threads(max(1, int(os.environ.get(THREADS_VARIABLE) or 1)))
    on_gpu = torch.cuda.is_available()
    if on_gpu:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=on_gpu)
    # Nothing of ours reads memory before writing it.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.manual_seed(seed)
    return torch.device("cuda" if on_gpu else "cpu")


def peak_memory_bytes(device: torch.device) -> int:
    """Return the most memory used so far: of the GPU, or else of the whole process."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
