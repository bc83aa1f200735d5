"""A dataset job: rows from each source, bad ones listed, nothing outside the allowed folders."""

from pathlib import Path

import datasets
import pyarrow.parquet as pq
import pytest

from algorithms.base import Stopped, UserError
from algorithms.sources import ArithmeticSource, FileSource, HubSource
from algorithms.specs import DatasetSpec
from tests.algorithms.training.world import Recorder, World

GOOD = '{"prompt": "1+1=", "answer": 2, "id": "%s"}\n'


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that jobs may read."""
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("LAB_DATA_ROOTS", str(folder))
    return folder


@pytest.fixture
def empty(tmp_path: Path) -> World:
    """Return a world without artifacts."""
    (tmp_path / "world").mkdir()
    return World(tmp_path / "world")


def from_path(path: Path | str, **fields: str) -> DatasetSpec:
    return DatasetSpec(source=FileSource(path=str(path), **fields))


def test_the_generator_fills_both_splits(empty: World) -> None:
    spec = DatasetSpec(source=ArithmeticSource(train=30, test=10))
    assert empty.run("d", "dataset", spec) == {"rows": 40, "bad_rows": 0, "train": 30, "test": 10}
    table = pq.read_table(empty.folder / "d" / "rows.parquet")
    assert table.column_names == ["id", "prompt", "answer", "split", "group"]
    assert len(set(table["id"].to_pylist())) == 40


def test_a_file_becomes_one_split_and_its_bad_rows_are_all_listed(empty: World, data: Path) -> None:
    (data / "a.jsonl").write_text(GOOD % 1 + "broken\n" * 50 + GOOD % 1)
    reporter = Recorder()
    spec = from_path(data / "a.jsonl", id_field="id", split="test")
    assert empty.run("d", "dataset", spec, reporter=reporter) == {
        "rows": 1,
        "bad_rows": 51,
        "test": 1,
    }
    bad = pq.read_table(empty.folder / "d" / "bad_rows.parquet").to_pylist()
    assert [row["line"] for row in bad] == list(range(2, 53))
    assert bad[-1]["reason"] == "the id '1' is already taken"
    assert reporter.messages[0].startswith("warning: Line 2: the line is not valid JSON")
    assert reporter.messages[-1].startswith("warning: 51 bad rows in all")


def test_a_folder_is_read_file_by_file_with_ids_that_name_them(empty: World, data: Path) -> None:
    (data / "b.csv").write_text("prompt,answer\nx,1\n,2\n")
    (data / "a.jsonl").write_text(GOOD % 1)
    (data / "notes.txt").write_text("hello")
    reporter = Recorder()
    summary = empty.run("d", "dataset", from_path(data), reporter=reporter)
    assert (summary["rows"], summary["bad_rows"]) == (2, 1)
    ids = pq.read_table(empty.folder / "d" / "rows.parquet")["id"].to_pylist()
    assert ids == ["a.jsonl:1", "b.csv:2"]
    assert "info: Left out 1 files of other formats: notes.txt." in reporter.messages
    assert "warning: b.csv, line 3: the field 'prompt' is empty." in reporter.messages


@pytest.mark.parametrize("content", ["", "{}\n", "nonsense\n"])
def test_a_file_without_a_usable_row_says_so(empty: World, data: Path, content: str) -> None:
    (data / "a.jsonl").write_text(content)
    with pytest.raises(UserError, match="The source holds no usable row"):
        empty.run("d", "dataset", from_path(data / "a.jsonl"))


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "data/../secret.jsonl", "data/link.jsonl", "data/none.jsonl", "a\0b"]
)
def test_nothing_outside_the_allowed_folders_is_read_or_told_apart_from_missing(
    empty: World, data: Path, tmp_path: Path, path: str
) -> None:
    (tmp_path / "secret.jsonl").write_text(GOOD % 1)
    (data / "link.jsonl").symlink_to(tmp_path / "secret.jsonl")
    asked = path if path.startswith("/") else f"{tmp_path}/{path}"
    with pytest.raises(UserError, match="is not a file or folder that jobs may read"):
        empty.run("d", "dataset", from_path(asked))


def test_a_link_inside_a_folder_does_not_lead_out(empty: World, data: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.jsonl").write_text(GOOD % 1)
    (data / "link.jsonl").symlink_to(tmp_path / "secret.jsonl")
    with pytest.raises(UserError, match="is not a file or folder that jobs may read"):
        empty.run("d", "dataset", from_path(data))


def test_without_allowed_folders_no_path_is_read(
    empty: World, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (data / "a.jsonl").write_text(GOOD % 1)
    monkeypatch.delenv("LAB_DATA_ROOTS")
    with pytest.raises(UserError, match="LAB_DATA_ROOTS"):
        empty.run("d", "dataset", from_path(data / "a.jsonl"))


@pytest.mark.parametrize("name", ["gsm8k", "../data", "/etc/passwd", "a/b/c", "-x/y"])
def test_a_hub_id_is_an_organisation_and_a_name(empty: World, name: str) -> None:
    with pytest.raises(UserError, match="is not a hub id"):
        empty.run("d", "dataset", DatasetSpec(source=HubSource(name=name)))


def test_an_organisation_must_be_allowed(empty: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_HUB_ORGANISATIONS", "other, third")
    with pytest.raises(UserError, match="Downloads from 'openai' are not allowed here"):
        empty.run("d", "dataset", DatasetSpec(source=HubSource(name="openai/gsm8k")))


def test_a_hub_that_cannot_be_reached_says_what_to_do(
    empty: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_HUB_ORGANISATIONS", "OpenAI")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)  # else 24 s of retries
    with pytest.raises(UserError, match="The hub cannot be reached from this worker"):
        empty.run("d", "dataset", DatasetSpec(source=HubSource(name="openai/gsm8k")))


def test_a_long_job_stops_when_it_is_asked_to(empty: World) -> None:
    spec = DatasetSpec(source=ArithmeticSource(digits=4, train=5000, test=10))
    with pytest.raises(Stopped):
        empty.run("d", "dataset", spec, reporter=Recorder(stop_after=2))


def test_hub_records_become_rows_of_both_splits_and_bad_ones_are_listed(
    empty: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream = {
        "train": [{"question": "1+1=", "answer": "2"}, {"question": "", "answer": "2"}],
        "validation": [{"question": "2+2=", "answer": "4"}],
    }

    def load_from_memory(name: str, subset: str | None, *, split: str) -> datasets.Dataset:
        assert (name, subset) == ("lab/sums", None)
        return datasets.Dataset.from_list(upstream[split])

    monkeypatch.setenv("LAB_HUB_ORGANISATIONS", "lab")
    monkeypatch.setattr("algorithms.data.hub.load_dataset", load_from_memory)
    source = HubSource(name="lab/sums", test_split="validation")
    summary = empty.run("d", "dataset", DatasetSpec(source=source))
    assert summary == {"rows": 2, "bad_rows": 1, "train": 1, "test": 1}
    rows = pq.read_table(empty.folder / "d" / "rows.parquet").to_pylist()
    assert [(row["id"], row["split"]) for row in rows] == [("train-1", "train"), ("test-1", "test")]
    missing = HubSource(name="lab/sums", test_split="", answer_field="gold")
    with pytest.raises(UserError, match="has no column 'gold'"):
        empty.run("e", "dataset", DatasetSpec(source=missing))
