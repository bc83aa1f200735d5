"""The ages of completions on the page of an online training."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from django.test import Client

from algorithms.online.lags import LAGS_FILE, write_lags
from algorithms.specs import OnlineSpec
from tests.webapp.results.made import make_job
from webapp.jobs.models import Job
from webapp.jobs.states import JobState
from workers.attempt import _declared_metrics

pytestmark = pytest.mark.django_db
TITLE = "Age of what was learned from"


def bars(browser: Client, job: Job) -> Sequence[tuple[float, float]]:
    [trace] = json.loads(browser.get(f"/jobs/{job.pk}/lags.json").content)["data"]
    return list(zip(trace["x"], trace["y"], strict=True))


def test_a_running_online_training_shows_the_lags_of_its_newest_checkpoint(
    browser: Client, var: Path
) -> None:
    job = make_job("online", "rec", state=JobState.QUEUED, spec={"algorithm": "rec"})
    page = browser.get(f"/jobs/{job.pk}/").content.decode()
    assert TITLE in page
    assert "Importance ratios over the training" in page
    assert json.loads(browser.get(f"/jobs/{job.pk}/lags.json").content)["data"] == []
    write_lags(
        var / "checkpoints" / str(job.pk) / "000001" / "state" / LAGS_FILE,
        [[0, 0, 16], [1, 1, 16], [2, 1, 8], [2, 2, 8]],
    )
    assert bars(browser, job) == [(0, 16 / 48), (1, 24 / 48), (2, 8 / 48)]
    fragment = browser.get(f"/jobs/{job.pk}/?fragment=lags").content.decode()
    assert f"/jobs/{job.pk}/lags.json" in fragment


def test_hundreds_of_lags_share_bars(browser: Client, var: Path) -> None:
    job = make_job("online", "rec", state=JobState.QUEUED, spec={"algorithm": "rec"})
    path = var / "checkpoints" / str(job.pk) / "000001" / "state" / LAGS_FILE
    write_lags(path, [[step, step, 4] for step in range(160)])
    drawn = bars(browser, job)
    assert len(drawn) == 54
    assert drawn[0] == (1.0, 3 / 160)


def test_other_jobs_have_no_lags(browser: Client) -> None:
    job = make_job("train", "rec", state=JobState.QUEUED, spec={"algorithm": "rec"})
    assert TITLE not in browser.get(f"/jobs/{job.pk}/").content.decode()


def test_a_worker_takes_every_metric_that_an_online_training_logs() -> None:
    declared = _declared_metrics(OnlineSpec(algorithm="rec"))
    assert {"lag_mean", "rollout_reward_mean", "grad_norm", "eval_greedy_accuracy"} <= declared
