"""What the launcher shows: phases with their time, and one live view or plain lines."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.live import Live

PLAIN_LINE_EVERY_S = 10.0
FILE_WIDTH = 140
"""Columns of tables where the output is not a terminal."""


class Terminal:
    """The person's terminal, or a file that the output goes to."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console()
        if console is None and not self.console.is_terminal:
            self.console = Console(width=FILE_WIDTH)
        self.phases: dict[str, float] = {}
        self._live: Live | None = None
        self._last_line = float("-inf")

    def say(self, text: str) -> None:
        """Show one message, above the live view if there is one."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Say how long a phase took, once it is over."""
        started = time.monotonic()
        yield
        self.phase_over(name, time.monotonic() - started)

    def phase_over(self, name: str, seconds: float) -> None:
        """Note the wall time of one phase, and say it."""
        self.phases[name] = seconds
        self.say(f"{name}: {seconds:.1f} s")

    def welcome(self, address: str, username: str, password: str | None) -> None:
        """Say where the application is and how to sign in."""
        known = password or "(as printed at the first start; `make password` sets a new one)"
        self.say(f"\nOffpolicy Lab is at {address}\nSign in as {username}, password {known}\n")

    @contextmanager
    def live(self) -> Iterator[None]:
        """Keep a view in place while the block runs, where the output is a terminal."""
        if not self.console.is_terminal:
            yield
            return
        with Live(console=self.console, auto_refresh=False, transient=True) as self._live:
            yield
        self._live = None

    def show(self, view: RenderableType, line: str) -> None:
        """Draw the view in place; without a terminal, write the line, at most one in 10 s."""
        if self._live:
            self._live.update(view, refresh=True)
        elif time.monotonic() - self._last_line >= PLAIN_LINE_EVERY_S:
            self._last_line = time.monotonic()
            self.say(line)
