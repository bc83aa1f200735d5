"""Reads runs, points and artifacts for the pages of results; each function says its queries."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Count, Exists, OuterRef, Prefetch, Q

from webapp.datasets.models import Dataset
from webapp.experiments.models import Experiment, ExperimentJob, Run
from webapp.experiments.roles import EVALUATION, TRAINING, Role, parse
from webapp.jobs.models import Artifact, Job, JobInput, MetricPoint
from webapp.results.rows import (
    ArtifactRow,
    Cost,
    JobRow,
    Points,
    RoundRow,
    RunRow,
    SourceRow,
    points_of,
)

PICKER_EXPERIMENTS = 20
PICKER_RUNS = 200
EVERY_STEP = "learning_rate"
"""A metric that every training logs at every step."""


@dataclass(frozen=True)
class PickerLabel:
    """Runs of one compared group of an experiment, to tick."""

    label: str
    algorithm: str
    runs: tuple[Run, ...]


@dataclass(frozen=True)
class PickerExperiment:
    """An experiment in the list of runs to choose from."""

    experiment: Experiment
    labels: tuple[PickerLabel, ...]
    hidden: int
    """Runs that are not listed because there are too many."""


def run_rows(run_ids: Collection[int], benchmark: int | None = None) -> list[RunRow]:
    """Return the runs with their jobs and inputs, by experiment and position; 3 queries.

    Args:
        benchmark: id of the dataset whose evaluation is meant; None for that of the experiment.
    """
    evaluation = str(Role("evaluate", benchmark))
    own = Q(role__startswith=TRAINING) | Q(role=evaluation) | Q(role__startswith=f"{evaluation}@")
    runs = (
        Run.objects.filter(pk__in=run_ids)
        .select_related("experiment")
        .order_by("experiment_id", "position")
    )
    needs = (
        ExperimentJob.objects.filter(own, run__in=run_ids)
        .select_related("job", "job__artifact")
        .defer("job__spec", "job__failure_detail")
    )
    jobs: dict[int, dict[str, JobRow]] = defaultdict(dict)
    for need in needs:
        if need.run_id is not None:
            jobs[need.run_id][_in_table(need.role)] = _job_row(need.job)
    rows = [_run_row(run, jobs[run.pk]) for run in runs]
    # The first training's inputs: those of later rounds are made by the run itself.
    sources = _sources({row.trainings[0].id for row in rows if row.trainings})
    return [
        replace(row, sources=sources.get(row.trainings[0].id, {})) if row.trainings else row
        for row in rows
    ]


def _in_table(role: str) -> str:
    """Return a role without its dataset: only evaluations on one of them are looked at."""
    found = parse(role)
    return str(Role(found.stage, round=found.round))


def benchmarks(runs: Collection[RunRow]) -> dict[int, str]:
    """Return names of the further datasets that the runs are evaluated on; 1 query, or none."""
    roles = [parse(role) for run in runs for role in run.config]
    ids = {role.dataset for role in roles if role.dataset is not None}
    rows = Dataset.objects.filter(pk__in=ids).order_by("name", "version") if ids else ()
    return {row.pk: str(row) for row in rows}


def _run_row(run: Run, own: dict[str, JobRow]) -> RunRow:
    return RunRow(
        id=run.pk,
        experiment_id=run.experiment_id,
        experiment_name=run.experiment.name,
        label=run.label,
        algorithm=run.algorithm,
        seed=run.seed,
        config=run.config,
        train=own.get("train"),
        evaluate=own.get("evaluate"),
        sources={},
        rounds=_rounds(own),
    )


def _rounds(own: dict[str, JobRow]) -> tuple[RoundRow, ...]:
    numbers = sorted({number for role in own if (number := parse(role).round) is not None})
    if not numbers:
        return ()
    named = [(number, f"@{number}") for number in numbers] + [(numbers[-1] + 1, "")]
    return tuple(
        RoundRow(number, own.get(f"{TRAINING}{end}"), own.get(f"evaluate{end}"))
        for number, end in named
    )


def _job_row(job: Job) -> JobRow:
    return JobRow(job.pk, job.state, artifact_row(job), job.kind)


def artifact_row(job: Job) -> ArtifactRow | None:
    """Return a job's artifact (selected with it), or None while it has none."""
    try:
        artifact = job.artifact
    except Artifact.DoesNotExist:
        return None
    return ArtifactRow(job.pk, artifact.path, artifact.manifest_sha256, artifact.summary)


def _sources(job_ids: Collection[int]) -> dict[int, dict[str, SourceRow]]:
    rows = JobInput.objects.filter(job__in=job_ids).values_list(
        "job_id", "role", "source_id", "source__title", "source__fingerprint"
    )
    found: dict[int, dict[str, SourceRow]] = defaultdict(dict)
    for job_id, role, source_id, title, fingerprint in rows:
        found[job_id][role] = SourceRow(source_id, title, fingerprint)
    return found


def evaluated_policies(job_ids: Collection[int]) -> dict[int, int]:
    """Return the job that made the policy of each evaluation, by the evaluation's job; 1 query.

    Where verdicts were weighed that is the verifier which wrote them.
    """
    to_grade, to_weigh = "job__dependents", "job__dependents__job__dependents"
    evaluated = JobInput.objects.filter(job__in=list(job_ids), role="policy")
    judged = JobInput.objects.filter(
        role="policy",
        **{
            f"{to_grade}__role": "rollouts",
            f"{to_weigh}__role": "verdicts",
            f"{to_weigh}__job__in": list(job_ids),
        },
    )
    rows = evaluated.values_list("job_id", "source_id")
    return dict(rows.union(judged.values_list(f"{to_weigh}__job_id", "source_id")))


def kept_evaluations(run_ids: Collection[int]) -> dict[int, dict[int, JobRow]]:
    """Return the evaluations of policies that runs of one round keep, by run and step; 1 query."""
    needs = ExperimentJob.objects.filter(run__in=run_ids, role__startswith=f"{EVALUATION}+")
    found: dict[int, dict[int, JobRow]] = defaultdict(dict)
    rows = needs.select_related("job", "job__artifact")
    for need in rows.defer("job__spec", "job__failure_detail"):
        role = parse(need.role)
        if need.run_id is not None and role.step is not None and role.round is None:
            found[need.run_id][role.step] = _job_row(need.job)
    return found


def costs(job_ids: Collection[int], steps: Collection[int]) -> dict[tuple[int, int], Cost]:
    """Return what trainings had taken at some of their steps, by job and step; 1 query."""
    rows = MetricPoint.objects.filter(job__in=job_ids, name=EVERY_STEP, step__in=steps)
    columns = rows.values_list("job_id", "step", "samples", "tokens", "seconds")
    return {
        (job_id, step): Cost(samples, tokens, seconds)
        for job_id, step, samples, tokens, seconds in columns
    }


def metric_points(job_ids: Collection[int], name: str) -> dict[int, Points]:
    """Return one metric of several jobs, by job; jobs without points are left out; 1 query."""
    rows = (
        MetricPoint.objects.filter(job__in=job_ids, name=name)
        .order_by("job_id", "step")
        .values_list("job_id", "step", "samples", "tokens", "seconds", "value")
    )
    by_job: dict[int, list[tuple[int, int, int, float, float]]] = defaultdict(list)
    for job_id, *point in rows.iterator(chunk_size=10_000):
        by_job[job_id].append(tuple(point))  # type: ignore[arg-type]  # five columns as asked
    return {job_id: points_of(found) for job_id, found in by_job.items()}


def metrics_logged(job_ids: Collection[int]) -> set[str]:
    """Return the names of the metrics that some jobs have logged; 1 query, none without jobs."""
    if not job_ids:
        return set()
    return set(
        MetricPoint.objects.filter(job__in=job_ids).values_list("name", flat=True).distinct()
    )


def runs_of_experiments(experiment_ids: Collection[int]) -> list[int]:
    """Return the ids of all runs of some experiments; 1 query."""
    return list(
        Run.objects.filter(experiment__in=experiment_ids)
        .order_by("experiment_id", "position")
        .values_list("pk", flat=True)
    )


def picker(search: str, chosen: Collection[int]) -> list[PickerExperiment]:
    """Return experiments to choose runs from, those chosen from first, then the newest; 2 queries.

    Every word of the search must occur in the experiment's name, a tag, or in a label or algorithm
    of one of its runs. Experiments with chosen runs are listed whatever the search.
    """
    matches = Q(n_runs__gt=0)
    for word in search.split():
        of_run = Run.objects.filter(
            Q(label__icontains=word) | Q(algorithm__icontains=word), experiment=OuterRef("pk")
        )
        matches &= Q(name__icontains=word) | Q(tags__icontains=word) | Q(Exists(of_run))
    has_chosen = Exists(Run.objects.filter(pk__in=chosen, experiment=OuterRef("pk")))
    runs = Run.objects.only("id", "experiment_id", "label", "algorithm", "seed")
    experiments = (
        Experiment.objects.defer("config")
        .annotate(has_chosen=has_chosen, n_runs=Count("runs"))
        .filter(matches | Q(has_chosen=True))
        .order_by("-has_chosen", "-created_at")
        .prefetch_related(Prefetch("runs", runs.order_by("position")[:PICKER_RUNS], "first_runs"))
    )
    return [_picker_row(one) for one in experiments[:PICKER_EXPERIMENTS]]


def _picker_row(experiment: Any) -> PickerExperiment:  # annotated by `picker`
    labels: dict[tuple[str, str], list[Run]] = defaultdict(list)
    for run in experiment.first_runs:
        labels[run.label, run.algorithm].append(run)
    return PickerExperiment(
        experiment=experiment,
        labels=tuple(PickerLabel(*key, tuple(runs)) for key, runs in labels.items()),
        hidden=experiment.n_runs - len(experiment.first_runs),
    )
