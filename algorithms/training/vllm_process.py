"""One vLLM engine as a child process: started, listened to, ended with all of its own children."""

import json
import os
import re
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import psutil
import torch

from algorithms.asking import VLLMSettings
from algorithms.base import UserError
from algorithms.training import vllm_host

PYTHON_VARIABLE = "LAB_VLLM_PYTHON"
"""Interpreter that has vLLM; empty takes the one that runs this."""
_END_WAIT_S = 20.0
_LISTEN_S = 5.0
"""How long the last words of an engine that broke down are waited for."""
_LAST_LINES = 60
_CHUNK_BYTES = 1 << 16
_MEMORY_TEXTS = ("OutOfMemoryError", "No available memory for the cache", "gpu_memory_utilization")
_UNFIT = re.compile(r"Unsupported \w+ attention configuration[^\n]*")
_ABSENT = "ModuleNotFoundError: No module named 'vllm'"


def gpu_shares(copies: int, tensor_parallel: int) -> list[str | None]:
    """Return the visible devices of each copy of the model; None where there are no GPUs.

    Raises:
        UserError: there are fewer GPUs than the copies need.
    """
    count = torch.cuda.device_count()
    if not count:
        if tensor_parallel > 1:
            raise UserError(
                "This worker has no GPU, so a model cannot be spread over several: set "
                "tensor_parallel to 1, or choose a queue whose workers have GPUs."
            )
        return [None] * copies
    if copies * tensor_parallel > count:
        raise UserError(
            f"{copies} copies over {tensor_parallel} GPUs each need {copies * tensor_parallel} "
            f"and this worker has {count}: lower data_parallel or tensor_parallel."
        )
    listed = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    names = listed.split(",") if listed else [str(number) for number in range(count)]
    starts = range(0, copies * tensor_parallel, tensor_parallel)
    return [",".join(names[start : start + tensor_parallel]) for start in starts]


class EngineProcess:
    """`vllm_host.py` at work on one order after the other, in this process's own group."""

    def __init__(
        self, order: Mapping[str, Any], settings: VLLMSettings, visible: str | None
    ) -> None:
        """Start it and have it get ready, after which it is done with that; then ask.

        It dies with the thread that starts it, which must be the main one.

        Raises:
            UserError: the interpreter that should have vLLM is not there.
        """
        python = os.environ.get(PYTHON_VARIABLE) or sys.executable
        try:
            self._process = subprocess.Popen(
                [python, "-P", str(Path(vllm_host.__file__))],
                env=_environment(settings, visible),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        except OSError as error:
            raise UserError(
                f"{python} cannot be run ({error.strerror}). The administrator names the "
                f"interpreter that has vLLM in the variable {PYTHON_VARIABLE}."
            ) from error
        self.is_done = False
        self.is_closed = False
        self._unread = b""
        self.version = ""
        """Name and version, once it has started."""
        self._error = ""
        self._last: deque[str] = deque(maxlen=_LAST_LINES)
        assert self._process.stderr is not None
        self._listener = threading.Thread(
            target=self._listen, args=(self._process.stderr,), daemon=True
        )
        self._listener.start()
        self.ask(order)

    def ask(self, order: Mapping[str, Any]) -> None:
        """Give it something to do; `answers` are read until it is done. One order at a time."""
        self.is_done = False
        assert self._process.stdin is not None
        # An engine that broke down reads nothing, and the pipe is shorter than an order.
        sender = threading.Thread(target=_send, args=(self._process.stdin, order), daemon=True)
        sender.start()

    @property
    def pid(self) -> int:
        """Process id of the host; engine core and workers are below it."""
        return self._process.pid

    def fileno(self) -> int:
        """Return what a selector watches."""
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    def answers(self) -> Iterator[dict[str, Any]]:
        """Yield the completions made since the last call; call when there is something to read."""
        chunk = os.read(self.fileno(), _CHUNK_BYTES)
        self.is_closed = not chunk
        *lines, self._unread = (self._unread + chunk).split(b"\n")
        for line in lines:
            message: dict[str, Any] = json.loads(line)
            if "index" in message:
                yield message
            self.is_done = self.is_done or "done" in message
            self.version = message.get("ready", self.version)
            self._error = message.get("error", self._error)

    def failure(self) -> Exception:
        """Return why it ended before it was done."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_WAIT_S)
        self._listener.join(_LISTEN_S)
        output = "\n".join(self._last)
        said = self._error or f"it ended with status {self._process.returncode}"
        if _ABSENT in said or _ABSENT in output:
            return UserError(
                "vLLM is not installed where this worker runs. Install requirements-gpu.txt, name "
                f"an interpreter that has it in {PYTHON_VARIABLE}, or choose the engine "
                "transformers."
            )
        if any(text in said + output for text in _MEMORY_TEXTS):
            return UserError(
                f"vLLM has too little memory for this model ({said[:200]}). Raise "
                "gpu_memory_utilization (or cpu_kv_cache_gib), spread the model over more GPUs, or "
                "end what else uses the GPU."
            )
        if unfit := _UNFIT.search(output):
            return UserError(
                f"vLLM cannot run this model on this machine ({unfit[0]}). Choose the engine "
                "transformers, or a queue whose workers have GPUs."
            )
        return RuntimeError(f"vLLM broke down: {said}\n{output}")

    def end(self) -> None:
        """Kill it and everything below it, and return when all of them are gone."""
        with suppress(psutil.NoSuchProcess):
            host = psutil.Process(self._process.pid)
            family = [*host.children(recursive=True), host]
            for process in family:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(family, timeout=_END_WAIT_S)
        self._process.wait()

    def _listen(self, source: IO[bytes]) -> None:
        """Pass on what it prints, and remember the end of it."""
        with source:
            for line in source:
                text = line.decode(errors="replace")
                self._last.append(text.rstrip())
                sys.stderr.write(text)


def _send(target: IO[bytes], order: Mapping[str, Any]) -> None:
    with suppress(BrokenPipeError):
        target.write(json.dumps(order).encode() + b"\n")
        target.flush()


def _environment(settings: VLLMSettings, visible: str | None) -> dict[str, str]:
    own = {
        "VLLM_WORKER_MULTIPROC_METHOD": "spawn",  # see vllm_host.die_with_parent
        "VLLM_CPU_KVCACHE_SPACE": str(settings.cpu_kv_cache_gib),
        "VLLM_LOGGING_LEVEL": os.environ.get("VLLM_LOGGING_LEVEL", "WARNING"),
        "VLLM_NO_USAGE_STATS": "1",
        "HF_HUB_OFFLINE": "1",
        # vLLM names its processes, which would overwrite the mark of the job in their environment.
        "SPT_NOENV": "1",
    }
    if visible is not None:
        own["CUDA_VISIBLE_DEVICES"] = visible
    return {**os.environ, **own}
