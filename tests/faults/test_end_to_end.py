"""The whole machinery without any fault."""

from tests.faults.lab import Lab
from tests.webapp.jobs.graphs import dataset, policy, state
from webapp.jobs.services import jobs_ensure


def test_a_planned_job_is_computed_by_a_worker(lab: Lab) -> None:
    lab.start_worker()
    jobs = list(jobs_ensure(nodes=[dataset(), policy()], user=None).values())
    lab.wait_until_finished(*jobs)
    assert {state(job) for job in jobs} == {"succeeded"}
