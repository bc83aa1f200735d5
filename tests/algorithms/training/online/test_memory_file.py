"""Weights in memory read as any safetensors file does, from another process too."""

import subprocess
import sys

import pytest
import torch
from safetensors import safe_open

from algorithms.training.online.memory_file import MemoryFile

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="files in memory are Linux's")

TENSORS = {
    "a": torch.arange(6, dtype=torch.float32).reshape(2, 3),
    "b": torch.tensor([1.5, -2.0, 3.25], dtype=torch.bfloat16),
    "c": torch.arange(8.0).reshape(2, 4).t(),
    "empty": torch.zeros(0, 4),
}


def test_what_is_written_is_what_safetensors_reads() -> None:
    with MemoryFile("test") as memory:
        memory.write(TENSORS)
        with safe_open(memory.path, framework="pt") as file:
            found = {name: file.get_tensor(name) for name in TENSORS}
    assert all(torch.equal(found[name], tensor) for name, tensor in TENSORS.items())


def test_another_process_of_the_user_reads_it_while_it_is_open() -> None:
    code = "import sys; print(len(open(sys.argv[1], 'rb').read()))"
    with MemoryFile("test") as memory:
        memory.write(TENSORS)
        command = [sys.executable, "-c", code, memory.path]
        size = int(subprocess.run(command, capture_output=True, check=True).stdout)
        path = memory.path
    assert size > sum(tensor.nbytes for tensor in TENSORS.values())
    with pytest.raises(FileNotFoundError):
        open(path, "rb").close()  # noqa: PTH123 - the file is not there
