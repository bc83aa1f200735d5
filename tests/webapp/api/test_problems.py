"""The API of problems, of two sets side by side, of scores and of first batches."""

from pathlib import Path

import pytest
from pytest_django import Settings

from algorithms.data.tables import FIRST_BATCH_FILE
from tests.webapp.api.callers import Caller, answer
from tests.webapp.jobs.test_first_batch import table
from tests.webapp.results import made
from tests.webapp.results.test_beside import ROLLOUTS, scored
from tests.webapp.results.test_problems import make_runs
from webapp.jobs.models import Job, JobEvent
from webapp.policies.models import Policy

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(tmp_path: Path, settings: Settings) -> Caller:
    settings.VAR = tmp_path
    return Caller(made.make_user())


def test_problems_come_in_the_words_of_the_page(ada: Caller) -> None:
    base, first, _ = make_runs()
    found = answer(ada.get("/compare/problems", runs=f"{base},{first}", show="learned", order="id"))
    assert (found["base"], found["problems"]) == (base, ["p0", "p5"])
    assert [column["values"] for column in found["columns"]] == [[0.0, 0.25], [1.0, 0.5]]
    standing = found["standings"][0]
    assert standing["run"] == first
    assert [standing[name] for name in ("learned", "forgotten", "both", "neither")] == [2, 2, 1, 1]


def test_two_sets_side_by_side_tell_the_change_of_each_token(ada: Caller) -> None:
    graded = made.make_rollouts(ROLLOUTS)
    other = scored(graded, made.make_policy(), shift=-0.3)
    found = answer(ada.get(f"/rollouts/{graded.pk}/prompts/0/beside/{other.pk}"))
    first = found["matches"][0]
    assert first["left"]["completion"] == first["right"]["completion"] == "46"
    assert first["tokens"][0]["right"] - first["tokens"][0]["left"] == pytest.approx(-0.3, abs=1e-5)
    answer(ada.get(f"/rollouts/{graded.pk}/prompts/99/beside/{other.pk}"), 404)


def test_a_set_is_scored_under_a_policy_of_the_list(ada: Caller) -> None:
    graded = made.make_rollouts(ROLLOUTS)
    job = made.make_policy()
    policy = Policy.objects.create(owner=ada.user, name="Another", job=job)
    made_job = answer(ada.post(f"/rollouts/{graded.pk}/score", {"policy": policy.pk}), 201)
    row = Job.objects.get(pk=made_job["id"])
    assert row.kind == "score"
    assert {one.role: one.source_id for one in row.inputs.all()} == {
        "rollouts": graded.pk,
        "policy": job.pk,
    }
    answer(ada.post(f"/rollouts/{graded.pk}/score", {"policy": 999}), 404)


def test_the_first_batch_comes_token_by_token(ada: Caller) -> None:
    job = made.make_job("train", "topr, seed 0", spec={"algorithm": "topr"})
    answer(ada.get(f"/jobs/{job.pk}/first-batch"), 404)
    made.publish(job, {FIRST_BATCH_FILE: table()}, {})
    found = answer(ada.get(f"/jobs/{job.pk}/first-batch"))
    assert found["size"] == 128
    assert found["completions"][0]["completion"][0] == {"text": "4", "logprob": -0.5}


def test_a_set_is_graded_again_with_rewards_of_the_caller(ada: Caller) -> None:
    graded = made.make_rollouts(ROLLOUTS)
    told = answer(ada.post(f"/rollouts/{graded.pk}/grade", {"rewards": {"invalid": -2}}), 201)
    row = Job.objects.get(pk=told["id"])
    assert (row.kind, row.spec["rewards"]["invalid"]) == ("grade", -2)
    bad = ada.post(f"/rollouts/{graded.pk}/grade", {"rewards": {"invalid": "much"}})
    assert bad.status_code == 422


def test_alarms_of_a_job_are_told(ada: Caller) -> None:
    job = made.make_policy()
    JobEvent.objects.create(
        job=job, attempt=1, sentinel="entropy", step=7, text="Entropy fell.", value=0.01,
        limit=0.1, stops=False,
    )  # fmt: skip
    told = answer(ada.get(f"/jobs/{job.pk}"))["alarms"]
    assert [(one["sentinel"], one["step"], one["stops"]) for one in told] == [("entropy", 7, False)]
