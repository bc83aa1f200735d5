"""What the pages of the rollout browser show: a page of rows, one prompt with its completions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from webapp.jobs.store import default_store
from webapp.results.online_rows import ONLINE_COLUMNS, RowCourse, course_of_row
from webapp.results.rollout_file import (
    GRADES,
    IndexKey,
    RolloutIndex,
    RowFilter,
    key_of,
    matching,
    open_index,
    read_rows,
)
from webapp.results.rollout_selectors import RolloutSet
from webapp.results.rows import ArtifactRow
from webapp.results.statistics import IntArray
from webapp.results.token_texts import Token, split, tokenizer_in

PAGE_ROWS = 50
GREEDY = -1
TEXT_COLUMNS = ("prompt_id", "sample", "prompt", "answer", "completion", "finish_reason")


@dataclass(frozen=True)
class Row:
    """One completion in a list."""

    number: int
    """Its place in the file; what paging goes by."""
    prompt_number: int
    prompt_id: str
    sample: int
    prompt: str
    answer: str
    completion: str
    grade: str
    reward: float | None
    tokens: int
    is_truncated: bool
    course: RowCourse | None = None
    """Of what an online training wrote."""

    @property
    def sample_name(self) -> str:
        """Which completion of its prompt it is."""
        return "greedy" if self.sample == GREEDY else str(self.sample)


@dataclass(frozen=True)
class RowsPage:
    """A page of matching completions."""

    rows: tuple[Row, ...]
    matches: int
    total: int
    first: int
    """Place of the first row among the matches, from 1; 0 where there is none."""
    previous: int | None
    """`before` of the page before."""
    next: int | None
    """`after` of the next page."""

    @property
    def last(self) -> int:
        """Place of the last row among the matches."""
        return self.first + len(self.rows) - 1 if self.rows else 0


@dataclass(frozen=True)
class Completion:
    """One completion with its tokens."""

    row: Row
    matches: bool
    """Whether the filter of the list finds it."""
    tokens: tuple[Token, ...]

    @property
    def logprob(self) -> float | None:
        """Log-probability of the whole completion under the policy that wrote it, in nats."""
        known = [token.logprob for token in self.tokens if token.logprob is not None]
        return sum(known) if known else None

    @property
    def logprob_per_token(self) -> float | None:
        """The same per token."""
        whole = self.logprob
        return None if whole is None else whole / len(self.tokens)


@dataclass(frozen=True)
class PromptPage:
    """One prompt with all its completions, and the prompts around it that the filter finds."""

    number: int
    n_prompts: int
    completions: tuple[Completion, ...]
    previous: int | None
    next: int | None

    @property
    def first(self) -> Row:
        """A row to take prompt, id and answer from."""
        return self.completions[0].row


def rows_page(
    artifact: ArtifactRow, asked: RowFilter, *, after: int | None, before: int | None
) -> RowsPage:
    """Return the page of matches behind the row `after`, or before the row `before`.

    Raises:
        UserError: the filter's expression is none, or the file cannot be read.
    """
    index = open_index(artifact)
    found = matching(key_of(artifact), asked)
    if before is not None:
        stop = int(np.searchsorted(found, before))
        start = max(0, stop - PAGE_ROWS)
    else:
        start = 0 if after is None else int(np.searchsorted(found, after, side="right"))
        stop = min(start + PAGE_ROWS, found.size)
    shown = found[start:stop]
    return RowsPage(
        rows=tuple(read(index, shown)),
        matches=int(found.size),
        total=index.n_rows,
        first=start + 1 if shown.size else 0,
        previous=int(shown[0]) if start > 0 and shown.size else None,
        next=int(shown[-1]) if stop < found.size and shown.size else None,
    )


def read(index: RolloutIndex, numbers: IntArray) -> list[Row]:
    """Return rows of the file, in its order."""
    records = read_rows(index, numbers, (*TEXT_COLUMNS, *ONLINE_COLUMNS))
    return [_row(index, *pair) for pair in zip(numbers.tolist(), records, strict=True)]


def _row(index: RolloutIndex, number: int, record: dict[str, Any]) -> Row:
    code = int(index.grades[number])
    return Row(
        number=number,
        prompt_number=int(index.prompts[number]),
        prompt_id=record["prompt_id"],
        sample=record["sample"],
        prompt=record["prompt"],
        answer=record["answer"],
        completion=record["completion"],
        grade=GRADES[code] if code >= 0 else "",
        reward=float(index.rewards[number]) if index.rewards is not None else None,
        tokens=int(index.lengths[number]),
        is_truncated=bool(index.truncated[number]),
        course=course_of_row(record),
    )


def prompt_page(found: RolloutSet, number: int, asked: RowFilter) -> PromptPage | None:
    """Return one prompt of a set; None where it has no such prompt.

    Raises:
        UserError: the filter's expression is none, or a file cannot be read.
    """
    index = open_index(found.artifact)
    if not 0 <= number < index.n_prompts:
        return None
    matches = matching(key_of(found.artifact), asked)
    numbers = index.rows_of(number)
    tokens = _tokens(found, index, numbers)
    is_match = np.isin(numbers, matches).tolist()
    completions = tuple(
        Completion(row, matches=match, tokens=tuple(own))
        for row, match, own in zip(read(index, numbers), is_match, tokens, strict=True)
    )
    before, behind = _neighbours(index, matches, number)
    return PromptPage(number, index.n_prompts, completions, before, behind)


def _neighbours(
    index: RolloutIndex, matches: IntArray, number: int
) -> tuple[int | None, int | None]:
    """Return the prompts before and behind this one that have a matching completion."""
    start, stop = index.prompt_starts[number], index.prompt_starts[number + 1]
    before = int(np.searchsorted(matches, start)) - 1
    behind = int(np.searchsorted(matches, stop))
    return (
        int(index.prompts[matches[before]]) if before >= 0 else None,
        int(index.prompts[matches[behind]]) if behind < matches.size else None,
    )


def _tokens(found: RolloutSet, index: RolloutIndex, numbers: IntArray) -> Sequence[list[Token]]:
    if "tokens" not in index.columns:
        return [[] for _ in numbers]
    policy = found.origins.get("policy")
    folder = (
        default_store().folder(policy.artifact.path)
        if policy is not None and policy.artifact is not None
        else None
    )
    tokenizer = tokenizer_in(folder) if folder is not None else None
    records = read_rows(index, numbers, ("tokens", "logprobs"))
    return [split(tokenizer, one["tokens"], one.get("logprobs") or []) for one in records]


def lengths_by_grade(artifact: IndexKey) -> dict[str, IntArray]:
    """Return completion lengths by grade; "" holds those without one."""
    index = open_index(artifact.row)
    by_grade = {grade: index.lengths[index.grades == code] for code, grade in enumerate(GRADES)}
    return {**by_grade, "": index.lengths[index.grades < 0]}
