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
    before = faults()
    for _ in range(20):
        first, second = torch.ones(2**24), torch.ones(2**22)
        del first
        third = torch.ones(2**23)
        del second, third
    return faults() - before

usual = pages_cleared()
assert keep_freed_memory()
print(usual, pages_cleared())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_large_blocks_that_are_freed_and_asked_for_again_seldom_need_new_pages() -> None:
    found = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True
    )
    usual, kept = map(int, found.stdout.split())
    assert usual > 400_000
    # Where the blocks come to lie differs from process to process (address randomisation).
    assert kept < usual / 2
