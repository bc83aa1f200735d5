"""Public problem sets: what their fields become; the real files where they are here."""

import json
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from algorithms.asking import Grading
from algorithms.base import UserError
from algorithms.data.grading import Item, grade_all
from algorithms.data.public import PUBLIC_SETS, Reader, read_local
from algorithms.data.records import Record
from algorithms.data.roots import DATA_ROOTS_VARIABLE
from algorithms.data.rows import BadRow, Row
from algorithms.sources import PublicSource

SHARED = Path(os.environ.get("LAB_SHARED_DATA", ""))
real = pytest.mark.skipif(
    not (SHARED / "gsm8k").is_dir(), reason="LAB_SHARED_DATA names no folder with the public sets"
)


def row(name: str, values: Mapping[str, object], **settings: object) -> Row | BadRow:
    source = PublicSource.model_validate({"name": name, **settings})
    return Reader(source).row(Record(3, values, "..."), "test")


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        (
            "gsm8k",
            {"question": "How many?", "answer": "6*200=1200\n#### 1,200"},
            Row("gsm8k-test-00003", "How many?", "1200", "test"),
        ),
        (
            "math",
            {"problem": "p", "solution": r"so \boxed{7}", "level": "Level 2", "type": "Algebra"},
            Row("math-test-00003", "p", "7", "test", "Algebra, Level 2"),
        ),
        (
            "math",
            {"problem": "p", "answer": "7", "level": "5", "subject": "Geometry", "unique_id": "u"},
            Row("u", "p", "7", "test", "Geometry, Level 5"),
        ),
        (
            "svamp",
            {"Body": "He has 3.", "Question": "How many?", "Answer": "51.0", "ID": "c-1"},
            Row("c-1", "He has 3. How many?", "51", "test"),
        ),
        (
            "asdiv",
            {"id": "a", "question": "q", "answer": "6 (balloons)", "type": "Addition"},
            Row("a", "q", "6", "test", "Addition"),
        ),
        (
            "aqua",
            {"question": "q", "options": ["A)1", "B)2"], "correct": "B", "rationale": "r"},
            Row("aqua-test-00003", "q\nOptions:\nA)1\nB)2", "B", "test"),
        ),
    ],
)
def test_fields_of_files_and_of_the_hub_become_rows(
    name: str, values: dict[str, object], expected: Row
) -> None:
    assert row(name, values) == expected


def test_the_worked_solution_may_be_the_answer() -> None:
    values = {"problem": "p", "solution": r"so \boxed{7}", "answer": "7"}
    found = row("math", values, answers="solution")
    assert isinstance(found, Row)
    assert found.answer == r"so \boxed{7}"


@pytest.mark.parametrize("answers", ["final", "solution"])
def test_a_row_without_an_answer_is_reported_with_its_line(answers: str) -> None:
    for name, values in (
        ("math", {"problem": "p", "solution": r"\boxed{}", "answer": ""}),
        ("asdiv", {"question": "q", "answer": None}),
    ):
        found = row(name, values, answers=answers)
        assert isinstance(found, BadRow)
        assert found.line == 3
        assert "'answer' is" in found.reason


def test_files_are_found_by_the_name_of_the_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DATA_ROOTS_VARIABLE, str(tmp_path))
    with pytest.raises(UserError, match="No folder called 'svamp'"):
        list(read_local(PublicSource(name="svamp")))
    (tmp_path / "svamp").mkdir()
    with pytest.raises(UserError, match=r"none of the files of svamp: problems\.jsonl"):
        list(read_local(PublicSource(name="svamp")))
    record = {"id": "s-1", "question": "q", "answer": 2.0}
    (tmp_path / "svamp" / "problems.jsonl").write_text(json.dumps(record) + "\nno json\n")
    first, second = read_local(PublicSource(name="svamp"))
    assert first == Row("s-1", "q", "2", "test")
    assert isinstance(second, BadRow)
    assert (second.file, second.line) == ("problems.jsonl", 2)


@real
@pytest.mark.parametrize(
    ("name", "splits", "bad"),
    [
        ("gsm8k", {"train": 7473, "test": 1119}, 0),
        ("math", {"train": 7498, "test": 500, "rest": 4000}, 2),
        ("svamp", {"test": 499}, 0),
        ("asdiv", {"test": 1051}, 101),
        ("mawps", {"test": 1342}, 0),
        ("aqua", {"dev": 254, "test": 127}, 0),
    ],
)
def test_every_reference_of_the_real_sets_is_graded_correct(
    monkeypatch: pytest.MonkeyPatch, name: str, splits: dict[str, int], bad: int
) -> None:
    monkeypatch.setenv(DATA_ROOTS_VARIABLE, str(SHARED))
    items = list(read_local(PublicSource.model_validate({"name": name})))
    rows = [item for item in items if isinstance(item, Row)]
    assert Counter(item.split for item in rows) == splits
    assert len(items) - len(rows) == bad
    grading = Grading.model_validate({"grader": PUBLIC_SETS[name].grader})
    form = r"So \boxed{%s}." if name == "math" else "So it is. The answer is %s."
    said = [Item(form % row.answer, row.answer, "stop") for row in rows]
    assert Counter(v.grade for v in grade_all(said, grading)) == {"correct": len(rows)}


@real
@pytest.mark.parametrize(("name", "grader"), [("gsm8k", "hash"), ("math", "math")])
def test_every_worked_solution_is_graded_correct(
    monkeypatch: pytest.MonkeyPatch, name: str, grader: str
) -> None:
    monkeypatch.setenv(DATA_ROOTS_VARIABLE, str(SHARED))
    finals = read_local(PublicSource.model_validate({"name": name}))
    worked = read_local(PublicSource.model_validate({"name": name, "answers": "solution"}))
    items = [
        Item(solution.answer, final.answer, "stop")
        for final, solution in zip(finals, worked, strict=True)
        if isinstance(final, Row) and isinstance(solution, Row)
    ]
    verdicts = grade_all(items, Grading.model_validate({"grader": grader}))
    wrong = [i for i, v in zip(items, verdicts, strict=True) if v.grade != "correct"]
    assert wrong == []
    assert len(items) > 8000
