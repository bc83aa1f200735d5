"""A foreign file, and which of its settings were understood."""

from collections.abc import Iterator, Mapping
from typing import Any

from webapp.experiments.portable.references import Path


class Taken:
    """`taken("buffer.batch_size")` is the value of a setting, which then counts as understood."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._data = data
        self._seen: set[str] = set()
        self.origins: dict[Path, Path] = {}
        """Where the settings of the translation stood."""
        self.notes: list[str] = []

    def __call__(self, path: str, default: Any = None, *, to: Path | None = None) -> Any:
        """Return a value, or the default where it is absent or empty.

        Args:
            to: the setting of the translation that it becomes.
        """
        self._seen.add(path)
        value = self.peek(path)
        if to is not None and value is not None:
            self.origins[to] = _parts(path)
        return default if value is None else value

    def peek(self, path: str) -> Any:
        """Return a value that still counts as not understood; None where it is absent."""
        found: Any = self._data
        for part in _parts(path):
            if isinstance(part, int) and isinstance(found, list):
                found = found[part] if part < len(found) else None
            elif isinstance(found, Mapping):
                found = found.get(str(part))
            else:
                return None
        return found

    def note(self, path: str, why: str) -> None:
        """Say that a setting was read, but not followed."""
        self._seen.add(path)
        self.notes.append(f"{path}: {why}.")

    def left(self) -> Iterator[tuple[str, Any]]:
        """Yield settings that nobody took."""
        yield from self._left(self._data, "")

    def _left(self, value: Any, path: str) -> Iterator[tuple[str, Any]]:
        if path in self._seen:
            return
        if isinstance(value, Mapping | list):
            pairs = value.items() if isinstance(value, Mapping) else enumerate(value)
            for key, inner in pairs:
                yield from self._left(inner, f"{path}.{key}" if path else str(key))
        elif value is not None:
            yield path, value


def _parts(path: str) -> Path:
    return tuple(int(part) if part.isdecimal() else part for part in path.split("."))
