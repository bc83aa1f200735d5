"""Rows of uploaded files: good ones come through unchanged, every bad one is reported."""

import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from algorithms.base import UserError
from algorithms.data.lines import MAX_LINE_BYTES
from algorithms.data.rows import BadRow, FieldMapping, Format, Row, RowChecker, columns, parse


def rows_of(path: Path, mapping: FieldMapping | None = None) -> list[Row]:
    return [item for item in parse(path, mapping or FieldMapping()) if isinstance(item, Row)]


def bad_of(path: Path, mapping: FieldMapping | None = None) -> list[tuple[int, str]]:
    found = parse(path, mapping or FieldMapping())
    return [(item.line, item.reason) for item in found if isinstance(item, BadRow)]


def write(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


GOOD = '{"prompt": "1+1=", "answer": "2"}\n'


def test_a_jsonl_line_becomes_a_row_numbered_by_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", GOOD + GOOD)
    assert rows_of(path) == [Row("1", "1+1=", "2", "train"), Row("2", "1+1=", "2", "train")]


def test_mapping_chooses_columns_id_and_split(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '{"q": "x", "a": 7, "key": "k1", "part": "test"}')
    mapping = FieldMapping(prompt="q", answer="a", id="key", split="part")
    assert rows_of(path, mapping) == [Row("k1", "x", "7", "test")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"prompt": "", "answer": "2"}', "the field 'prompt' is empty"),
        (b'{"prompt": "  ", "answer": "2"}', "the field 'prompt' is empty"),
        (b'{"answer": "2"}', "the field 'prompt' is missing"),
        (b'{"prompt": null, "answer": "2"}', "the field 'prompt' is null"),
        (b'{"prompt": ["a"], "answer": "2"}', "the field 'prompt' is a list"),
        (b'{"prompt": "a", "answer": true}', "the field 'answer' is a bool"),
        (b'{"prompt": "a\xff", "answer": "2"}', "the line is not valid UTF-8"),
        (b'{"prompt": "\\ud800", "answer": "2"}', "the field 'prompt' is not valid UTF-8"),
        (b'{"prompt": "a\\u0000b", "answer": "2"}', "the field 'prompt' contains a NUL"),
        (b'{"prompt": "a\0b", "answer": "2"}', "the line is not valid JSON"),
        (b'{"prompt": "a", "answer": NaN}', "the line is not valid JSON: NaN"),
        (b'{"prompt": "a", ', "the line is not valid JSON"),
        (b'["a", "b"]', "the line is not a JSON object"),
        (b"[" * 100_000, "the line is nested too deeply"),
        (b"", "the line is empty"),
    ],
)
def test_a_bad_jsonl_line_is_reported_with_its_number_between_good_ones(
    tmp_path: Path, line: bytes, reason: str
) -> None:
    path = write(tmp_path / "a.jsonl", GOOD.encode() + line + b"\n" + GOOD.encode())
    assert [row.id for row in rows_of(path)] == ["1", "3"]
    [(number, said)] = bad_of(path)
    assert number == 2
    assert said.startswith(reason)


def test_an_integer_too_large_for_python_is_kept_as_text(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '{"prompt": "x", "answer": ' + "9" * 50_000 + "}")
    assert rows_of(path)[0].answer == "9" * 50_000


def test_a_repeated_id_is_reported_also_over_several_files(tmp_path: Path) -> None:
    line = '{"prompt": "x", "answer": "1", "id": "same"}\n'
    first, second = (write(tmp_path / name, line) for name in ("a.jsonl", "b.jsonl"))
    mapping = FieldMapping(id="id")
    assert bad_of(write(tmp_path / "c.jsonl", line * 2), mapping) == [
        (2, "the id 'same' is already taken")
    ]
    checker = RowChecker(mapping)
    items = [item for path in (first, second) for item in parse(path, mapping, checker=checker)]
    assert [type(item) for item in items] == [Row, BadRow]


def test_an_id_longer_than_a_key_and_a_split_that_is_no_word_are_reported(tmp_path: Path) -> None:
    record = {"prompt": "x", "answer": "1", "id": "i" * 201, "split": "train"}
    other = record | {"id": "short", "split": "../up"}
    path = write(tmp_path / "a.jsonl", json.dumps(record) + "\n" + json.dumps(other))
    reasons = [reason for _, reason in bad_of(path, FieldMapping(id="id", split="split"))]
    assert reasons == [
        "the id has 201 characters; at most 200 fit",
        "the split '../up' is not a short word",
    ]


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_a_byte_order_mark_is_no_part_of_the_data(tmp_path: Path, ending: str) -> None:
    content = GOOD if ending == "jsonl" else "prompt,answer\n1+1=,2\n"
    path = write(tmp_path / f"a.{ending}", b"\xef\xbb\xbf" + content.encode())
    assert rows_of(path)[0].prompt == "1+1="


def test_utf_16_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "prompt,answer\n".encode("utf-16"))
    with pytest.raises(UserError, match="Save it as UTF-8"):
        rows_of(path)


def test_empty_lines_at_the_end_are_no_rows_and_blocks_of_them_are_one_report(
    tmp_path: Path,
) -> None:
    path = write(tmp_path / "a.jsonl", GOOD + "\n" * 1000 + GOOD + "\n\n")
    assert bad_of(path) == [(2, "1,000 empty lines from here on")]


def test_an_empty_jsonl_file_has_no_rows_and_an_empty_csv_file_no_header(tmp_path: Path) -> None:
    assert list(parse(write(tmp_path / "a.jsonl", ""), FieldMapping())) == []
    with pytest.raises(UserError, match="it has no header line"):
        rows_of(write(tmp_path / "a.csv", ""))


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_a_line_longer_than_the_limit_is_skipped_and_the_next_one_read(
    tmp_path: Path, ending: str
) -> None:
    head = "" if ending == "jsonl" else "prompt,answer\n"
    good = GOOD if ending == "jsonl" else "1+1=,2\n"
    path = write(tmp_path / f"a.{ending}", head + good + "x" * (3 * MAX_LINE_BYTES) + "\n" + good)
    assert len(rows_of(path)) == 2
    [(number, reason)] = bad_of(path)
    assert number == (2 if ending == "jsonl" else 3)
    assert reason.startswith("the line has 3,145,7")


@pytest.mark.parametrize(("ending", "size"), [("jsonl", 2**30), ("csv", 2**27)])
def test_a_gigabyte_without_a_line_break_needs_little_memory(
    tmp_path: Path, ending: str, size: int
) -> None:
    path = tmp_path / f"a.{ending}"
    with path.open("wb") as file:
        file.write(b"prompt,answer\n" if ending == "csv" else GOOD.encode())
        file.truncate(size)  # a hole in the file: NUL bytes that take no room on disk
    script = (
        "import resource, sys; from pathlib import Path\n"
        "from algorithms.data.rows import FieldMapping, parse\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "items = list(parse(Path(sys.argv[1]), FieldMapping()))\n"
        "after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "print(len(items), after - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], check=True, capture_output=True, text=True
    )
    count, kilobytes = map(int, done.stdout.split())
    assert count == (2 if ending == "jsonl" else 1)
    assert kilobytes < 64 * 1024


def test_csv_quotes_commas_and_line_breaks_inside_fields(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", 'prompt,answer\n"a, ""b""\nc",1\nnext,2\n')
    assert [(row.id, row.prompt) for row in rows_of(path)] == [("2", 'a, "b"\nc'), ("4", "next")]


@pytest.mark.parametrize(
    "text", ["=HYPERLINK(1)", "@SUM(A1)", "+1", "-2", "<script>alert(1)</script>", "'; DROP TABLE"]
)
def test_formulas_and_markup_are_plain_text_and_kept_as_they_are(tmp_path: Path, text: str) -> None:
    path = write(tmp_path / "a.csv", f"prompt,answer\n{text},{text}\n")
    assert rows_of(path) == [Row("2", text, text, "train")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"only one", "1 fields where the header has 2"),
        (b"a,b,c", "3 fields where the header has 2"),
        (b"a\xff,2", "the field 'prompt' is not valid UTF-8"),
        (b"a\0,2", "the field 'prompt' contains a NUL character"),
        (b",2", "the field 'prompt' is empty"),
        (b'"a"b,2', "not valid CSV up to line 3"),
        (b"", "the line is empty"),
    ],
)
def test_a_bad_csv_line_is_reported_with_its_number_between_good_ones(
    tmp_path: Path, line: bytes, reason: str
) -> None:
    path = write(tmp_path / "a.csv", b"prompt,answer\nx,1\n" + line + b"\ny,2\n")
    assert [row.prompt for row in rows_of(path)] == ["x", "y"]
    [(number, said)] = bad_of(path)
    assert number == 3
    assert said.startswith(reason)


def test_a_quote_that_is_never_closed_is_reported_where_it_opens(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", 'prompt,answer\nx,1\n"open,2\ny,3\n')
    assert [row.prompt for row in rows_of(path)] == ["x"]
    assert bad_of(path)[0][0] == 3


def test_a_column_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "question,answer\nx,1\n")
    with pytest.raises(UserError, match=r"no column 'prompt'. Its columns: 'question', 'answer'"):
        rows_of(path)


def test_a_repeated_column_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="'prompt' more than once"):
        rows_of(write(tmp_path / "a.csv", "prompt,prompt,answer\na,b,c\n"))


def test_parquet_rows_numbers_and_nulls(tmp_path: Path) -> None:
    table = pa.table({"prompt": ["a", None, "c"], "answer": [1, 2, 3]})
    path = tmp_path / "a.parquet"
    pq.write_table(table, path)
    assert rows_of(path) == [Row("1", "a", "1", "train"), Row("3", "c", "3", "train")]
    assert bad_of(path) == [(2, "the field 'prompt' is null")]


def test_invalid_utf_8_inside_parquet_is_one_bad_row(tmp_path: Path) -> None:
    texts = pa.array([b"good", b"bad\xff"], pa.binary())
    damaged = pa.Array.from_buffers(pa.string(), 2, texts.buffers())
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"prompt": damaged, "answer": ["1", "2"]}), path)
    assert [row.prompt for row in rows_of(path)] == ["good"]
    assert bad_of(path) == [(2, "the field 'prompt' is not valid UTF-8")]


def test_a_truncated_parquet_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"prompt": ["a"], "answer": ["b"]}), path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UserError, match="not a readable Parquet file"):
        rows_of(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.csv", "q,a\n"), ("a.jsonl", '{"q": 1}\n{"a": 2}\n'), ("b.csv", "q,a\n1,2\n")],
)
def test_columns_are_found_for_the_field_mapping(tmp_path: Path, name: str, content: str) -> None:
    kind: Format = "csv" if name.endswith("csv") else "jsonl"
    assert columns(write(tmp_path / name, content), kind) == ["q", "a"]


def test_an_unknown_ending_says_which_are_known(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"\.jsonl, \.ndjson, \.csv, \.parquet"):
        rows_of(write(tmp_path / "a.xlsx", ""))
