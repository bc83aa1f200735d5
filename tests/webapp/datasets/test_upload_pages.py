"""New datasets in the browser: nothing typed or uploaded is lost by a mistake."""

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from algorithms.data.roots import DATA_ROOTS_VARIABLE
from webapp.accounts.models import User
from webapp.datasets.models import Dataset

NEW = "/datasets/new/"
COLUMNS = {"name": "sums", "prompt": "question", "answer": "target", "default_split": "train"}


def send(browser: Client, content: bytes, filename: str = "sums.csv", **data: str) -> Any:
    file = SimpleUploadedFile(filename, content)
    return browser.post(NEW, {"way": "upload", "name": "sums", "file": file, **data})


def staged(browser: Client, content: bytes, filename: str = "sums.csv") -> str:
    answer = send(browser, content, filename)
    assert answer.status_code == 302, answer.content
    return str(answer["Location"])


def test_a_file_is_uploaded_its_columns_chosen_and_imported(browser: Client) -> None:
    address = staged(browser, b"question,target,level\r\n1+1=,2,easy\r\n")

    page = browser.get(address)
    shown = page.context["form"]
    assert (shown["prompt"].value(), shown["answer"].value()) == ("question", "target")
    assert b"easy" in page.content
    assert b'value="sums"' in page.content

    answer = browser.post(address, COLUMNS)
    dataset = Dataset.objects.get()
    assert answer["Location"] == reverse("datasets:detail", args=[dataset.pk])
    assert dataset.job.artifact.summary["rows"] == 1
    assert browser.get(address).status_code == 404


def test_bad_rows_are_listed_and_the_good_ones_wait_for_a_decision(browser: Client) -> None:
    address = staged(browser, b"question,target\r\n1+1=,2\r\n3+3=,\r\n\r\n4+4=,8\r\n")

    page = browser.post(address, COLUMNS)
    text = page.content.decode()
    assert page.status_code == 422
    assert "2 of 4 rows are bad" in text
    assert "Import the 2 good rows" in text
    assert [row.line for row in page.context["bad"].first_bad] == [3, 4]
    assert not Dataset.objects.exists()

    report = browser.post(f"{address}report/", COLUMNS)
    lines = b"".join(report.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert lines[0] == "line,reason,excerpt"
    assert [line.split(",")[0] for line in lines[1:]] == ["3", "4"]

    browser.post(address, COLUMNS | {"bad_rows": "skip"})
    assert Dataset.objects.get().job.artifact.summary == {"rows": 2, "bad_rows": 2, "train": 2}


def test_a_mistake_in_the_columns_keeps_the_file_and_what_was_typed(browser: Client) -> None:
    address = staged(browser, b"question,target\r\n1+1=,2\r\n")

    page = browser.post(address, COLUMNS | {"name": "", "default_split": "not a word"})

    assert page.status_code == 422
    assert b"letters, digits, dots" in page.content
    assert b'value="not a word"' in page.content
    assert browser.post(address, COLUMNS).status_code == 302


@pytest.mark.parametrize(
    ("content", "filename", "message"),
    [
        (b"", "sums.csv", "The file is empty"),
        (b"x", "sums.xlsx", "is of no format that is read here"),
    ],
)
def test_a_file_that_cannot_be_a_dataset_is_refused_at_its_field(
    browser: Client, content: bytes, filename: str, message: str
) -> None:
    page = send(browser, content, filename, description="kept")

    assert page.status_code == 422
    assert message in page.context["upload_form"].errors["file"][0]
    assert b"kept" in page.content


def test_a_file_above_the_limit_is_refused_in_words(
    browser: Client, settings: Settings, own_var: Path
) -> None:
    settings.LAB_UPLOAD_MAX_BYTES = 100_000

    page = send(browser, b"question,target\r\n" + b"x" * 200_000)

    assert page.status_code == 422
    assert "larger than 97.7 KiB" in page.context["upload_form"].errors["file"][0]
    assert not (own_var / "uploads").exists() or not list((own_var / "uploads").iterdir())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfea\0", "UTF-16"),
        (b"a,a\r\n1,2\r\n", "more than once"),
        (b"\r\n\r\n", "no field"),
    ],
)
def test_an_unreadable_file_is_explained(browser: Client, content: bytes, message: str) -> None:
    page = browser.get(staged(browser, content))

    assert message in page.content.decode()
    assert b"Upload another file" in page.content


def test_a_file_without_any_good_row_is_not_imported(browser: Client) -> None:
    address = staged(browser, b'{"question": "", "target": "1"}\n', "sums.jsonl")

    page = browser.post(address, COLUMNS)
    assert b"1 of 1 rows are bad" in page.content
    assert b"good row" not in page.content

    page = browser.post(address, COLUMNS | {"bad_rows": "skip"})
    assert b"no row that can be used" in page.content


def test_nobody_sees_the_upload_of_another_person(browser: Client) -> None:
    address = staged(browser, b"question,target\r\n1+1=,2\r\n")
    browser.force_login(User.objects.create_user("eve"))

    assert browser.get(address).status_code == 403


def test_an_upload_without_the_csrf_token_is_refused(ada: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ada)

    assert send(strict, b"question,target\r\n1+1=,2\r\n").status_code == 403


def test_a_generator_is_started_and_its_errors_stay_at_their_fields(browser: Client) -> None:
    given = {"arithmetic-source": "arithmetic", "arithmetic-digits": "2"}
    given |= {"arithmetic-wording": "equation", "arithmetic-asks": "sum"}
    given |= {"arithmetic-malformed": "0"}
    given |= {"arithmetic-train": "100", "arithmetic-test": "10", "arithmetic-seed": "3"}
    form = {"way": "arithmetic", "name": "addition"} | given

    refused = browser.post(NEW, form | {"arithmetic-digits": "12"})
    assert refused.status_code == 422
    assert "digits" in refused.context["sources"]["arithmetic"].errors
    assert b'value="addition"' in refused.content

    assert browser.post(NEW, form).status_code == 302
    assert Dataset.objects.get().job.spec["source"]["train"] == 100


def test_a_hub_dataset_is_a_job_with_its_name(browser: Client) -> None:
    form = {
        "way": "hub",
        "name": "gsm8k",
        "hub-source": "hub",
        "hub-name": "openai/gsm8k",
        "hub-subset": "main",
        "hub-train_split": "train",
        "hub-test_split": "test",
        "hub-prompt_field": "question",
        "hub-answer_field": "answer",
    }

    assert browser.post(NEW, form).status_code == 302
    assert Dataset.objects.get().origin == "hub: openai/gsm8k (main)"


def test_a_public_set_is_previewed_from_its_files_and_then_imported(
    browser: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DATA_ROOTS_VARIABLE, str(tmp_path))
    form = {"way": "public", "name": "stories", "public-source": "public", "public-name": "svamp"}
    form |= {"public-origin": "files", "public-path": "", "public-answers": "final"}

    missing = browser.post(NEW, form | {"preview": "1"})
    assert missing.status_code == 422
    assert b"No folder called" in missing.content

    (tmp_path / "svamp").mkdir()
    line = '{"id": "s-1", "question": "How many apples?", "answer": 51.0}'
    (tmp_path / "svamp" / "problems.jsonl").write_text(f"{line}\n{{}}\n")
    shown = browser.post(NEW, form | {"preview": "1"})
    assert shown.status_code == 200
    assert b"How many apples?" in shown.content
    assert b"the field &#x27;prompt&#x27; is null" in shown.content
    assert b'value="stories"' in shown.content
    assert not Dataset.objects.exists()

    assert browser.post(NEW, form).status_code == 302
    assert Dataset.objects.get().origin == "public set: svamp (files)"
