"""The process that a job with a language model computes in."""

import torch
from transformers.utils import logging as transformers_logging

from algorithms.training.allocator import keep_freed_memory
from algorithms.training.device import THREADS_VARIABLE, configure_process, peak_memory_bytes

__all__ = ["THREADS_VARIABLE", "configure", "peak_memory_bytes"]


def configure(seed: int) -> torch.device:
    """Prepare the process for reproducible work and return the device to work on."""
    device = configure_process(seed)
    keep_freed_memory()
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    return device
