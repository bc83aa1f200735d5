"""How commands that compute end: what went wrong in a line, and a status for scripts."""

import sys
from collections.abc import Callable

from algorithms.base import NonFiniteLossError, Stopped, UserError


def exit_status(work: Callable[[], None]) -> int:
    """Do the work; return 0 done, 1 failed, 2 wrong use, 130 stopped (run again to go on)."""
    try:
        work()
    except UserError as error:
        return _told(f"error: {error}", 2)
    except NonFiniteLossError as error:
        return _told(f"error: {error}", 1)
    except Stopped as error:
        return _told(f"stopped: {error} Run the same command again to go on.", 130)
    return 0


def _told(message: str, status: int) -> int:
    sys.stderr.write(f"{message}\n")
    return status
