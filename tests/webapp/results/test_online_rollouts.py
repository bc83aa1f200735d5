"""What an online training wrote, in the rollout browser: columns, filters, files, empty states."""

import csv
import io
from typing import Any

import pyarrow as pa
import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client

from algorithms.base import UserError
from algorithms.data.tables import ROLLOUTS_FILE
from algorithms.online.rollouts import ONLINE_ROLLOUTS
from algorithms.specs import OnlineSpec
from tests.webapp.results import made
from webapp.accounts.models import User
from webapp.jobs.models import Job
from webapp.results.logprob_gap import rollouts_score
from webapp.results.online_rows import CourseFilter
from webapp.results.rollout_file import RowFilter, key_of, matching
from webapp.results.rollout_selectors import rollout_set

pytestmark = pytest.mark.django_db

#        batch, version, updates that learned from it, of prompt 0; the same of prompt 1
COURSES = [(1, 0, [0, 2]), (1, 0, [1]), (3, 2, []), (2, 0, [1]), (4, 2, [3, 4]), (4, 2, [5])]


def trained(*, kept: int | None = None) -> Job:
    """Return an online job of two prompts with three completions each."""
    job = made.make_job(
        "online", "rec, seed 0", spec=OnlineSpec(algorithm="rec").model_dump(mode="json")
    )
    made.link(job, policy=made.make_policy(), dataset=made.make_job("dataset", "Sums"))
    summary: dict[str, Any] = {"completions": 8}
    if kept == 0:
        summary["kept_completions"] = 0
    files = {}
    if kept is None:
        table = made.graded_table(made.random_rollouts(2, 3))
        columns = {
            "batch": pa.array([batch for batch, _, _ in COURSES], pa.int32()),
            "version": pa.array([version for _, version, _ in COURSES], pa.int32()),
            "lag": pa.array([s[0] - v if s else None for _, v, s in COURSES], pa.int32()),
            "steps": pa.array([steps for _, _, steps in COURSES], pa.list_(pa.int32())),
        }
        for name, column in columns.items():
            table = table.append_column(name, column)
        files[ROLLOUTS_FILE] = table.cast(ONLINE_ROLLOUTS)
        summary["kept_completions"] = len(COURSES)
    made.publish(job, files or {"history.parquet": pa.table({"step": [0]})}, summary)
    return job


def found(job: Job, **asked: Any) -> list[int]:
    key = key_of(rollout_set(job.pk).artifact)
    rows: list[int] = matching(key, RowFilter(course=CourseFilter(**asked))).tolist()
    return rows


@pytest.mark.parametrize(
    ("asked", "rows"),
    [
        ({}, [0, 1, 2, 3, 4, 5]),
        ({"min_version": 1}, [2, 4, 5]),
        ({"max_version": 1}, [0, 1, 3]),
        ({"min_lag": 1}, [1, 3, 4, 5]),
        ({"max_lag": 1}, [0, 1, 3, 4]),
        ({"min_lag": 1, "max_lag": 1, "min_version": 2}, [4]),
        ({"step": 1}, [1, 3]),
        ({"step": 4}, [4]),
        ({"step": 99}, []),
        ({"uses": "learned"}, [0, 1, 3, 4, 5]),
        ({"uses": "once"}, [1, 3, 5]),
        ({"uses": "again"}, [0, 4]),
        ({"uses": "unused"}, [2]),
    ],
)
def test_rows_are_found_by_version_lag_and_update(asked: dict[str, Any], rows: list[int]) -> None:
    assert found(trained(), **asked) == rows


def test_the_page_shows_who_wrote_a_row_and_when_it_was_learned_from(ada: Client) -> None:
    job = trained()
    html = ada.get(f"/rollouts/{job.pk}/").content.decode()
    assert "Learned from at update" in html
    assert ">1, 3</td>" in html  # updates 0 and 2, as people count
    assert ">never</td>" in html
    assert "6 of 8 completions were kept" in html
    assert "Grade again with…" in html
    assert "/score/" not in html
    shown = ada.get(f"/rollouts/{job.pk}/?update=2&min_lag=1&uses=once").context["rows"]
    assert [row.number for row in shown.rows] == [1, 3]
    prompt = ada.get(f"/rollouts/{job.pk}/prompts/1/").content.decode()
    assert "written by version 2, lag 1, learned from at update 4, 5" in prompt


def test_a_range_that_is_upside_down_stays_at_its_field(ada: Client) -> None:
    html = ada.get(f"/rollouts/{trained().pk}/?min_lag=3&max_lag=1").content.decode()
    assert "turn them round" in html


def test_the_columns_and_filters_are_those_of_online_trainings_alone(ada: Client) -> None:
    html = ada.get(f"/rollouts/{made.make_rollouts(made.random_rollouts(2, 2)).pk}/?min_lag=3")
    assert "Learned from at update" not in html.content.decode()
    assert len(html.context["rows"].rows) == 4


def test_the_list_has_trainings_that_kept_something(ada: Client) -> None:
    kept, older = trained(), trained(kept=0)
    again = made.make_job("grade", "Graded again")
    made.link(again, rollouts=kept)
    html = ada.get("/rollouts/").content.decode()
    assert f'href="/rollouts/{kept.pk}/"' in html
    assert f'href="/rollouts/{older.pk}/"' not in html
    assert "while it was trained" in html


def test_files_have_the_course_of_every_row() -> None:
    async def read() -> str:
        browser = AsyncClient()
        await browser.aforce_login(await User.objects.acreate(username="grace"))
        answer: Any = await browser.get(f"/rollouts/{job.pk}/export.csv?min_version=1")
        return b"".join([part async for part in answer.streaming_content]).decode()

    job = trained()
    table = list(csv.DictReader(io.StringIO(async_to_sync(read)())))
    assert [(row["version"], row["lag"], row["steps"]) for row in table] == [
        ("2", "", ""),
        ("2", "1", "3 4"),
        ("2", "3", "5"),
    ]


def test_no_one_policy_has_the_log_probabilities(ada: Client) -> None:
    job = trained()
    again = made.make_job("grade", "Graded again")
    made.link(again, rollouts=job)
    made.publish(again, {ROLLOUTS_FILE: made.graded_table([])}, {"completions": 0})
    for pk in (job.pk, again.pk):
        with pytest.raises(UserError, match="trained while it wrote"):
            rollouts_score(found=rollout_set(pk), user=User.objects.get(username="ada"))


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        (None, "6 of 8 completions are kept"),
        (0, "LAB_ONLINE_ROLLOUTS_MIB"),
        (-1, "an earlier build"),
    ],
)
def test_the_jobs_page_leads_there_or_says_why_not(
    ada: Client, kept: int | None, words: str
) -> None:
    job = trained(kept=kept)
    html = ada.get(f"/jobs/{job.pk}/").content.decode()
    assert words in html
    assert (f'href="/rollouts/{job.pk}/"' in html) == (kept is None)
    assert ada.get(f"/rollouts/{job.pk}/").status_code == (200 if kept is None else 404)
