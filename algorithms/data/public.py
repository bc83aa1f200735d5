"""Public problem sets by name: what their fields are called, and what they become here."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from algorithms.base import UserError
from algorithms.data.graders.boxed import last_boxed
from algorithms.data.graders.numbers import canonical
from algorithms.data.records import Record, format_of, read
from algorithms.data.roots import DATA_ROOTS_VARIABLE, allowed_path, roots_of
from algorithms.data.rows import BadRow, FieldMapping, Row, RowChecker
from algorithms.sources import PublicSource

Values = Mapping[str, object]


@dataclass(frozen=True)
class Fields:
    """What a record says, before it is checked; None where it does not say it."""

    prompt: object
    answer: object
    solution: object = None
    """The worked solution, where the set has one."""
    group: object = None
    id: object = None


@dataclass(frozen=True)
class Hub:
    """Where a set is on the hub, and which of its splits becomes what."""

    name: str
    subset: str
    splits: Mapping[str, str]
    """Upstream split by ours."""


@dataclass(frozen=True)
class PublicSet:
    """One problem set."""

    title: str
    licence: str
    grader: str
    """Which grader fits its answers."""
    files: Mapping[str, str]
    """The split that each local file becomes."""
    hub: Hub
    fields: Callable[[Values], Fields]


def _first(values: Values, *names: str) -> object:
    return next((values[name] for name in names if values.get(name) is not None), None)


def _number(value: object) -> object:
    """Return a number without trailing zeros: data sets write 51 as 51.0."""
    return (canonical(str(value)) or value) if isinstance(value, str | int | float) else value


def _gsm8k(values: Values) -> Fields:
    solution = values.get("answer")
    final = str(solution).rpartition("####")[2].strip() if solution is not None else None
    return Fields(values.get("question"), _number(final), solution)


def _math(values: Values) -> Fields:
    solution, answer = values.get("solution"), values.get("answer")
    if answer is None and solution is not None:
        answer = last_boxed(str(solution))
    subject, level = _first(values, "subject", "type"), values.get("level")
    named = f"Level {level}" if str(level).isdecimal() else level
    group = ", ".join(str(part) for part in (subject, named) if part is not None) or None
    return Fields(values.get("problem"), answer, solution, group, _first(values, "id", "unique_id"))


def _story(values: Values) -> Fields:
    """Read SVAMP, ASDiv and MAWPS: short stories with a number as answer."""
    question = _first(values, "question", "Question")
    body = _first(values, "body", "Body")
    prompt = question if body is None else f"{body} {question}"
    answer = _first(values, "answer", "Answer", "result")
    plain = str(answer).partition("(")[0].strip() if isinstance(answer, str) else answer
    group = _first(values, "subset", "type", "Type", "solution_type")
    return Fields(prompt, _number(plain), None, group, _first(values, "id", "ID"))


def _aqua(values: Values) -> Fields:
    options = values.get("options")
    prompt = values.get("question")
    if isinstance(options, list) and prompt is not None:
        prompt = "\n".join([str(prompt), "Options:", *(str(option) for option in options)])
    return Fields(prompt, values.get("correct"), values.get("rationale"))


PUBLIC_SETS: Mapping[str, PublicSet] = {
    "gsm8k": PublicSet(
        "GSM8K: word problems of primary school",
        "MIT",
        "number",
        {"train.jsonl": "train", "test.jsonl": "test"},
        Hub("openai/gsm8k", "main", {"train": "train", "test": "test"}),
        _gsm8k,
    ),
    "math": PublicSet(
        "MATH: competition problems with LaTeX answers; its test split is MATH-500",
        "MIT; the problems come from AMC, AIME and AoPS and their rights are disputed: "
        "do not pass copies on",
        "math",
        {"train.jsonl": "train", "math500.jsonl": "test", "test_rest.jsonl": "rest"},
        Hub("nlile/hendrycks-MATH-benchmark", "", {"train": "train", "test": "test"}),
        _math,
    ),
    "svamp": PublicSet(
        "SVAMP: varied simple word problems",
        "MIT",
        "number",
        {"problems.jsonl": "test", "train.jsonl": "train", "test.jsonl": "test"},
        Hub("ChilleD/SVAMP", "", {"train": "train", "test": "test"}),
        _story,
    ),
    "asdiv": PublicSet(
        "ASDiv: word problems of grades 1 to 6",
        "CC BY-NC 4.0: not for commercial use; name Miao, Liang and Su, ACL 2020",
        "number",
        {"problems.jsonl": "test"},
        Hub("EleutherAI/asdiv", "", {"test": "validation"}),
        _story,
    ),
    "mawps": PublicSet(
        "MAWPS: AddSub, MultiArith, SingleEq and SingleOp",
        "no licence is stated by its authors: do not pass copies on",
        "number",
        {"problems.jsonl": "test"},
        Hub("MU-NLPC/Calc-mawps", "", {"train": "train", "test": "test"}),
        _story,
    ),
    "aqua": PublicSet(
        "AQuA: algebra with five options",
        "Apache-2.0",
        "choice",
        {"train.jsonl": "train", "dev.jsonl": "dev", "test.jsonl": "test"},
        Hub("deepmind/aqua_rat", "raw", {"train": "train", "dev": "validation", "test": "test"}),
        _aqua,
    ),
}
"""By the names that `PublicSource.name` takes."""

_MAPPING = FieldMapping("prompt", "answer", "id", "split", "group")


@dataclass
class Reader:
    """Turns records of a public set into rows, one after the other."""

    source: PublicSource

    def __post_init__(self) -> None:
        self._checker = RowChecker(_MAPPING)

    def row(self, record: Record, split: str) -> Row | BadRow:
        """Return the row of a record, or what is wrong with it."""
        told = PUBLIC_SETS[self.source.name].fields(record.values)
        answer = told.answer
        if self.source.answers == "solution" and told.solution is not None and _says(answer):
            answer = told.solution
        values = {
            "prompt": told.prompt,
            "answer": answer,
            "id": told.id or f"{self.source.name}-{split}-{record.line:05}",
            "split": split,
            "group": told.group,
        }
        return self._checker.check(replace(record, values=values))


def _says(answer: object) -> bool:
    """Whether there is a final answer: a solution without one can be graded by nothing."""
    return answer is not None and bool(str(answer).strip())


def read_local(source: PublicSource) -> Iterator[Row | BadRow]:
    """Yield a Row or a BadRow for every record of the set's files in a folder.

    Raises:
        UserError: the folder is not allowed or not there, or holds none of the files.
    """
    folder = _folder(source)
    reader = Reader(source)
    files = PUBLIC_SETS[source.name].files
    present = [name for name in files if (folder / name).is_file()]
    if not present:
        raise UserError(
            f"The folder {folder.name!r} holds none of the files of {source.name}: "
            f"{', '.join(files)}. Name the folder that does."
        )
    for name in present:
        path = allowed_path(str(folder / name), DATA_ROOTS_VARIABLE)
        for item in read(path, format_of(path)):
            found = reader.row(item, files[name]) if isinstance(item, Record) else item
            yield replace(found, file=name) if isinstance(found, BadRow) else found


def _folder(source: PublicSource) -> Path:
    if source.path:
        return allowed_path(source.path, DATA_ROOTS_VARIABLE)
    for root in roots_of(DATA_ROOTS_VARIABLE):
        if (root / source.name).is_dir():
            return allowed_path(str(root / source.name), DATA_ROOTS_VARIABLE)
    raise UserError(
        f"No folder called {source.name!r} is in the folders that the administrator lists in "
        f"{DATA_ROOTS_VARIABLE}. Name the folder with the files, or take the set from the hub."
    )
