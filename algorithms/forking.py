"""Whether the process of a job may be a fork of one that has imported torch (ADR 5)."""

import sys
from pathlib import Path


def is_safe() -> bool:
    """Return whether no import can have touched a GPU: no fork survives that."""
    return sys.platform == "linux" and not Path("/proc/driver/nvidia").exists()
