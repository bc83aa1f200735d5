"""A file of an experiment, read and checked as far as no database is needed for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from webapp.experiments.configs import AnyConfig, config_of, family_of
from webapp.experiments.portable import trinity
from webapp.experiments.portable.document import Document
from webapp.experiments.portable.nodes import SourceNodes, only, source_nodes
from webapp.experiments.portable.references import (
    Ids,
    Path,
    UnknownNameError,
    read_key,
    with_ids,
    written_key,
)
from webapp.experiments.portable.text import Parsed, YamlError, parse

_REQUIRED = {"dataset": "datasets", "policy": "policies"}


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a file."""

    path: Path
    """Names down to the field, such as config, seeds, 1; empty for the file as a whole."""
    message: str
    line: int | None = None
    """From 1; None where the text cannot be read that far."""

    @property
    def field(self) -> str:
        """The path in one word: `config.seeds.1`."""
        return ".".join(map(str, self.path))

    def __str__(self) -> str:
        where = ", ".join(filter(None, (f"line {self.line}" if self.line else "", self.field)))
        return f"{where[:1].upper()}{where[1:]}: {self.message}" if where else self.message


@dataclass(frozen=True)
class Reading:
    """What a text says: a checked document, or what is wrong with it."""

    text: str
    document: Document | None = None
    nodes: SourceNodes = field(default_factory=SourceNodes)
    """The jobs that make its sources."""
    config: AnyConfig | None = None
    """The config with sources by their places in the file (`nodes.numbers`); None where anything
    is wrong."""
    problems: tuple[Problem, ...] = ()
    not_understood: tuple[str, ...] = ()
    """What a file of Trinity-RFT says that has no meaning here, a sentence each."""
    problem: Callable[[Path, str], Problem] = Problem
    """`problem(path of the document, message)`: the problem with its line in the text."""


def read(text: str) -> Reading:
    """Return what a text says; problems name line and field, nothing is made."""
    try:
        parsed = parse(text)
    except YamlError as error:
        return Reading(text, problems=(Problem((), str(error), error.line),))
    if not isinstance(parsed.data, Mapping):
        return Reading(text, problems=(Problem((), "This is no experiment: give settings."),))
    if not trinity.is_trinity(parsed.data):
        return _Reader(text, parsed, {}).read(parsed.data)
    translated = trinity.translate(parsed.data)
    found = _Reader(text, parsed, translated.origins).read(translated.data)
    return replace(found, not_understood=translated.not_understood)


def config_with(document: Document, ids: Ids) -> AnyConfig:
    """Return the config of a document whose sources have these ids.

    Raises:
        UnknownNameError: the config names a source that has no id.
        pydantic.ValidationError: the config is wrong.
    """
    return config_of(with_ids(_complete(document), ids))


def _complete(document: Document) -> dict[str, Any]:
    """Return the config, naming the only dataset and policy where it names none."""
    found = dict(document.config)
    learns_from_data = family_of(found.get("recipe")) == "control"
    for key, table in _REQUIRED.items():
        if learns_from_data and key == "policy":
            continue
        if read_key(key) not in found and key not in found:
            name = only("", getattr(document, table))
            if name:
                found[key] = name
    return found


@dataclass(frozen=True)
class _Reader:
    text: str
    parsed: Parsed
    origins: Mapping[Path, Path]
    """Where the parts of a translated document stood."""

    def read(self, data: Mapping[str, Any]) -> Reading:
        try:
            document = Document.model_validate(data)
        except ValidationError as error:
            return Reading(self.text, problems=tuple(map(self._placed, error.errors())))
        nodes = source_nodes(document)
        problems = [self._problem(error.path, str(error)) for error in nodes.errors]
        config = None
        try:
            config = config_with(document, nodes.numbers)
        except UnknownNameError as error:
            problems.append(self._unknown(error, nodes))
        except ValidationError as error:
            problems += [self._placed(one, ("config",)) for one in error.errors()]
        if problems:
            config = None
        return Reading(self.text, document, nodes, config, tuple(problems), problem=self._problem)

    def _unknown(self, error: UnknownNameError, nodes: SourceNodes) -> Problem:
        known = ", ".join(nodes.numbers.table(error.table))
        message = f"There is no {error.name!r} under {error.table}. Known: {known or 'nothing'}."
        return self._problem(("config", *error.path), message)

    def _placed(self, error: ErrorDetails, above: Path = ()) -> Problem:
        path = (*above, *(written_key(p) if isinstance(p, str) else p for p in error["loc"]))
        return self._problem(path, _sentence(error, path))

    def _problem(self, path: Path, message: str) -> Problem:
        own = self._origin(path)
        return Problem(own, message, self.parsed.line(own))

    def _origin(self, path: Path) -> Path:
        """Return where a part of a translated document stood; the path itself in our own files."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.origins:
                return self.origins[path[:length]]
        return path


def _sentence(error: ErrorDetails, path: Path) -> str:
    if error["type"] == "missing":
        table = _REQUIRED.get(str(path[-1])) if path[:1] == ("config",) else None
        return f"Name one of the {table} of this file." if table else "This field is required."
    if error["type"] == "extra_forbidden":
        return "There is no such setting."
    return error["msg"].removeprefix("Value error, ")
