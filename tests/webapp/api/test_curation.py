"""The API of curation: previews, named sets, errors at their steps."""

from pathlib import Path

import pytest
from pytest_django import Settings

from tests.webapp.api.callers import Caller, answer, paths_of
from tests.webapp.results import made
from webapp.jobs.models import Job

pytestmark = pytest.mark.django_db

SHARE = {"op": "share", "size": 100, "positives": 0.1}


@pytest.fixture
def ada(tmp_path: Path, settings: Settings) -> Caller:
    settings.VAR = tmp_path
    return Caller(made.make_user())


@pytest.fixture
def graded(ada: Caller) -> Job:
    return made.make_rollouts(made.random_rollouts(50, 8))


def test_a_preview_tells_the_composition_at_a_baseline(ada: Caller, graded: Job) -> None:
    body = {"steps": [SHARE], "baseline": -0.8, "batch_size": 30}
    found = answer(ada.post(f"/rollouts/{graded.pk}/curation", body))
    assert found["before"]["completions"] == 400
    after = found["after"]
    assert (after["completions"], after["correct"], after["steps"]) == (100, 10, 4)
    assert after["effective_share"] == pytest.approx(0.5)
    assert found["stages"] == [{"op": "share", "before": 400, "after": 100, "warning": ""}]


def test_an_error_names_its_step(ada: Caller, graded: Job) -> None:
    steps = [SHARE, {"op": "uniform", "size": 101}]
    response = ada.post(f"/rollouts/{graded.pk}/curation", {"steps": steps})
    assert paths_of(response) == ["steps.1"]
    unknown = ada.post(f"/rollouts/{graded.pk}/curation", {"steps": [{"op": "magic"}]})
    assert paths_of(unknown)[0].startswith("steps.0")


def test_a_set_is_made_listed_and_deleted(ada: Caller, graded: Job) -> None:
    body = {"name": "Ten percent", "rollouts": graded.pk, "steps": [SHARE], "seed": 4}
    row = answer(ada.post("/curated-sets", body), 201)
    job = Job.objects.get(pk=row["job_id"])
    assert (job.kind, job.title, job.spec["seed"]) == ("curate", "Ten percent", 4)
    assert [one["name"] for one in answer(ada.get("/curated-sets"))["items"]] == ["Ten percent"]
    assert paths_of(ada.post("/curated-sets", body)) == ["name"]
    answer(ada.delete(f"/curated-sets/{row['id']}"), 409)
    Job.objects.filter(pk=job.pk).update(state="cancelled")
    answer(ada.delete(f"/curated-sets/{row['id']}"), 204)


def test_a_set_without_grades_is_not_found(ada: Caller, graded: Job) -> None:
    bare = graded.inputs.get().source_id
    answer(ada.post(f"/rollouts/{bare}/curation", {"steps": []}), 404)
