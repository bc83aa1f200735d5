"""The ratios on the page of a training: from its artifact, or from a checkpoint while it runs."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.test import Client

from algorithms.shared.histograms import BINS, HISTOGRAMS, HISTOGRAMS_FILE
from tests.webapp.results.made import make_job, publish
from webapp.jobs.models import Job
from webapp.jobs.states import JobState

pytestmark = pytest.mark.django_db
TITLE = "Importance ratios over the training"


def table() -> pa.Table:
    counts = [0] * BINS
    counts[BINS // 2] = 3
    rows = [
        {"step": step, "level": level, "sign": sign, "counts": counts}
        for step in (0, 5, 10)
        for level, sign in (("sequence", "positive"), ("token", "positive"), ("token", "negative"))
    ]
    return pa.Table.from_pylist(rows, schema=HISTOGRAMS)


def finished(files: dict[str, pa.Table]) -> Job:
    job = make_job("train", "topr, seed 0", spec={"algorithm": "topr"})
    publish(job, files, {})
    return job


def figure(browser: Client, job: Job, level: str) -> list[dict[str, object]]:
    answer = browser.get(f"/jobs/{job.pk}/ratios.json?level={level}")
    assert answer.status_code == 200
    traces: list[dict[str, object]] = json.loads(answer.content)["data"]
    return traces


def test_a_finished_training_shows_both_levels(browser: Client) -> None:
    job = finished({HISTOGRAMS_FILE: table()})
    assert TITLE in browser.get(f"/jobs/{job.pk}/").content.decode()
    assert [t["type"] for t in figure(browser, job, "sequence")] == ["heatmap", "scatter"]
    assert len(figure(browser, job, "token")) == 4
    assert len(figure(browser, job, "nonsense")) == 2
    fragment = browser.get(f"/jobs/{job.pk}/?fragment=ratios&level=token").content.decode()
    assert "<html" not in fragment
    assert f"/jobs/{job.pk}/ratios.json?level=token" in fragment


def test_a_training_without_histograms_and_other_jobs_show_none(browser: Client) -> None:
    for job in (finished({"other.parquet": table()}), make_job("dataset", "problems")):
        assert TITLE not in browser.get(f"/jobs/{job.pk}/").content.decode()
        assert figure(browser, job, "token") == []


def test_a_training_that_waits_shows_its_newest_checkpoint(browser: Client, var: Path) -> None:
    job = make_job("train", "topr", state=JobState.QUEUED, spec={"algorithm": "topr"})
    assert "No ratios yet" in browser.get(f"/jobs/{job.pk}/").content.decode()
    assert figure(browser, job, "token") == []
    folder = var / "checkpoints" / str(job.pk) / "000002" / "state"
    folder.mkdir(parents=True)
    pq.write_table(table(), folder / HISTOGRAMS_FILE)
    assert len(figure(browser, job, "token")) == 4
    (folder / HISTOGRAMS_FILE).write_bytes(b"half")
    assert figure(browser, job, "token") == []


def test_fine_tuning_on_references_has_no_ratios(browser: Client) -> None:
    job = make_job("train", "sft", state=JobState.QUEUED, spec={"algorithm": "sft"})
    assert TITLE not in browser.get(f"/jobs/{job.pk}/").content.decode()
