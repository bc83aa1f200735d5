"""Which policy writes which batch (group-relative REINFORCE, arXiv:2509.24203, section 2.2).

Batches and updates count from 1: update t learns from batch t, and version v is the policy after
v updates. With sync interval m and offset o,

    v(b) = 0                          if b <= o
           m * floor((b - 1 - o) / m) otherwise
    lag(b) = (b - 1) - v(b)
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from algorithms.online.settings import Schedule


def version(batch: int, schedule: Schedule) -> int:
    """Return v(b): how many updates the policy has behind it that writes a batch."""
    interval, offset = schedule.sync_interval, schedule.sync_offset
    return 0 if batch <= offset else interval * ((batch - 1 - offset) // interval)


def lag(batch: int, schedule: Schedule) -> int:
    """Return how many updates the policy that writes a batch is behind the one that it trains."""
    return batch - 1 - version(batch, schedule)


def never_syncs(schedule: Schedule, steps: int) -> bool:
    """Whether every batch of a training is written by the policy that it starts from."""
    limit = schedule.max_staleness
    bounded = limit is not None and limit < steps - 1
    return steps > 1 and not bounded and version(steps, schedule) == 0


@dataclass
class Clock:
    """Where schedule and generator stand; what the training loop and the preview both follow.

    Before update t the generator takes over the weights if t - 1 is a multiple of the interval or
    its own have become too old, and writes what is missing of the first t + o batches. Completions
    that have become too old are dropped, and others written where too few are left.
    """

    schedule: Schedule
    steps: int
    """Updates of the training; batches beyond it are not written."""
    planned: int = 0
    """Batches written of those that the schedule asks for."""
    written: int = 0
    """All batches written, those that replaced dropped ones included."""
    version: int = 0
    """Of the generator's weights."""
    extra_syncs: int = 0
    """Times that the staleness limit made the generator take over weights beside the schedule."""

    def takes_over(self, done: int) -> bool:
        """Whether the generator takes over the weights after `done` updates; notes that it does."""
        due = done % self.schedule.sync_interval == 0
        stale = self.is_stale(self.version, done)
        if due or stale:
            self.version = done
        self.extra_syncs += stale and not due
        return due or stale

    def missing(self, done: int) -> int:
        """Return how many planned batches are to be written before update `done` + 1."""
        return max(0, min(done + 1 + self.schedule.sync_offset, self.steps) - self.planned)

    def wrote(self, *, planned: bool) -> int:
        """Note one more batch and return its number, from 1."""
        self.planned += planned
        self.written += 1
        return self.written

    def is_stale(self, version: int, done: int) -> bool:
        """Whether completions of a version are too old for update `done` + 1."""
        limit = self.schedule.max_staleness
        return limit is not None and done - version > limit


@dataclass(frozen=True)
class Step:
    """One update of a previewed training."""

    update: int
    version: int
    """Of the policy that wrote its batch."""
    written: int
    """Batches written before it, replacements included."""
    dropped: int
    """Batches dropped before it as too old."""

    @property
    def lag(self) -> int:
        """Updates between the policy that wrote the batch and the one that it trains."""
        return self.update - 1 - self.version


def preview(schedule: Schedule, steps: int) -> Iterator[Step]:
    """Yield the updates of a training whose batches are used once, in their order.

    Without a staleness limit their versions are `version(update, schedule)`.
    """
    clock = Clock(schedule, steps)
    waiting: deque[int] = deque()
    for done in range(steps):
        clock.takes_over(done)
        before = clock.written
        for _ in range(clock.missing(done)):
            clock.wrote(planned=True)
            waiting.append(clock.version)
        dropped = 0
        while waiting and clock.is_stale(waiting[0], done):
            waiting.popleft()
            dropped += 1
        if not waiting:
            clock.wrote(planned=False)
            waiting.append(clock.version)
        yield Step(done + 1, waiting.popleft(), clock.written - before, dropped)


def warnings(schedule: Schedule, steps: int) -> list[str]:
    """Return sentences about what may not be meant; none where all is plain."""
    found = []
    if never_syncs(schedule, steps):
        found.append(
            f"The generator never takes over trained weights within {steps:,} updates: all "
            "completions are written by the policy that the training starts from."
        )
    limit = schedule.max_staleness
    dropped = sum(step.dropped for step in preview(schedule, steps)) if limit is not None else 0
    if dropped:
        found.append(
            f"{dropped:,} batches would be dropped because they are more than {limit:,} updates "
            f"old when their turn comes, and others written instead: {steps:,} updates need more "
            "generation than that. Raise max_staleness, or lower sync_offset."
        )
    return found
