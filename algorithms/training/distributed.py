"""What the processes of one training say to each other; a training by itself answers itself."""

import os
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

T = TypeVar("T")

_PATIENCE = timedelta(days=30)
"""How long others wait for the first process, which evaluates alone; the launcher watches."""


class Ranks:
    """The processes that train one policy together, as one of them sees the others.

    Every method but `rank`, `size` and `is_first` is a meeting: all of them call it, in the same
    order, or all wait for ever.
    """

    def __init__(
        self, rank: int = 0, size: int = 1, *, talk: dist.ProcessGroup | None = None
    ) -> None:
        """Describe them.

        Args:
            talk: where small values are exchanged, on the CPU.
        """
        self.rank = rank
        self.size = size
        self._talk = talk

    @property
    def is_first(self) -> bool:
        """Whether this is the process that reports, evaluates and writes."""
        return self.rank == 0

    def any(self, flag: bool) -> bool:
        """Return whether one of them says yes."""
        return self.most(int(flag)) > 0

    def most(self, number: int) -> int:
        """Return the largest of their numbers."""
        if self.size == 1:
            return number
        largest = torch.tensor(number)
        dist.all_reduce(largest, dist.ReduceOp.MAX, group=self._talk)
        return int(largest)

    def share(self, value: T) -> T:
        """Return the value of the first of them; what the others give is ignored."""
        if self.size == 1:
            return value
        holder = [value]
        dist.broadcast_object_list(holder, src=0, group=self._talk)
        return holder[0]

    def gather(self, value: T) -> list[T]:
        """Return the values of all of them, by rank, to the first; nothing to the others."""
        if self.size == 1:
            return [value]
        values: list[T] | None = [value] * self.size if self.is_first else None
        dist.gather_object(value, values, dst=0, group=self._talk)
        return values or []

    def total(self, tensor: Tensor) -> Tensor:
        """Return the sum of their tensors, which are alike; it replaces each of them."""
        if self.size > 1:
            dist.all_reduce(tensor)
        return tensor

    def wait(self) -> None:
        """Return when all of them are here."""
        self.most(0)


ALONE = Ranks()
"""One process, which needs nobody."""


def join(*, rank: int, size: int, meeting: Path) -> Ranks:
    """Meet the other processes and return all of them.

    NCCL carries tensors of GPUs, one GPU for each process; gloo those of CPUs.

    Args:
        meeting: a file that none of them has used before, on a disk that all of them see.
    """
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    if torch.cuda.is_available():
        torch.cuda.set_device(0)  # the only one that this process sees
    store = dist.FileStore(str(meeting), size)  # type: ignore[attr-defined]
    dist.init_process_group(backend, store=store, rank=rank, world_size=size)
    return Ranks(rank, size, talk=dist.new_group(backend="gloo", timeout=_PATIENCE))


def visible_devices(count: int) -> list[str | None]:
    """Return what each process may see of the GPUs that this one sees; None without GPUs.

    Raises:
        ValueError: there are fewer GPUs than processes; its argument is how many there are.
    """
    found = torch.cuda.device_count()
    if not found:
        return [None] * count
    if found < count:
        raise ValueError(found)
    listed = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    names = listed.split(",") if listed else [str(number) for number in range(found)]
    return list(names[:count])
