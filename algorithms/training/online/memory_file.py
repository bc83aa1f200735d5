"""Weights as a safetensors file in memory that other processes of the same user open by a path."""

import json
import os
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import torch
from torch import Tensor

_DTYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.bool: "BOOL",
}


class MemoryFile:
    """An anonymous file of the kernel's memory; gone with its last reader. Linux only."""

    def __init__(self, name: str) -> None:
        self._descriptor = os.memfd_create(name)

    @property
    def path(self) -> str:
        """Where every process of this user reads it while it is open here."""
        return f"/proc/{os.getpid()}/fd/{self._descriptor}"

    def write(self, tensors: Mapping[str, Tensor]) -> None:
        """Write tensors in the safetensors format, one after the other.

        safetensors itself writes a file beside the target first, which is not possible here, or
        makes a second copy of everything.
        """
        header: dict[str, dict[str, object]] = {}
        end = 0
        for name, tensor in tensors.items():
            start, end = end, end + tensor.numel() * tensor.element_size()
            shape = list(tensor.shape)
            offsets = [start, end]
            header[name] = {
                "dtype": _DTYPES[tensor.dtype],
                "shape": shape,
                "data_offsets": offsets,
            }
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)  # tensors start at a multiple of 8 bytes
        with os.fdopen(os.dup(self._descriptor), "wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            for tensor in tensors.values():
                raw = tensor.detach().cpu().contiguous().flatten().view(torch.uint8)
                file.write(raw.numpy().data)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._descriptor)
