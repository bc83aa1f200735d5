"""Uploads become datasets whole or not at all; datasets in use stay."""

import io
import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from pytest_django import Settings

from algorithms.base import UserError
from algorithms.data.rows import FieldMapping
from algorithms.sources import ArithmeticSource, TinyLlama
from algorithms.specs import DatasetSpec, PolicySpec, TrainSpec
from webapp.accounts.models import User
from webapp.datasets import content, imports, staging
from webapp.datasets.models import Dataset
from webapp.datasets.services import dataset_delete, dataset_from_source, dataset_upload
from webapp.experiments.models import Experiment, ExperimentJob
from webapp.jobs.models import Job
from webapp.jobs.states import JobState
from webapp.jobs.store import default_store
from webapp.policies.services import policy_from_source

GOOD = b'{"prompt": "1+1=", "answer": "2"}\n{"prompt": "2+2=", "answer": 4}\n'


def upload(owner: User, data: bytes = GOOD, **changes: object) -> Dataset:
    arguments = {"name": "sums", "filename": "sums.jsonl", "file": io.BytesIO(data)} | changes
    return dataset_upload(owner=owner, **arguments)  # type: ignore[arg-type]


def rows(dataset: Dataset) -> list[dict[str, str]]:
    return content.RowSequence(dataset.job.artifact)[:]


def test_an_upload_becomes_a_dataset_whose_job_has_succeeded(ada: User) -> None:
    dataset = upload(ada)

    assert dataset.job.state == JobState.SUCCEEDED
    assert dataset.job.artifact.summary == {"rows": 2, "bad_rows": 0, "train": 2}
    assert rows(dataset) == [
        {"id": "1", "prompt": "1+1=", "answer": "2", "split": "train", "group": None},
        {"id": "2", "prompt": "2+2=", "answer": "4", "split": "train", "group": None},
    ]
    artifact = dataset.job.artifact
    default_store().verify(artifact.path, artifact.manifest_sha256)


def test_an_imported_file_leaves_nothing_behind(ada: User, own_var: Path) -> None:
    upload(ada)

    assert list((own_var / "uploads").iterdir()) == []
    assert not [path for path in (own_var / "artifacts").iterdir() if "staging" in path.name]


@pytest.mark.parametrize("format_", ["csv", "parquet"])
def test_csv_and_parquet_hold_the_same_rows_as_jsonl(ada: User, format_: str) -> None:
    table = pa.table({"question": ["1+1=", "2+2="], "target": ["2", "4"]})
    buffer = io.BytesIO()
    if format_ == "parquet":
        pq.write_table(table, buffer)
    else:
        buffer.write(b"question,target\r\n1+1=,2\r\n2+2=,4\r\n")

    dataset = upload(ada, buffer.getvalue(), filename=f"sums.{format_}")

    assert [(row["prompt"], row["answer"]) for row in rows(dataset)] == [
        ("1+1=", "2"),
        ("2+2=", "4"),
    ]


def test_bad_rows_are_refused_and_named_by_line(ada: User) -> None:
    data = GOOD + b"not json\n" + b'{"prompt": "3+3="}\n'

    with pytest.raises(imports.BadRowsError, match=r"2 of 4 rows are bad \(line 3: ") as caught:
        upload(ada, data)

    assert [row.line for row in caught.value.outcome.first_bad] == [3, 4]
    assert not Dataset.objects.exists()
    assert not Job.objects.exists()


def test_good_rows_are_imported_without_the_bad_ones_only_when_asked(ada: User) -> None:
    data = GOOD + b"\xff\xfe broken\n"

    dataset = upload(ada, data, skip_bad_rows=True)

    assert dataset.job.artifact.summary["bad_rows"] == 1
    report = b"".join(content.bad_rows_as_csv(content.folder_of(dataset.job.artifact))).decode()
    assert "3,the line is not valid UTF-8" in report


def test_repeated_ids_are_bad_rows(ada: User) -> None:
    data = b'{"id": "a", "prompt": "p", "answer": "1"}\n' * 2

    with pytest.raises(imports.BadRowsError, match="the id 'a' is already taken"):
        upload(ada, data)


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"", "empty"), (b"\n\n", "no field to choose"), (b"[1]\nnope\n", "no field to choose")],
)
def test_a_file_without_rows_is_refused(ada: User, data: bytes, message: str) -> None:
    with pytest.raises((ValidationError, UserError), match=message):
        upload(ada, data)

    assert not Dataset.objects.exists()


def test_a_file_above_the_limit_is_refused_and_not_kept(
    ada: User, settings: Settings, own_var: Path
) -> None:
    settings.LAB_UPLOAD_MAX_BYTES = 50

    with pytest.raises(ValidationError, match="larger than 50 B"):
        upload(ada)

    assert list((own_var / "uploads").iterdir()) == []


@pytest.mark.slow
def test_a_line_of_a_gigabyte_is_reported_in_bounded_memory(ada: User, settings: Settings) -> None:
    settings.LAB_UPLOAD_MAX_BYTES = 2**31

    def chunks() -> Iterator[bytes]:
        yield GOOD + b'{"prompt": "'
        block = b"x" * 2**23
        for _ in range(128):
            yield block
        yield b'"}\n'

    tracemalloc.start()
    try:
        with pytest.raises(imports.BadRowsError, match=r"line 3: the line has 1,073,\d+"):
            upload(ada, file=chunks())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 40 * 2**20


def test_the_same_name_is_the_next_version_and_the_same_rows_are_refused(ada: User) -> None:
    first = upload(ada)
    second = upload(ada, GOOD + b'{"prompt": "3+3=", "answer": "6"}\n')

    assert (first.version, second.version) == (1, 2)
    with pytest.raises(ValidationError, match="already holds exactly these rows"):
        upload(ada)


def test_nobody_adds_a_version_to_somebody_elses_dataset(ada: User) -> None:
    upload(ada)
    eve = User.objects.create_user("eve")

    with pytest.raises(ValidationError, match="ada's"):
        upload(eve, b'{"prompt": "9", "answer": "9"}\n')


def test_two_people_who_upload_the_same_rows_share_the_artifact(ada: User) -> None:
    eve = User.objects.create_user("eve")

    assert upload(ada).job_id == upload(eve, name="hers").job_id


def test_columns_are_guessed_by_their_usual_names() -> None:
    guess = imports.guess_mapping(["uid", "Question", "solution", "subset", "level"])

    assert guess == FieldMapping(prompt="Question", answer="solution", id="uid", split="subset")
    assert imports.guess_mapping(["a", "b"]) == FieldMapping(prompt="a", answer="b")


def test_a_generated_dataset_is_a_queued_job(ada: User) -> None:
    spec = DatasetSpec(source=ArithmeticSource(train=8, test=4))

    dataset = dataset_from_source(owner=ada, name="addition", spec=spec)

    assert dataset.job.kind == "dataset"
    assert dataset.job.state == JobState.QUEUED
    assert dataset.origin == "generator: 2-digit addition, seed 0"


def test_a_dataset_of_an_experiment_is_not_deleted(ada: User) -> None:
    dataset = upload(ada)
    experiment = Experiment.objects.create(
        owner=ada, name="Which is best?", config={"dataset_id": dataset.pk, "axes": {}}
    )
    ExperimentJob.objects.create(experiment=experiment, job=dataset.job, role="dataset")

    with pytest.raises(UserError, match=r"used by the experiment “Which is best\?”"):
        dataset_delete(dataset=dataset, user=ada)

    experiment.delete()
    dataset_delete(dataset=dataset, user=ada)
    assert not Dataset.objects.exists()


def test_a_dataset_that_a_policy_was_trained_on_is_not_deleted(ada: User) -> None:
    dataset = upload(ada)
    policy_from_source(
        owner=ada,
        name="warm",
        spec=PolicySpec(source=TinyLlama()),
        warm_start=TrainSpec(algorithm="sft"),
        dataset=dataset,
    )

    with pytest.raises(UserError, match="the policy “warm”"):
        dataset_delete(dataset=dataset, user=ada)


def test_only_its_owner_deletes_a_dataset_and_not_while_it_is_made(ada: User) -> None:
    spec = DatasetSpec(source=ArithmeticSource(train=8, test=4))
    dataset = dataset_from_source(owner=ada, name="addition", spec=spec)

    with pytest.raises(PermissionDenied):
        dataset_delete(dataset=dataset, user=User.objects.create_user("eve"))
    with pytest.raises(UserError, match="is being made"):
        dataset_delete(dataset=dataset, user=ada)


def test_staged_files_are_found_by_their_owner_only(ada: User) -> None:
    staged = staging.stage(owner=ada, filename="../../sums.jsonl", chunks=[GOOD])

    assert staged.filename == "sums.jsonl"
    assert staging.find(token=staged.token, user=ada) == staged
    with pytest.raises(PermissionDenied):
        staging.find(token=staged.token, user=User.objects.create_user("eve"))


def test_downloads_hold_every_row_and_no_formula(ada: User) -> None:
    texts = ["=1+1", "+cmd", "-5", "<script>alert(1)</script>", 'a "b", c']
    data = "".join(json.dumps({"prompt": text, "answer": "1"}) + "\n" for text in texts)
    artifact = upload(ada, data.encode()).job.artifact

    lines = b"".join(content.as_jsonl(artifact)).decode().splitlines()
    assert [json.loads(line)["prompt"] for line in lines] == texts
    table = b"".join(content.as_csv(artifact)).decode()
    assert "1,'=1+1,1,train" in table
    assert "2,'+cmd,1,train" in table
    assert "3,-5,1,train" in table


def test_statistics_count_lengths_and_repetitions(ada: User) -> None:
    data = b"prompt,answer,split\naa,1,train\naa,1,train\nbbbb,22,train\naa,1,test\ncc,3,test\n"
    statistics = content.statistics(upload(ada, data, filename="x.csv").job.artifact)

    train, test = statistics.splits
    assert (train.split, train.rows, train.duplicates, train.answers) == ("train", 3, 1, 2)
    assert train.prompt_max == 4
    assert train.prompt_mean == pytest.approx(8 / 3)
    assert (test.rows, test.duplicates, statistics.shared_prompts) == (2, 0, 1)


def test_rows_are_filtered_and_paged(ada: User) -> None:
    data = "".join(
        f'{{"prompt": "p{i}", "answer": "{i}", "split": "{"test" if i % 2 else "train"}"}}\n'
        for i in range(20_000)
    )
    artifact = upload(ada, data.encode()).job.artifact

    found = content.RowSequence(artifact, split="test")
    assert len(found) == 10_000
    assert [row["prompt"] for row in found[9_998:10_005]] == ["p19997", "p19999"]
    assert [row["answer"] for row in content.RowSequence(artifact, text="P1999")[:2]] == [
        "1999",
        "19990",
    ]
