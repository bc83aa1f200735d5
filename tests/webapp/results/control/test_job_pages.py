"""Jobs of the control laboratory on their own pages: curves, alarms, episodes."""

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.webapp.results import made
from tests.webapp.results.control.made import make_control_lab
from webapp.jobs.models import Job, JobEvent

pytestmark = pytest.mark.django_db


def plot(client: Client, job: Job, name: str, **query: Any) -> dict[str, Any]:
    response = client.get(reverse("results:job_figure", args=[job.pk, name]), query)
    assert response.status_code == 200
    return json.loads(response.content)  # type: ignore[no-any-return]


def results(client: Client, job: Job, **query: Any) -> str:
    return client.get(reverse("results:job_results", args=[job.pk]), query).content.decode()


def test_an_evaluation_shows_its_tails_at_the_jobs_own_level_or_another(ada: Client) -> None:
    lab = make_control_lab(algorithms=("bc",), seeds=(0,), tail=0.25)
    job = lab.run("bc", "cdsa").needs.get(role="evaluate").job
    assert (
        reverse("results:job_results", args=[job.pk])
        in ada.get(f"/jobs/{job.pk}/").content.decode()
    )
    text = results(ada, job)
    assert "CVaR 25%" in text
    assert "CDSA, reference design" in text
    assert "local-normalised" in text
    assert "CVaR 5%" in results(ada, job, alpha="0.05")
    assert "the tail has 3 episodes" in results(ada, job, alpha="0.05")
    names = [trace["name"] for trace in plot(ada, job, "returns")["data"]]
    assert len(names) == 3
    assert plot(ada, job, "trajectories")["layout"]["shapes"]


def test_a_training_shows_a_curve_of_what_it_logged_with_its_alarm(ada: Client) -> None:
    job = made.make_job(
        "train_control", "Train TD3+BC", state="failed", spec={"algorithm": "td3_bc"}
    )
    made.make_points(job, {"value_mean": [1.0, 10.0, 1e5], "loss": [1.0, 2.0, 3.0]}, every=100)
    JobEvent.objects.create(
        job=job, attempt=1, sentinel="divergence", step=200, value=1e5, limit=1e4, stops=False,
        text="The last good checkpoint is from step 100.",
    )  # fmt: skip
    page = ada.get(f"/jobs/{job.pk}/").content.decode()
    assert "Divergence" in page
    assert "The last good checkpoint is from step 100." in page
    text = results(ada, job, metric="value_mean")
    assert 'value="value_mean"' in text
    assert "Critic" not in text
    drawn = plot(ada, job, "curve", metric="value_mean")
    marks = [trace for trace in drawn["data"] if "alarms" in trace.get("name", "")]
    assert "Divergence at step 200" in marks[0]["customdata"][0][1]
    first = plot(ada, job, "curve")
    assert first["layout"]["yaxis"]["title"]["text"] == "Loss"


def test_a_waiting_evaluation_says_what_will_be_here(ada: Client) -> None:
    job = made.make_job("evaluate_control", "Evaluate", state="waiting", spec={})
    assert "when the evaluation is done" in results(ada, job)
    assert plot(ada, job, "returns")["data"] == []


def test_jobs_of_language_models_have_none_of_it(ada: Client) -> None:
    job = made.make_job("train", "Train TOPR", spec={"algorithm": "topr"})
    assert "control-results" not in ada.get(f"/jobs/{job.pk}/").content.decode()
