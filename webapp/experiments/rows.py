"""Rows for the runs of a plan."""

from collections.abc import Sequence

from django.db.models import Max

from webapp.experiments.models import Experiment, ExperimentJob, Run
from webapp.experiments.plan import RunPlan
from webapp.experiments.roles import is_own
from webapp.experiments.sources import FoundSources
from webapp.jobs.models import Job
from webapp.jobs.needs import ancestors
from webapp.jobs.services import jobs_ensure

DATA_KINDS = ("dataset", "upload", "transitions", "collect", "leave_out")
ROLLOUT_KINDS = ("generate", "grade", "score", "curate", "mix")


def add_runs(experiment: Experiment, planned: Sequence[RunPlan], sources: FoundSources) -> None:
    """Create runs after those that are there, their jobs, and the record of who needs what."""
    nodes = [node for run in planned for node in run.nodes.values()]
    # What they start from is needed as well: a policy that failed to be made is made again.
    jobs = jobs_ensure(nodes=nodes, user=experiment.owner, priority=experiment.priority)
    # Runs may have been deleted since: count after the last one, not how many there are.
    last = experiment.runs.aggregate(last=Max("position"))["last"]
    start = 0 if last is None else last + 1
    runs = Run.objects.bulk_create(
        Run(
            experiment=experiment,
            position=start + number,
            label=run.label,
            algorithm=run.algorithm,
            seed=run.seed,
            config=run.specs,
        )
        for number, run in enumerate(planned)
    )
    needs: dict[tuple[int | None, int], ExperimentJob] = {}
    for run, row in zip(planned, runs, strict=True):
        for role, node in run.nodes.items():
            owner = row if is_own(role) else None
            job = jobs[node.fingerprint]
            key = (owner.pk if owner else None, job.pk)
            needs[key] = ExperimentJob(experiment=experiment, run=owner, job=job, role=role)
    for job_id, role in _source_roles(sources).items():
        needs[None, job_id] = ExperimentJob(experiment=experiment, job_id=job_id, role=role)
    ExperimentJob.objects.bulk_create(needs.values(), ignore_conflicts=True)


def _source_roles(sources: FoundSources) -> dict[int, str]:
    """Return the role of each job behind the sources, what they were made from included."""
    direct = {job_id: role for job_id, (role, _) in sources.jobs.items()}
    kinds = Job.objects.filter(pk__in=ancestors(direct)).values_list("pk", "kind")
    return {pk: _role(kind) for pk, kind in kinds} | direct


def _role(kind: str) -> str:
    if kind in ROLLOUT_KINDS:
        return kind
    return "dataset" if kind in DATA_KINDS else "policy"
