"""Datasets in the browser: list, detail, downloads, deletion."""

import io
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from algorithms.sources import ArithmeticSource
from algorithms.specs import DatasetSpec
from webapp.accounts.models import User
from webapp.datasets.models import Dataset
from webapp.datasets.services import dataset_from_source, dataset_upload


def made(owner: User, name: str = "sums", *, data: bytes = b"") -> Dataset:
    data = data or f'{{"prompt": "{name} 1+1=", "answer": "2"}}\n'.encode()
    return dataset_upload(owner=owner, name=name, file=io.BytesIO(data), filename="x.jsonl")


def test_an_empty_list_says_what_datasets_are_for(browser: Client) -> None:
    page = browser.get(reverse("datasets:list"))

    assert b"No datasets yet" in page.content
    assert reverse("datasets:new").encode() in page.content


def test_the_list_asks_the_database_as_often_for_many_as_for_one(
    browser: Client, ada: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(6):
        made(ada, f"sums {number}")

    with django_assert_num_queries(4):  # session, person, count, page
        page = browser.get(reverse("datasets:list"))
    assert page.content.count(b"row-link") == 6


def test_a_search_finds_by_all_words_of_name_and_origin(browser: Client, ada: User) -> None:
    made(ada, "sums")
    dataset_from_source(owner=ada, name="more sums", spec=DatasetSpec(source=ArithmeticSource()))

    def found(words: str) -> list[str]:
        page: Any = browser.get(reverse("datasets:list"), {"q": words}).context["page"]
        return [dataset.name for dataset in page]

    assert found("sums") == ["more sums", "sums"]
    assert found("sums generator") == ["more sums"]
    assert found("nothing") == []


def test_a_dataset_shows_rows_statistics_and_escapes_them(browser: Client, ada: User) -> None:
    dataset = made(ada, data=b'{"prompt": "<script>alert(1)</script>", "answer": "2"}\n')

    page = browser.get(reverse("datasets:detail", args=[dataset.pk])).content.decode()

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page
    assert "Statistics" in page


def test_the_page_of_a_dataset_asks_the_database_seven_times(
    browser: Client, ada: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    dataset = made(ada)

    with django_assert_num_queries(6):  # session, person, dataset, versions, two of its uses
        browser.get(reverse("datasets:detail", args=[dataset.pk]))


def test_a_dataset_that_is_being_made_shows_its_job_and_asks_again(
    browser: Client, ada: User
) -> None:
    spec = DatasetSpec(source=ArithmeticSource())
    dataset = dataset_from_source(owner=ada, name="addition", spec=spec)

    page = browser.get(reverse("datasets:detail", args=[dataset.pk])).content.decode()

    assert "Queued" in page
    assert 'hx-trigger="every 2s"' in page
    fragment = browser.get(reverse("datasets:detail", args=[dataset.pk]), {"fragment": "1"})
    assert "HX-Refresh" not in fragment


@pytest.mark.parametrize(
    ("suffix", "content"),
    [
        ("jsonl", b'{"id": "1", "prompt": "sums 1+1=", "answer": "2", "split": "train"}\n'),
        ("csv", b"id,prompt,answer,split\r\n1,sums 1+1=,2,train\r\n"),
        ("bad.csv", b"file,line,reason,excerpt\r\n"),
    ],
)
def test_rows_are_downloaded(browser: Client, ada: User, suffix: str, content: bytes) -> None:
    dataset = made(ada)

    answer = browser.get(reverse("datasets:download", args=[dataset.pk, suffix]))

    assert b"".join(answer.streaming_content) == content  # type: ignore[attr-defined]
    assert answer["Content-Disposition"] == f'attachment; filename="sums_v1.{suffix}"'


def test_altered_rows_are_told_instead_of_shown(browser: Client, ada: User, own_var: Any) -> None:
    dataset = made(ada)
    folder = own_var / "artifacts" / dataset.job.artifact.path
    (folder / "rows.parquet").write_bytes(b"PAR1 nonsense")

    page = browser.get(reverse("datasets:detail", args=[dataset.pk])).content.decode()

    assert "rows.parquet cannot be read" in page


def test_a_deletion_that_is_refused_says_why(browser: Client, ada: User) -> None:
    spec = DatasetSpec(source=ArithmeticSource())
    dataset = dataset_from_source(owner=ada, name="addition", spec=spec)
    address = reverse("datasets:delete", args=[dataset.pk])
    here = "http://testserver" + reverse("datasets:detail", args=[dataset.pk])

    page = browser.post(address, follow=True, headers={"referer": here})

    assert "is being made" in page.content.decode()
    assert Dataset.objects.exists()


def test_only_the_owner_is_offered_deletion_and_may_delete(browser: Client, ada: User) -> None:
    dataset = made(ada)
    assert b"confirm-delete" in browser.get(reverse("datasets:detail", args=[dataset.pk])).content

    browser.force_login(User.objects.create_user("eve"))
    page = browser.get(reverse("datasets:detail", args=[dataset.pk]))
    assert b"confirm-delete" not in page.content
    assert browser.post(reverse("datasets:delete", args=[dataset.pk])).status_code == 403

    browser.force_login(ada)
    browser.post(reverse("datasets:delete", args=[dataset.pk]))
    assert not Dataset.objects.exists()
