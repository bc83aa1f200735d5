"""What a study's jobs have come to: states, figures and curves, by fingerprint whoever ran them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from webapp.experiments.models import ExperimentJob
from webapp.experiments.roles import EVALUATION, TRAINING, in_round, parse
from webapp.jobs.graph import Node
from webapp.jobs.models import Job
from webapp.results.rows import JobRow, Points
from webapp.results.selectors import artifact_row, metric_points
from webapp.studies.cells import Cell
from webapp.studies.planning import StudyPlan

CONTROL = "control"
"""Recipe of experiments of control."""
MISSING = "missing"
"""State of a planned job that nobody has asked for."""


@dataclass(frozen=True)
class RunFacts:
    """One run of a compared group, as far as it is known."""

    seed: int
    jobs: Mapping[str, JobRow]
    """By role; roles whose job does not exist are left out."""
    run_id: int | None
    """The latest run of an experiment that has its training or evaluation."""
    rounds: int = 1
    """Rounds of completing and training."""

    @property
    def train(self) -> JobRow | None:
        """Its last training."""
        return self.jobs.get(TRAINING)

    def evaluation(self, number: int | None = None) -> JobRow | None:
        """Return its final evaluation, or that after a round."""
        if number is None or number == self.rounds:
            return self.jobs.get(EVALUATION)
        return self.jobs.get(in_round(EVALUATION, number))


@dataclass(frozen=True)
class Facts:
    """Everything that is known of a study at one scale."""

    plan: StudyPlan
    jobs: Mapping[str, JobRow]
    """By fingerprint."""
    runs: Mapping[int, int]
    """Run by the job that trains or evaluates it."""
    _points: dict[str, dict[int, Points]] = field(default_factory=dict)

    @cached_property
    def states(self) -> Counter[str]:
        """Planned jobs by state; `missing` where there is none."""
        return Counter(self.state_of(node) for node in self.plan.nodes)

    def state_of(self, node: Node) -> str:
        """Return the state of a planned job."""
        row = self.jobs.get(node.fingerprint)
        return MISSING if row is None else row.state

    def remaining(self, nodes: Iterable[Node]) -> list[Node]:
        """Return the planned jobs whose artifacts are not there."""
        return [node for node in nodes if self.state_of(node) != "succeeded"]

    def runs_of(self, cell: Cell) -> list[RunFacts]:
        """Return the runs of a compared group in the order of their seeds."""
        found = []
        for seed, run in sorted(cell.runs.items()):
            jobs = {
                role: self.jobs[node.fingerprint]
                for role, node in run.nodes.items()
                if node.fingerprint in self.jobs
            }
            # Of control a training has several runs, one for each way of acting.
            roles = (EVALUATION,) if run.recipe.get("name") == CONTROL else (TRAINING, EVALUATION)
            run_ids = [
                self.runs[job.id]
                for role in roles
                if (job := jobs.get(role)) is not None and job.id in self.runs
            ]
            found.append(RunFacts(seed, jobs, run_ids[0] if run_ids else None, rounds_of(cell)))
        return found

    def run_ids(self, cells: Iterable[Cell]) -> list[int]:
        """Return the runs of compared groups that have a page."""
        ids = [run.run_id for cell in cells for run in self.runs_of(cell)]
        return list(dict.fromkeys(pk for pk in ids if pk is not None))

    def points(self, metric: str) -> Mapping[int, Points]:
        """Return one metric of every training, by job; 1 query, once."""
        if metric not in self._points:
            trainings = {
                job.id
                for one in self.plan.experiments.values()
                for cell in one.cells
                for run in self.runs_of(cell)
                if (job := run.train) is not None
            }
            self._points[metric] = metric_points(trainings, metric) if trainings else {}
        return self._points[metric]


def load_facts(plan: StudyPlan) -> Facts:
    """Return what is known of a study's jobs; 2 queries, and 1 for each curve asked for."""
    fingerprints = [node.fingerprint for node in plan.nodes]
    rows = (
        Job.objects.filter(fingerprint__in=fingerprints)
        .select_related("artifact")
        .defer("spec", "failure_detail")
    )
    jobs = {job.fingerprint: JobRow(job.pk, job.state, artifact_row(job), job.kind) for job in rows}
    needs = (
        ExperimentJob.objects.filter(job__in=[job.id for job in jobs.values()], run__isnull=False)
        .order_by("run_id")
        .values_list("job_id", "run_id", "role")
    )
    own = (TRAINING, EVALUATION)
    runs = {job_id: run_id for job_id, run_id, role in needs if role in own and run_id is not None}
    return Facts(plan, jobs, runs)


def rounds_of(cell: Cell) -> int:
    """Return how many rounds the runs of a group have: one more than are numbered."""
    roles = [parse(role) for run in cell.runs.values() for role in run.nodes]
    numbered = [role.round for role in roles if role.stage == EVALUATION and role.round]
    return 1 + max(numbered, default=0)
