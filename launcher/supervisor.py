"""Keeps the started processes alive, tells what happened to them, and ends them all."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from launcher.errors import LauncherError
from launcher.processes import Child, Command, describe_exit, sweep

MAX_RESTARTS = 3


class Supervisor:
    """The processes of one launcher, in the order in which they were started."""

    def __init__(self, var: Path, say: Callable[[str], None]) -> None:
        """Begin with nothing; `say` shows one message to the person at the terminal."""
        self.var = var
        self.say = say
        self.children: list[Child] = []
        self.essential: list[Child] = []
        self._restarts: Counter[str] = Counter()

    def start(self, command: Command) -> Child:
        """Start one process, restarted when it dies."""
        child = Child(command)
        child.start()
        self.children.append(child)
        return child

    def need(self, children: list[Child]) -> None:
        """Watch processes that others started, without which nothing can go on."""
        self.essential = children

    def check(self) -> None:
        """Report and restart what has died since the last call.

        Raises:
            LauncherError: Something needed died, or a process dies again and again.
        """
        for child in self.essential:
            if not child.is_running:
                raise LauncherError(self._obituary(child))
        for child in self.children:
            if not child.is_running:
                self._replace(child)

    def stop(self) -> None:
        """End every process, the last started first, and whatever they left."""
        for child in reversed(self.children):
            child.ask_to_stop()
        for child in reversed(self.children):
            child.stop()
        self.children.clear()
        sweep(self.var)

    def _replace(self, child: Child) -> None:
        said = self._obituary(child)
        if self._restarts[child.name] >= MAX_RESTARTS:
            raise LauncherError(f"{said}\nIt was restarted {MAX_RESTARTS} times already.")
        self._restarts[child.name] += 1
        self.say(f"{said}\nStarting it again ({self._restarts[child.name]} of {MAX_RESTARTS}).")
        child.stop()
        child.start()

    @staticmethod
    def _obituary(child: Child) -> str:
        status = child.exit_status
        how = "is not running" if status is None else describe_exit(status)
        return f"{child.name} {how}. Its last lines ({child.command.log}):\n{child.tail()}"
