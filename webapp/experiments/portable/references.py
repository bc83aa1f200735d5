"""Names for ids: a config as it stands in a file, and as the database knows it; pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

TABLES = ("datasets", "policies", "rollouts", "presets")
_STEMS = {"dataset": "datasets", "policy": "policies", "rollouts": "rollouts", "preset": "presets"}
_LISTS = {"benchmarks": "datasets"}
"""Settings that name sources without saying so."""
_SHORT = {
    name.removesuffix("_id"): name
    for name in ("dataset_id", "eval_dataset_id", "policy_id", "rollouts_id", "preset_id")
}
"""Written without `_id` in a file; settings of other names keep theirs."""

Path = tuple[str | int, ...]
Translate = Callable[[str, Any, Path], Any]
"""`translate(table, id or name, where it stands)`: the name or id."""


class UnknownNameError(KeyError):
    """A config names a source that its file does not have."""

    def __init__(self, table: str, name: object, path: Path) -> None:
        super().__init__(name)
        self.table = table
        self.name = name
        self.path = path
        """Where the config names it, as the file has it."""


@dataclass(frozen=True)
class Ids:
    """Ids of sources by the names of a file."""

    datasets: Mapping[str, int] = field(default_factory=dict)
    policies: Mapping[str, int] = field(default_factory=dict)
    rollouts: Mapping[str, int] = field(default_factory=dict)
    presets: Mapping[str, int] = field(default_factory=dict)
    """Presets are only where settings came from: an unknown one is left out."""

    def table(self, name: str) -> Mapping[str, int]:
        """Return the ids of one kind of source."""
        found: Mapping[str, int] = getattr(self, name)
        return found


def table_of(key: str) -> str | None:
    """Return which kind of source a setting of a config names; None where it names none.

    Any setting whose name ends in `dataset_id`, `policy_id`, `rollouts_id` (or `_ids`) does, at
    any depth, and so does an axis over it.
    """
    last = key.rpartition(".")[2]
    if last in _LISTS:
        return _LISTS[last]
    stem, separator, end = last.rpartition("_")
    if not separator or end not in ("id", "ids"):
        return None
    return _STEMS.get(stem.rpartition("_")[2])


def written_key(key: str) -> str:
    """Return the name of a setting in a file."""
    path, dot, last = key.rpartition(".")
    return f"{path}{dot}{last.removesuffix('_id') if last in _SHORT.values() else last}"


def read_key(key: str) -> str:
    """Return the name of a setting in a config."""
    path, dot, last = key.rpartition(".")
    return f"{path}{dot}{_SHORT.get(last, last)}"


def with_names(config: Mapping[str, Any], names: Mapping[str, Mapping[int, str]]) -> dict[str, Any]:
    """Return a config as it stands in a file.

    Args:
        names: names by id, by table.
    """

    def name_of(table: str, pk: Any, _: Path) -> Any:
        return names.get(table, {}).get(pk) if table == "presets" else names[table][pk]

    return _Mapping(name_of, rename=written_key).of(config)


def with_ids(config: Mapping[str, Any], ids: Ids) -> dict[str, Any]:
    """Return the config of a file as the database knows it, not validated.

    Raises:
        UnknownNameError: a source is named that the file does not have.
    """

    def id_of(table: str, name: Any, path: Path) -> Any:
        known = ids.table(table)
        if table == "presets":
            return known.get(str(name))
        if str(name) not in known:
            raise UnknownNameError(table, name, path)
        return known[str(name)]

    return _Mapping(id_of, rename=read_key, known=read_key).of(config)


def references(config: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return every id that a config names, by table, in its order."""
    found: dict[str, list[Any]] = {table: [] for table in TABLES}

    def collect(table: str, value: Any, _: Path) -> Any:
        if value not in found[table]:
            found[table].append(value)
        return value

    _Mapping(collect).of(config)
    return found


@dataclass(frozen=True)
class _Mapping:
    """Translates every reference of a config and renames the settings that hold one."""

    translate: Translate
    rename: Callable[[str], str] = str
    known: Callable[[str], str] = str
    """The name of a setting in a config."""

    def of(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Return the config, translated."""
        found: dict[str, Any] = self._any(config, ())
        return found

    def _any(self, value: Any, path: Path) -> Any:
        if isinstance(value, Mapping):
            return dict(self._item(key, inner, (*path, key)) for key, inner in value.items())
        if isinstance(value, list | tuple):
            return [self._any(one, (*path, number)) for number, one in enumerate(value)]
        return value

    def _item(self, key: str, value: Any, path: Path) -> tuple[str, Any]:
        table = table_of(self.known(key))
        if table is None or isinstance(value, Mapping):
            return key, self._any(value, path)
        return self.rename(key), self._named(value, table, path)

    def _named(self, value: Any, table: str, path: Path) -> Any:
        if value is None:
            return None
        if isinstance(value, list | tuple):
            return [self._named(one, table, (*path, n)) for n, one in enumerate(value)]
        return self.translate(table, value, path)
