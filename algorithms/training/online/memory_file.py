"""A file in memory that other processes of the same user can open by a path."""

import os
from types import TracebackType
from typing import Self


class MemoryFile:
    """An anonymous file of the kernel's memory; gone with its last reader. Linux only."""

    def __init__(self, name: str) -> None:
        self._descriptor = os.memfd_create(name)

    @property
    def path(self) -> str:
        """Where every process of this user reads and writes it while it is open here."""
        return f"/proc/{os.getpid()}/fd/{self._descriptor}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._descriptor)
