"""The worker's row: which labels it serves, on what machine, and that it is alive."""

import logging
import os
import socket
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psutil
from django.db import connection
from django.db.models.functions import Now

from webapp.jobs.models import Worker
from workers.database import never, until_answered

BEAT_S = 10.0

logger = logging.getLogger(__name__)


class Presence:
    """One worker process as others see it; the heartbeat has a thread and connection of its own."""

    def __init__(self, name: str, labels: list[str], give_up: Callable[[], bool] = never) -> None:
        """Register; waits for the database.

        Raises:
            OperationalError: The database was away when `give_up` turned true.
        """
        self.labels = labels
        self.worker = until_answered(partial(_register, name, labels), give_up)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self._thread.start()

    def _beat(self) -> None:
        while not self._ended.wait(BEAT_S):
            until_answered(self._touch, give_up=self._ended.is_set)
        connection.close()

    def _touch(self) -> None:
        Worker.objects.filter(pk=self.worker.pk).update(heartbeat_at=Now(), stopped_at=None)

    def leave(self) -> None:
        """Say that the worker has stopped; a database that is away does not hold it up."""
        self._ended.set()
        self._thread.join(timeout=5)
        until_answered(self._say_stopped, give_up=self._ended.is_set)

    def _say_stopped(self) -> None:
        Worker.objects.filter(pk=self.worker.pk).update(stopped_at=Now())


def _register(name: str, labels: list[str]) -> Worker:
    worker = Worker(
        name=name,
        labels=labels,
        hostname=socket.gethostname(),
        pid=os.getpid(),
        devices=devices(),
        heartbeat_at=Now(),
    )
    worker.save()
    return worker


def devices() -> dict[str, object]:
    """Return cores, memory in bytes and names of GPUs, without initialising any."""
    files = sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1,
        "memory_bytes": psutil.virtual_memory().total,
        "gpus": [_gpu_name(file.read_text()) for file in files],
    }


def _gpu_name(information: str) -> str:
    for line in information.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "Model":
            return value.strip()
    return "GPU"
