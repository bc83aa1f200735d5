"""What the launcher asks the application; import it once Django is set up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.core.management import call_command

from webapp.accounts.services import demo_account_ensure
from webapp.experiments.demo import demo_launch
from webapp.experiments.detail import ExperimentDetail, experiment_detail
from webapp.experiments.models import Experiment
from webapp.jobs.failures import POLICIES
from webapp.jobs.models import Job
from webapp.jobs.states import FINISHED, FailureClass, JobState
from webapp.results import compare
from webapp.results.choice import Choice
from webapp.results.comparison import FinalTable
from webapp.results.selectors import metric_points, runs_of_experiments

EVALUATED = "eval_sampled_accuracy"
OUTCOME = "pass_at_1"
"""What differences in the final table are of: accuracy of sampled completions."""


@dataclass(frozen=True)
class Account:
    """The account that a person first signs in with."""

    username: str
    password: str | None
    """None where it was shown at an earlier start."""


@dataclass(frozen=True)
class RunningJob:
    """A job that a worker has now."""

    title: str
    done: int
    total: int
    unit: str
    rate: float | None
    """Units per second."""
    eta_s: float | None


@dataclass(frozen=True)
class Evaluation:
    """The last evaluation of one training."""

    name: str
    step: int
    accuracy: float


@dataclass(frozen=True)
class Moment:
    """An experiment at one moment."""

    state: JobState
    jobs: Sequence[Job]
    running: Sequence[RunningJob]
    evaluations: Sequence[Evaluation]
    eta_s: float | None
    """Seconds until all is done, None where unknown."""

    @property
    def is_over(self) -> bool:
        """Whether nothing more happens without a person."""
        return self.state in FINISHED

    @property
    def done(self) -> int:
        """How many jobs have their artifact."""
        return sum(job.state == JobState.SUCCEEDED for job in self.jobs)


def prepare() -> Account:
    """Bring the tables up to date and return the first account, made where missing."""
    call_command("migrate", interactive=False, verbosity=0)
    user, password = demo_account_ensure()
    return Account(user.get_username(), password)


def launch_demo(name: str) -> Experiment:
    """Return a demo experiment, queued on the first call."""
    return demo_launch(name)


def look(experiment: Experiment) -> Moment:
    """Return how far an experiment is."""
    experiment.refresh_from_db(fields=["cancelled_at"])
    detail = experiment_detail(experiment)
    running = [card for card in detail.jobs if card.job.state == JobState.RUNNING]
    return Moment(
        state=detail.state,
        jobs=[card.job for card in detail.jobs],
        running=[running_job(card.job, card.eta_s) for card in running],
        evaluations=_evaluations(detail),
        eta_s=detail.eta_s,
    )


def running_job(job: Job, eta_s: float | None) -> RunningJob:
    """Return what is shown of a running job."""
    return RunningJob(
        title=job.title,
        done=job.progress_done,
        total=job.progress_total,
        unit=job.progress_unit,
        rate=job.progress_rate,
        eta_s=eta_s,
    )


def _evaluations(detail: ExperimentDetail) -> list[Evaluation]:
    trained = {card.train.job.pk: card.run for card in detail.runs if card.train is not None}
    return [
        Evaluation(str(trained[job_id]), int(points.steps[-1]), float(points.values[-1]))
        for job_id, points in metric_points(trained, EVALUATED).items()
    ]


def final_table(experiment: Experiment) -> FinalTable:
    """Return the comparison of an experiment's runs, differences to the base policy."""
    runs = tuple(runs_of_experiments([experiment.pk]))
    return compare.table(compare.load(Choice(runs=runs, outcome=OUTCOME)))


def failures(moment: Moment) -> list[str]:
    """Say of each job that failed what happened and what to do."""
    return [
        f"Job {job.pk}, {job.title}: {job.failure_message} "
        f"{POLICIES[FailureClass(job.failure_class)].advice}"
        for job in moment.jobs
        if job.state == JobState.FAILED
    ]


def seconds_by_kind(jobs: Sequence[Job], since: datetime) -> dict[str, list[float]]:
    """Return the run times of the jobs that ended since then, by kind."""
    found: dict[str, list[float]] = {}
    for job in jobs:
        if job.started_at and job.finished_at and job.finished_at >= since:
            took = (job.finished_at - job.started_at).total_seconds()
            found.setdefault(job.kind, []).append(took)
    return found
