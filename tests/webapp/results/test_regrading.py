"""Grading the same completions again: a set of its own, both shown, grader and rewards told."""

from typing import Any

import pytest
from django.test import Client

from algorithms.specs import GradeSpec
from tests.webapp.posted import posted
from tests.webapp.results import made
from webapp.curation.selectors import trainable_name
from webapp.jobs.gradings import grading_line, gradings
from webapp.jobs.models import Job

ROWS = [made.Rollout("a", 0), made.Rollout("a", 1, grade="incorrect", reward=-1.0)]


def graded() -> Job:
    job = made.make_rollouts(ROWS)
    Job.objects.filter(pk=job.pk).update(spec=GradeSpec().model_dump(mode="json"))
    return Job.objects.get(pk=job.pk)


def ask_again(ada: Client, job: Job, **changes: str) -> Job:
    """Return the job that the page queues when its form is posted with changes."""
    page = f"/rollouts/{job.pk}/grade/"
    data = posted(ada.get(page).content.decode(), "grade-form")
    data.update(changes)
    answer = ada.post(page, data)
    assert answer.status_code == 302, answer.content.decode()
    return Job.objects.get(pk=int(answer["Location"].split("/")[-2]))


def test_a_line_tells_grader_and_rewards() -> None:
    line = grading_line(GradeSpec().model_dump(mode="json"))
    assert line == "integer grader: correct +1, incorrect −1, invalid −1"
    told = {"grading": {"grader": "math"}, "rewards": {"correct": 1, "format": 0.1}}
    assert grading_line(told) == "math grader: correct +1, format ±0.1"
    assert grading_line({}) == ""


def test_another_grading_is_another_job_on_the_same_completions(ada: Client) -> None:
    job = graded()
    again = ask_again(
        ada, job, **{"grade-rewards__invalid": "-2", "grade-grading__grader": "exact"}
    )
    assert (again.kind, again.title) == ("grade", "Grade and reward, exact grader")
    assert again.inputs.get().source_id == job.inputs.get().source_id
    assert again.spec["rewards"]["invalid"] == -2
    same = ask_again(ada, job, **{"grade-rewards__invalid": "-2", "grade-grading__grader": "exact"})
    assert same == again


def test_the_form_starts_as_the_set_was_graded(ada: Client) -> None:
    job = graded()
    spec = GradeSpec.model_validate({"grading": {"grader": "number"}, "rewards": {"correct": 3}})
    Job.objects.filter(pk=job.pk).update(spec=spec.model_dump(mode="json"))
    assert ask_again(ada, job).spec == spec.model_dump(mode="json")


def test_a_mistake_stays_at_its_field(ada: Client) -> None:
    page = f"/rollouts/{graded().pk}/grade/"
    data = posted(ada.get(page).content.decode(), "grade-form")
    data["grade-grading__tolerance"] = "7"
    answer: Any = ada.post(page, data)
    assert answer.status_code == 422
    assert "grading__tolerance" in answer.context["form"].errors
    assert Job.objects.filter(kind="grade").count() == 1


def test_both_sets_are_shown_on_either_page_and_told_apart_in_the_lists(ada: Client) -> None:
    job = graded()
    assert "Gradings of these completions" not in ada.get(f"/rollouts/{job.pk}/").content.decode()
    again = ask_again(ada, job, **{"grade-rewards__incorrect": "-0.5"})
    html = ada.get(f"/rollouts/{job.pk}/").content.decode()
    assert "Gradings of these completions" in html
    assert "Grade again with…" in html
    assert "Judged by the integer grader: correct +1, incorrect −1, invalid −1." in html
    assert "incorrect −0.5" in html
    assert f'href="/rollouts/{again.pk}/"' not in html  # not made yet
    made.publish(
        again,
        {"rollouts.parquet": made.graded_table(ROWS)},
        {"completions": 2, "correct": 1, "incorrect": 1, "invalid": 0, "reward_mean": 0.25},
    )
    Job.objects.filter(pk=again.pk).update(state="queued")
    Job.objects.filter(pk=again.pk).update(
        state="running", attempt=1, lease_expires_at="2999-01-01T00:00Z"
    )
    Job.objects.filter(pk=again.pk).update(state="succeeded")
    assert f'href="/rollouts/{again.pk}/"' in ada.get(f"/rollouts/{job.pk}/").content.decode()
    listed = ada.get("/rollouts/").content.decode()
    assert listed.count("integer grader: correct +1") == 2
    again.refresh_from_db()
    assert trainable_name(again).endswith("incorrect −0.5, invalid −1)")


@pytest.mark.django_db
def test_scored_and_curated_sets_have_the_grades_of_what_they_were_made_of() -> None:
    job = graded()
    scored, curated = made.make_job("score", "scored"), made.make_job("curate", "curated")
    made.link(scored, rollouts=job)
    made.link(curated, rollouts=scored)
    bare = job.inputs.get().source
    found = gradings([job.pk, scored.pk, curated.pk, bare.pk])
    assert set(found) == {job.pk, scored.pk, curated.pk}
    assert len(set(found.values())) == 1


@pytest.mark.parametrize("kind", ["evaluate", "curate"])
def test_what_keeps_its_grades_says_so(ada: Client, kind: str) -> None:
    if kind == "evaluate":
        job = made.make_evaluation(made.make_policy(), accuracy=0.5, problems=3)
    else:
        job = made.make_job("curate", "Curated")
        made.link(job, rollouts=graded())
        made.publish(job, {"rollouts.parquet": made.graded_table(ROWS)}, {"completions": 2})
    html = ada.get(f"/rollouts/{job.pk}/grade/").content.decode()
    assert "cannot be graded again" in html
    assert 'id="grade-form"' not in html
    assert f"/rollouts/{job.pk}/grade/" not in ada.get(f"/rollouts/{job.pk}/").content.decode()
