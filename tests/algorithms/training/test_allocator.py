"""Memory that a process frees and asks for again."""

import platform
import subprocess
import sys

import pytest

_PROGRAM = """
import resource, torch
from algorithms.training.allocator import keep_freed_memory

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def pages_cleared():
    torch.ones(2**24)
    before = faults()
    torch.ones(2**24)
    return faults() - before

usual = pages_cleared()
assert keep_freed_memory()
print(usual, pages_cleared())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_a_large_block_that_was_freed_is_reused_without_clearing_its_pages_again() -> None:
    found = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True
    )
    usual, kept = map(int, found.stdout.split())
    assert usual > 10_000
    assert kept < 100
