"""The process that computes one attempt of a job: `python -m workers.runner JOB_ID ATTEMPT`."""

import os
import sys
import threading
import time
from contextlib import suppress

import django

from algorithms import forking

HEARTBEAT_VARIABLE = "LAB_HEARTBEAT_FD"
"""Names the descriptor of a pipe to the worker."""
PULSE_S = 2.0


def _pulse(descriptor: int) -> None:
    """Tell the worker every few seconds that this process is scheduled; ends with it."""
    while True:
        with suppress(BlockingIOError):
            os.write(descriptor, b".")
        time.sleep(PULSE_S)


def _start_pulse() -> None:
    descriptor = os.environ.pop(HEARTBEAT_VARIABLE, None)
    if descriptor is not None:
        os.set_inheritable(int(descriptor), False)
        threading.Thread(target=_pulse, args=[int(descriptor)], name="pulse", daemon=True).start()


def main(job_id: int, attempt: int) -> int:
    """Run the attempt; return one of `workers.exits`."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
    _start_pulse()
    django.setup()
    # The models it needs exist only now, and the pulse beats while torch is loaded.
    from workers.attempt import run_attempt  # noqa: PLC0415

    return run_attempt(job_id, attempt)


if __name__ == "__main__":
    forking.leave(main(*map(int, sys.argv[1:3])))
