"""Completions between generation and training: a queue, or a priority buffer with reuse."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from algorithms.online.settings import Replay
from algorithms.training.seeds import stream

BUFFER_FILE = "buffer.parquet"

_GROUPS = pa.schema(
    [
        ("number", pa.int64()),
        ("version", pa.int64()),
        ("prompt_id", pa.string()),
        ("prompt", pa.list_(pa.int32())),
        ("completions", pa.list_(pa.list_(pa.int32()))),
        ("logprobs", pa.list_(pa.list_(pa.float32()))),
        ("reference", pa.list_(pa.list_(pa.float32()))),
        ("rewards", pa.list_(pa.float32())),
        ("truncated", pa.list_(pa.bool_())),
        ("uses", pa.int64()),
        ("last_use", pa.int64()),
    ]
)


@dataclass
class Group:
    """The completions of one prompt, written together; never torn apart."""

    number: int
    """Place in the order of arrival, from 0."""
    version: int
    """Updates that the policy had behind it which wrote them."""
    prompt_id: str
    prompt: Sequence[int]
    """Its tokens."""
    completions: Sequence[Sequence[int]]
    """Tokens of each, as sampled."""
    logprobs: Sequence[Sequence[float]]
    """log mu of each token in nats, as float32 numbers."""
    reference: Sequence[Sequence[float]] | None
    """log of the reference policy per token, where the algorithm asks for it."""
    rewards: Sequence[float]
    truncated: Sequence[bool]
    """Which were cut off by the length limit."""
    uses: int = 0
    """Updates that learned from it."""
    last_use: int = -1
    """The latest of them, from 0."""

    def __len__(self) -> int:
        return len(self.completions)


class Buffer:
    """Groups that wait to be learned from; any order follows from settings and seed alone.

    Priority (Trinity-RFT): version - decay * uses + noise. A group leaves after `use_limit` uses,
    at once where no cooldown is set, and beyond the capacity those of lowest priority leave.
    """

    def __init__(self, replay: Replay, seed: int) -> None:
        self._replay = replay
        self._seed = seed
        self._groups: list[Group] = []

    def __iter__(self) -> Iterator[Group]:
        return iter(self._groups)

    @property
    def completions(self) -> int:
        """How many completions wait."""
        return sum(map(len, self._groups))

    def add(self, groups: Sequence[Group]) -> int:
        """Take groups in; return how many completions had to leave for want of room."""
        self._groups += groups
        if self._replay.buffer == "fifo":
            return 0
        return self._keep(self._within_capacity())

    def drop_older(self, version: int) -> int:
        """Drop groups of earlier versions; return how many completions that were."""
        return self._keep({group.number for group in self._groups if group.version >= version})

    def ready(self, step: int) -> int:
        """Return how many groups update `step` could learn from."""
        return sum(self._rested(group, step) for group in self._groups)

    def take(self, count: int, step: int) -> list[Group]:
        """Return the next groups for update `step`, at most `count`, and note their use."""
        rested = [group for group in self._groups if self._rested(group, step)]
        taken = sorted(rested, key=self._place)[:count]
        for group in taken:
            group.uses += 1
            group.last_use = step
        self._keep({group.number for group in self._groups if not self._is_spent(group)})
        return taken

    def priority(self, group: Group) -> float:
        """Return what decides who is taken first and who leaves first."""
        replay = self._replay
        noise = 0.0
        if replay.priority_noise:
            drawn = stream("priority", self._seed, group.number, group.uses)
            noise = float(drawn.normal(0.0, replay.priority_noise))
        return group.version - replay.priority_decay * group.uses + noise

    def _place(self, group: Group) -> tuple[float, int]:
        priority = 0.0 if self._replay.buffer == "fifo" else self.priority(group)
        return (-priority, group.number)

    def _rested(self, group: Group, step: int) -> bool:
        cooldown = self._replay.reuse_cooldown or 0
        return group.uses == 0 or step - group.last_use > cooldown

    def _is_spent(self, group: Group) -> bool:
        replay = self._replay
        once = replay.buffer == "fifo" or replay.reuse_cooldown is None
        return group.uses >= (1 if once else replay.use_limit)

    def _within_capacity(self) -> set[int]:
        """Return the numbers of the groups of highest priority that there is room for."""
        kept: set[int] = set()
        room = self._replay.capacity
        for group in sorted(self._groups, key=self._place):
            room -= len(group)
            if room < 0 and kept:
                break
            kept.add(group.number)
        return kept

    def _keep(self, numbers: set[int]) -> int:
        before = self.completions
        self._groups = [group for group in self._groups if group.number in numbers]
        return before - self.completions

    def save(self, folder: Path) -> None:
        """Write the groups to a file of the folder."""
        rows = [asdict(group) for group in self._groups]
        pq.write_table(pa.Table.from_pylist(rows, schema=_GROUPS), folder / BUFFER_FILE)

    def restore(self, folder: Path) -> None:
        """Hold exactly what `save` wrote."""
        rows: list[dict[str, Any]] = pq.read_table(folder / BUFFER_FILE).to_pylist()
        self._groups = [Group(**row) for row in rows]
