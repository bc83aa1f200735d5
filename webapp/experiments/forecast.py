"""How long a planned experiment would take, from what the same policy took before."""

from collections import defaultdict
from dataclasses import dataclass

from webapp.experiments.config import ExperimentConfig
from webapp.experiments.configs import AnyConfig
from webapp.experiments.control.config import ControlConfig
from webapp.experiments.control.rates import control_seconds
from webapp.experiments.preview import PlanPreview
from webapp.jobs.models import Artifact, Job
from webapp.jobs.selectors import workers_live
from webapp.jobs.states import JobState
from webapp.policies.models import Policy

RECENT = 60
"""Earlier jobs that are looked at, the latest first."""


@dataclass(frozen=True)
class Forecast:
    """An estimate and what it stands on."""

    seconds: float
    workers: int
    jobs: int
    """Earlier jobs whose durations went into it."""


def forecast(config: AnyConfig, preview: PlanPreview) -> Forecast | None:
    """Return an estimate; None where a kind of work has not been measured or nobody would do it."""
    if isinstance(config, ControlConfig):
        measured, workers = control_seconds(preview.left), serving(config.label)
        if measured is None or not workers:
            return None
        return Forecast(measured.seconds / workers, workers, measured.jobs)
    return _of_prompts(config, preview)


def _of_prompts(config: ExperimentConfig, preview: PlanPreview) -> Forecast | None:
    """Return the estimate of an experiment with language models.

    Each kind's rate is the mean over succeeded jobs that read the same policy (trainings: also with
    the same batch size). Grading is left out: it takes next to nothing. 3 queries.
    """
    workers = serving(config.label)
    amounts = {
        "generate": preview.remaining.completions,
        "evaluate": preview.remaining.evaluation_completions,
        "train": preview.remaining.steps,
    }
    rates = _seconds_per_unit(config)
    seconds = 0.0
    for kind, amount in amounts.items():
        if amount is None or (amount and kind not in rates):
            return None
        if amount:
            seconds += amount * sum(rates[kind]) / len(rates[kind])
    if not workers:
        return None
    used = sum(len(rates[kind]) for kind, amount in amounts.items() if amount)
    return Forecast(seconds / workers, workers, used)


def serving(label: str) -> int:
    """Return how many live workers serve a label; one query."""
    return sum(label in worker.labels for worker in workers_live())


def _seconds_per_unit(config: ExperimentConfig) -> dict[str, list[float]]:
    policy = Policy.objects.filter(pk=config.policy_id).values_list("job_id", flat=True)
    jobs = (
        Job.objects.filter(
            kind__in=("generate", "evaluate", "train", "online"),
            state=JobState.SUCCEEDED,
            inputs__role="policy",
            inputs__source__in=list(policy),
        )
        .select_related("artifact")
        .order_by("-finished_at")[:RECENT]
    )
    rates: dict[str, list[float]] = defaultdict(list)
    for job in jobs:
        units = _units(job, config)
        if not (units and job.started_at and job.finished_at):
            continue
        seconds = (job.finished_at - job.started_at).total_seconds()
        if job.kind == "online":
            writing = float(job.artifact.summary["generation_seconds"])
            rates["generate"].append(writing / float(job.artifact.summary["completions"]))
            rates["train"].append(max(0.0, seconds - writing) / units)
        else:
            rates[job.kind].append(seconds / units)
    return rates


def _units(job: Job, config: ExperimentConfig) -> float | None:
    """Return how many completions, answers or steps a job made; None if it cannot be compared."""
    try:
        summary = job.artifact.summary
    except Artifact.DoesNotExist:
        return None
    if job.kind == "generate":
        amount = summary.get("completions")
    elif job.kind == "evaluate":
        problems, samples = summary.get("problems"), summary.get("samples")
        amount = None if problems is None or samples is None else problems * (1 + samples)
    else:
        same = job.spec.get("settings", {}).get("batch_size") == config.settings.batch_size
        amount = summary.get("steps") if same else None
    return float(amount) if amount else None
