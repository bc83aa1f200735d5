"""The C library's memory: a training step asks for the same large blocks again and again.

glibc hands blocks of more than 32 MiB back to the kernel as soon as they are freed, and the kernel
has to clear every page of the next ones: a tenth of a step of a small model. Kept, they are reused.
"""

import ctypes
import platform

_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8
"""Options of mallopt(3)."""


def keep_freed_memory() -> bool:
    """Let this process keep memory that it frees; return whether the C library can (glibc)."""
    if platform.libc_ver()[0] != "glibc":
        return False
    library = ctypes.CDLL(None)
    # One heap for all threads, or what the backward pass frees is no use to the forward pass.
    options = ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, 2**31 - 1), (_ARENA_MAX, 1))
    taken = [library.mallopt(option, value) for option, value in options]
    return all(taken)
