"""Everything about one experiment: its graph of jobs, its runs, and how long it still takes."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from webapp.experiments.eta import remaining_s
from webapp.experiments.kept import KeptCard, kept_cards, summary_of
from webapp.experiments.models import Experiment, ExperimentJob, Run
from webapp.experiments.roles import current_training
from webapp.experiments.states import derive
from webapp.experiments.timed import progress, timed
from webapp.jobs.models import Job, JobInput
from webapp.jobs.selectors import job_eta_s, workers_live
from webapp.jobs.states import JobState


@dataclass(frozen=True)
class JobCard:
    """A job as a node of the drawn graph."""

    job: Job
    role: str
    """What it is to the experiment: dataset, policy, generate, grade, train, evaluate."""
    level: int
    """Column of the drawing: one more than its furthest input, 0 without inputs."""
    run_ids: tuple[int, ...]
    """Runs that it belongs to; none for a shared job."""
    shared_with: int
    """Other live experiments that need it."""
    progress: float
    """Share done, 0 to 1."""
    eta_s: float | None
    """Seconds left by its own rate, where it runs and has reported one."""


@dataclass(frozen=True)
class RunCard:
    """A run with the jobs of its own."""

    run: Run
    state: JobState
    train: JobCard | None
    """Its last training; of several, the first one that has not succeeded."""
    evaluate: JobCard | None
    kept: tuple[KeptCard, ...]
    """Evaluations of the policies that its last training keeps, in the order of steps."""
    round: str
    """Which of several rounds `train` is, such as "2 of 5"; empty for one."""
    summary: Mapping[str, Any]
    """Figures of its final evaluation; empty until there is one."""
    variant: int = 0
    """How many groups of its algorithm come before its own: its look, as in the plots."""

    @property
    def progress(self) -> float:
        """Share of its longest job that is done: of the training, else of the evaluation."""
        card = self.train or self.evaluate
        return card.progress if card else 0.0


@dataclass(frozen=True)
class ExperimentDetail:
    """What the page of one experiment shows."""

    experiment: Experiment
    state: JobState
    jobs: tuple[JobCard, ...]
    """Inputs before what needs them."""
    edges: tuple[tuple[int, int], ...]
    """Ids of a job and of one that reads its artifact."""
    runs: tuple[RunCard, ...]
    counts: Mapping[str, int]
    """Number of jobs in each state."""
    progress: float
    eta_s: float | None
    """Seconds until everything that can still run has run; None where unknown."""

    @property
    def levels(self) -> list[list[JobCard]]:
        """The jobs by column of the drawing."""
        columns: dict[int, list[JobCard]] = defaultdict(list)
        for card in self.jobs:
            columns[card.level].append(card)
        return [columns[level] for level in sorted(columns)]


def experiment_detail(experiment: Experiment) -> ExperimentDetail:
    """Return an experiment's graph, runs and remaining time; 5 queries."""
    needs = list(
        experiment.needs.select_related("job", "job__artifact", "job__worker")
        .defer("job__failure_detail")
        .order_by("job_id", "run_id")
    )
    jobs = {need.job_id: need.job for need in needs}
    edges = _edges(jobs)
    cards = _cards(experiment, needs, jobs, edges)
    states = [job.state for job in jobs.values()]
    return ExperimentDetail(
        experiment=experiment,
        state=derive(states, cancelled=experiment.cancelled_at is not None),
        jobs=tuple(cards.values()),
        edges=tuple((source, job_id) for job_id, sources in edges.items() for source in sources),
        runs=tuple(_run_cards(experiment, needs, cards, edges)),
        counts=Counter(states),
        progress=sum(card.progress for card in cards.values()) / len(cards) if cards else 0.0,
        eta_s=_eta_s(list(cards.values()), edges),
    )


def _edges(jobs: Mapping[int, Job]) -> dict[int, list[int]]:
    """Return the ids of each job's inputs, for every job of the experiment."""
    edges: dict[int, list[int]] = {job_id: [] for job_id in jobs}
    rows = JobInput.objects.filter(job__in=list(jobs)).order_by("job_id", "source_id")
    for job_id, source_id in rows.values_list("job_id", "source_id"):
        if source_id in jobs and source_id not in edges[job_id]:
            edges[job_id].append(source_id)
    return edges


def _cards(
    experiment: Experiment,
    needs: Sequence[ExperimentJob],
    jobs: Mapping[int, Job],
    edges: Mapping[int, Sequence[int]],
) -> dict[int, JobCard]:
    roles: dict[int, str] = {}
    runs: dict[int, list[int]] = defaultdict(list)
    for need in needs:
        roles.setdefault(need.job_id, need.role)
        if need.run_id is not None:
            runs[need.job_id].append(need.run_id)
    others = ExperimentJob.objects.filter(job__in=list(jobs), experiment__cancelled_at=None)
    pairs = others.exclude(experiment=experiment).values_list("job_id", "experiment_id").distinct()
    shared = Counter(job_id for job_id, _ in pairs)
    levels: dict[int, int] = {}
    for job_id in jobs:  # ascending: a job is newer than its inputs
        levels[job_id] = 1 + max((levels[source] for source in edges[job_id]), default=-1)
    return {
        job_id: JobCard(
            job=job,
            role=roles[job_id],
            level=levels[job_id],
            run_ids=tuple(runs[job_id]),
            shared_with=shared[job_id],
            progress=progress(job),
            eta_s=job_eta_s(job),
        )
        for job_id, job in jobs.items()
    }


def _run_cards(
    experiment: Experiment,
    needs: Sequence[ExperimentJob],
    cards: Mapping[int, JobCard],
    edges: Mapping[int, Sequence[int]],
) -> list[RunCard]:
    own: dict[int, dict[str, JobCard]] = defaultdict(dict)
    for need in needs:
        if need.run_id is not None:
            own[need.run_id][need.role] = cards[need.job_id]
    made = []
    labels: dict[str, list[str]] = defaultdict(list)
    for run in experiment.runs.order_by("position"):
        roles = own[run.pk]
        if run.label not in labels[run.algorithm]:
            labels[run.algorithm].append(run.label)
        train, number = _training(roles)
        made.append(
            RunCard(
                run=run,
                state=_run_state(experiment, roles.values(), cards, edges),
                train=train,
                evaluate=roles.get("evaluate"),
                kept=kept_cards({role: card.job for role, card in roles.items()}),
                round=number,
                summary=_summary(roles.get("evaluate")),
                variant=labels[run.algorithm].index(run.label),
            )
        )
    return made


def _training(roles: Mapping[str, JobCard]) -> tuple[JobCard | None, str]:
    """Return the training that a run is at, and which of its rounds that is, in words."""
    role, words = current_training(
        {role: card.job.state == JobState.SUCCEEDED for role, card in roles.items()}
    )
    return roles.get(role), words


def _run_state(
    experiment: Experiment,
    own: Collection[JobCard],
    cards: Mapping[int, JobCard],
    edges: Mapping[int, Sequence[int]],
) -> JobState:
    """Return the state of a run: of its own jobs, and of what they need where that has ended badly.

    A run whose own jobs wait is waiting, also while what all runs share is being computed.
    """
    cancelled = experiment.cancelled_at is not None
    mine = derive([card.job.state for card in own], cancelled=cancelled)
    if mine != JobState.WAITING:
        return mine
    everything = _with_inputs([card.job.pk for card in own], edges)
    whole = derive([cards[job_id].job.state for job_id in everything], cancelled=cancelled)
    return JobState.WAITING if whole in {JobState.RUNNING, JobState.QUEUED} else whole


def _with_inputs(job_ids: Sequence[int], edges: Mapping[int, Sequence[int]]) -> set[int]:
    found: set[int] = set()
    frontier = list(job_ids)
    while frontier:
        job_id = frontier.pop()
        if job_id not in found:
            found.add(job_id)
            frontier += edges[job_id]
    return found


def _summary(card: JobCard | None) -> Mapping[str, Any]:
    return {} if card is None else summary_of(card.job)


def _eta_s(cards: Sequence[JobCard], edges: Mapping[int, Sequence[int]]) -> float | None:
    labels = {card.job.label for card in cards if not card.job.is_finished}
    served = [set(worker.labels) for worker in workers_live()]
    if any(not any(label in labels_of for labels_of in served) for label in labels):
        return None
    workers = sum(1 for labels_of in served if labels_of & labels)
    return remaining_s(
        [timed(card.job, card.eta_s, edges[card.job.pk]) for card in cards], workers=workers
    )
