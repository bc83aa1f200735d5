"""The state of a run and of an experiment, derived from the states of their jobs; pure."""

from collections.abc import Collection

from webapp.jobs.states import JobState

PRECEDENCE: tuple[JobState, ...] = (
    JobState.RUNNING,
    JobState.QUEUED,
    JobState.FAILED,
    JobState.CANCELLED,
    JobState.WAITING,
)
"""The first of these that some job is in is the state of the whole.

While anything runs or can run, the whole is alive. What is left waiting beside a failure waits
for it, so the failure is the state.
"""


def derive(states: Collection[JobState | str], *, cancelled: bool = False) -> JobState:
    """Return the state of a run or experiment whose jobs are in these states.

    Args:
        states: of every job it needs, in any order; none means that nothing is known yet.
        cancelled: a person cancelled the whole. What had succeeded by then stays succeeded; a
            job that still runs for somebody else does not revive it.
    """
    present = {JobState(state) for state in states}
    if present == {JobState.SUCCEEDED}:
        return JobState.SUCCEEDED
    if cancelled:
        return JobState.CANCELLED
    return next((state for state in PRECEDENCE if state in present), JobState.WAITING)
