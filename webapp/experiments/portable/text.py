"""YAML text to data and back; every value knows its line. Nothing is executed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

MAX_CHARACTERS = 1_000_000
MAX_VALUES = 100_000
"""Aliases repeat values; more than this is no experiment."""

Path = tuple[str | int, ...]
_LINE_ENDS = {"\x85", "\u2028", "\u2029"}
_COLLECTIONS = {f"tag:yaml.org,2002:{name}" for name in ("seq", "map")}
_PLAIN = {f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null")}
_EXPONENT = re.compile(r"^[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)[eE][-+]?[0-9]+$")
"""3e-4 is a number, as everybody but YAML 1.1 reads it."""


class YamlError(Exception):
    """The text is no YAML, or says something that no experiment can mean."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line
        """From 1."""


@dataclass(frozen=True)
class Parsed:
    """Plain data, and where each part of it stands."""

    data: Any
    lines: Mapping[Path, int]
    """Line of each value, from 1, by its path."""

    def line(self, path: Path) -> int | None:
        """Return the line of a path, or of the deepest part of it that the text has.

        Parts that the text has not (such as pydantic's names of alternatives) are passed over.
        """
        found: Path = ()
        for part in path:
            if (*found, part) in self.lines:
                found = (*found, part)
        return self.lines.get(found)


class _Loader(yaml.SafeLoader):
    """Dates stay text; numbers may be written as in Python."""


class _Dumper(yaml.SafeDumper):
    """Writes what `_Loader` reads back."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - yaml passes it
        """Write repeated values out: people read the file."""
        return True


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if not tag.endswith(":timestamp")]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _kind in (_Loader, _Dumper):
    _kind.add_implicit_resolver("tag:yaml.org,2002:float", _EXPONENT, list("-+.0123456789"))


def _text(dumper: yaml.SafeDumper, value: str) -> ScalarNode:
    odd = _LINE_ENDS & set(value)  # YAML 1.1 takes them for line ends
    style = '"' if odd else "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def dump(data: Mapping[str, Any]) -> str:
    """Return plain data (what JSON can say) as YAML; `parse` reads exactly this back."""
    written: str = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return written


def parse(text: str) -> Parsed:
    """Return the data of one YAML document (JSON is one too); keys are always text.

    Raises:
        YamlError: it is not YAML, too large, names a key twice, or holds tags of other languages.
    """
    if len(text) > MAX_CHARACTERS:
        raise YamlError(f"The text has more than {MAX_CHARACTERS:,} characters.")
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            walk = _Walk(loader)
            data = walk.value(node, ()) if node is not None else None
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = " ".join(filter(None, (error.context, error.problem)))
        raise YamlError(f"This is no YAML: {said}.", mark.line + 1 if mark else None) from error
    except yaml.YAMLError as error:
        raise YamlError(f"This is no YAML: {error}") from error
    except RecursionError as error:
        raise YamlError("Values are nested too deeply.") from error
    return Parsed(data, walk.lines)


class _Walk:
    """Turns nodes into data and keeps their lines."""

    def __init__(self, loader: _Loader) -> None:
        self.lines: dict[Path, int] = {}
        self._loader = loader
        self._open: set[int] = set()

    def value(self, node: Node, path: Path) -> Any:
        line = node.start_mark.line + 1
        self.lines.setdefault(path, line)
        if len(self.lines) > MAX_VALUES:
            raise YamlError(f"There are more than {MAX_VALUES:,} values.", line)
        if isinstance(node, ScalarNode):
            return self._scalar(node, line)
        if id(node) in self._open:
            raise YamlError("An alias contains itself.", line)
        if node.tag not in _COLLECTIONS:
            raise YamlError(f"{node.tag} is no list and no mapping.", line)
        self._open.add(id(node))
        try:
            if isinstance(node, SequenceNode):
                return [self.value(one, (*path, n)) for n, one in enumerate(node.value)]
            assert isinstance(node, MappingNode)
            return self._mapping(node, path)
        finally:
            self._open.discard(id(node))

    def _scalar(self, node: ScalarNode, line: int) -> Any:
        if node.tag not in _PLAIN:
            raise YamlError(f"{node.tag} is no text, number, true, false or null.", line)
        try:
            return self._loader.construct_object(node)
        except ValueError as error:
            raise YamlError(f"{node.value!r} cannot be read: {error}.", line) from error

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        self._keys_once(node)
        self._loader.flatten_mapping(node)
        found: dict[str, Any] = {}
        for key, value in node.value:  # what `<<` merges stands first and is overridden
            self.lines[(*path, key.value)] = key.start_mark.line + 1
            found[key.value] = self.value(value, (*path, key.value))
        return found

    @staticmethod
    def _keys_once(node: MappingNode) -> None:
        seen: set[str] = set()
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, ScalarNode):
                raise YamlError("A name must be a text.", line)
            if key.value in seen:
                raise YamlError(f"{key.value} is given twice.", line)
            if key.value != "<<":
                seen.add(key.value)
