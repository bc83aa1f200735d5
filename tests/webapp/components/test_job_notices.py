"""What a page says of the job behind it that went wrong."""

from django.template.loader import render_to_string

from webapp.jobs.models import Job
from webapp.jobs.states import FailureClass, JobState


def _notices(state: JobState, **more: str) -> str:
    job = Job(
        pk=7, state=state, failure_class=FailureClass.USER_ERROR, failure_message="No such file."
    )
    told = {"job": job, "advice": "Name another.", **more}
    return render_to_string("components/_job_notices.html", told)


def test_a_failure_is_told_with_advice_and_a_way_to_try_again() -> None:
    shown = _notices(JobState.FAILED, again="/datasets/3/again/")
    for text in ("No such file.", "Name another.", "/jobs/7/", 'href="/datasets/3/again/"'):
        assert text in shown
    assert "other settings" not in _notices(JobState.FAILED)


def test_damage_is_told_of_a_job_that_succeeded() -> None:
    shown = _notices(JobState.SUCCEEDED, damage="The artifact is gone.")
    assert "The artifact is gone." in shown
    assert "No such file." not in shown
