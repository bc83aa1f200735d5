"""Watches one training: raises each alarm once, and says when it is to end."""

from collections.abc import Mapping

from algorithms.base import Event, NonFiniteLossError, Reporter, Summary
from algorithms.training.sentinels.rules import RULES, Finding, Memory
from algorithms.watching import Sentinels

NON_FINITE = "non_finite"


class Watch:
    """Every figure that the training logs passes here."""

    def __init__(self, settings: Sentinels, reporter: Reporter, memory: Memory) -> None:
        """Begin to watch, or go on.

        Args:
            memory: what was remembered so far, changed in place; checkpoints keep it.
        """
        self._settings = settings
        self._reporter = reporter
        self._memory = memory
        self.alarm: Event | None = None
        """The first event that ends the training."""
        self.ending: Summary = {}
        """What the summary tells of a training that ended so."""

    def see(self, step: int, figures: Mapping[str, float]) -> None:
        """Judge what was logged after `step` updates."""
        for name, (metric, rule) in RULES.items():
            if metric in figures and self._action(name) != "off":
                found = rule(figures, self._memory, self._settings)
                self._judge(name, step, found)

    def non_finite(self, step: int, error: NonFiniteLossError) -> bool:
        """Take note of a step that changed nothing; return whether the training is to end."""
        if self._action(NON_FINITE) != "off":
            text = f"The {error.quantity} was not a finite number; the step changed nothing."
            self._raise(NON_FINITE, step, Finding(float(step), 0.0, text))
        return self._action(NON_FINITE) == "stop"

    def end(self, step: int) -> None:
        """Say that the training has gone back to the weights after `step` updates, and ends."""
        name = self.alarm.sentinel if self.alarm else "another process"
        self.ending = {"stopped_by": name, "stopped_at": self.alarm.step if self.alarm else step}
        text = f"Ended by {name}; the policy after {step} updates is kept."
        self._reporter.message(text, level="warning")

    def _action(self, name: str) -> str:
        action: str = getattr(self._settings, name)
        return action

    def _judge(self, name: str, step: int, found: Finding | None) -> None:
        """Raise an alarm where something begins; what goes on is told once."""
        raised: list[str] = self._memory.setdefault("raised", [])
        if found is None:
            if name in raised:
                raised.remove(name)
        elif name not in raised:
            raised.append(name)
            self._raise(name, step, found)

    def _raise(self, name: str, step: int, found: Finding) -> None:
        stops = self._action(name) == "stop"
        event = Event(
            sentinel=name,
            step=step,
            text=found.text,
            value=found.value,
            limit=found.limit,
            action="stop" if stops else "warn",
        )
        self._reporter.event(event)
        if stops and self.alarm is None:
            self.alarm = event
