"""The remaining time: measured, or unknown; never guessed."""

from dataclasses import replace

from webapp.experiments.eta import TimedJob, remaining_s
from webapp.jobs.states import JobState


def job(number: int, kind: str, state: JobState, *inputs: int) -> TimedJob:
    return TimedJob(id=number, kind=kind, state=state, inputs=inputs)


def done(number: int, kind: str, seconds: float, *inputs: int) -> TimedJob:
    return replace(job(number, kind, JobState.SUCCEEDED, *inputs), seconds=seconds)


def running(number: int, kind: str, left_s: float, projected_s: float) -> TimedJob:
    return replace(job(number, kind, JobState.RUNNING), left_s=left_s, projected_s=projected_s)


def test_nothing_left_takes_no_time() -> None:
    assert remaining_s([done(1, "train", 5)], workers=0) == 0.0


def test_finished_jobs_tell_how_long_those_of_their_kind_take() -> None:
    jobs = [done(1, "train", 10), done(2, "train", 20), job(3, "train", JobState.QUEUED)]
    assert remaining_s(jobs, workers=1) == 15.0


def test_workers_share_independent_jobs() -> None:
    jobs = [done(1, "train", 10), *(job(n, "train", JobState.QUEUED) for n in range(2, 6))]
    assert remaining_s(jobs, workers=2) == 20.0


def test_a_chain_takes_as_long_as_its_links_however_many_workers_there_are() -> None:
    jobs = [
        done(1, "train", 10),
        done(2, "evaluate", 3),
        job(3, "train", JobState.QUEUED),
        job(4, "evaluate", JobState.WAITING, 3),
    ]
    assert remaining_s(jobs, workers=8) == 13.0


def test_a_running_jobs_own_rate_counts_and_projects_those_of_its_kind() -> None:
    jobs = [running(1, "train", 4, 16), job(2, "train", JobState.QUEUED)]
    assert remaining_s(jobs, workers=1) == 20.0


def test_durations_of_finished_jobs_win_over_projections() -> None:
    jobs = [
        done(1, "train", 10), running(2, "train", 4, 16), job(3, "train", JobState.QUEUED)
    ]  # fmt: skip
    assert remaining_s(jobs, workers=1) == 14.0


def test_a_kind_that_was_never_measured_makes_it_unknown() -> None:
    jobs = [done(1, "train", 10), job(2, "evaluate", JobState.WAITING)]
    assert remaining_s(jobs, workers=1) is None


def test_without_a_worker_it_is_unknown() -> None:
    jobs = [done(1, "train", 10), job(2, "train", JobState.QUEUED)]
    assert remaining_s(jobs, workers=0) is None


def test_what_a_failure_blocks_does_not_count() -> None:
    jobs = [
        job(1, "generate", JobState.FAILED),
        job(2, "train", JobState.WAITING, 1),
        job(3, "evaluate", JobState.WAITING, 2),
    ]
    assert remaining_s(jobs, workers=1) == 0.0
