"""One attempt of a job, inside its own process: row, inputs, computation, artifact, end."""

import logging
import shutil
import signal
from functools import partial
from pathlib import Path

from django.conf import settings
from pydantic import ValidationError

from algorithms.base import JobContext, Schema, Stopped, Summary, UserError
from algorithms.catalogue import ALGORITHMS
from algorithms.control_metrics import control_metrics
from algorithms.jobs import run_job
from algorithms.metrics import EVAL_METRICS, OUTCOME_METRICS, TRAIN_METRICS
from algorithms.shared.online_metrics import ONLINE_METRICS
from algorithms.specs import KINDS, EvaluateSpec, OnlineSpec, TrainSpec
from webapp.jobs.leases import LeaseLost, fenced, finish_failure, finish_success, requeue
from webapp.jobs.models import Job
from webapp.jobs.store import default_store
from workers import exits
from workers.classify import classify
from workers.database import until_answered
from workers.inputs import InputGone, input_folders
from workers.reporter import JobReporter

logger = logging.getLogger(__name__)


def run_attempt(job_id: int, attempt: int) -> int:
    """Compute a claimed job and record its end; return one of `workers.exits`."""
    try:
        job = until_answered(partial(_held, job_id, attempt))
        return _run(job, attempt)
    except LeaseLost as lost:
        logger.warning("%s", lost)
        return exits.LEASE_LOST
    except Exception as error:  # noqa: BLE001 - every failure of a job ends here, classed and shown
        failure = classify(error)
        record = partial(finish_failure, job_id=job_id, attempt=attempt, failure=failure)
        try:
            until_answered(record)
        except LeaseLost:
            return exits.LEASE_LOST
        return exits.FAILED


def _held(job_id: int, attempt: int) -> Job:
    with fenced(job_id, attempt) as job:
        return job


def _run(job: Job, attempt: int) -> int:
    checkpoints = checkpoint_folder(job.pk, attempt)
    spec = _spec(job)
    reporter = JobReporter(
        job.pk, attempt, metrics=_declared_metrics(spec), folder=checkpoints.parent
    )
    signal.signal(signal.SIGTERM, lambda *_: reporter.request_stop())
    store = default_store()
    staging = store.staging(job.pk, attempt)
    try:
        inputs = until_answered(partial(input_folders, job, store))
        context = JobContext(inputs, staging, checkpoints, reporter)
        summary = run_job(job.kind, spec, context)
    except Stopped as stopped:
        logger.info("%s", stopped)
        return exits.STOPPED
    except InputGone as gone:
        until_answered(partial(requeue, job_id=job.pk, attempt=attempt, reason=str(gone)))
        return exits.FAILED
    else:
        reporter.close()
        _publish(job, attempt, staging, summary)
    finally:
        reporter.close()
        store.discard(staging)
    shutil.rmtree(checkpoints.parent.parent, ignore_errors=True)
    return exits.DONE


def _publish(job: Job, attempt: int, staging: Path, summary: Summary) -> None:
    store = default_store()
    stored = store.publish(staging, job.pk, attempt)
    record = partial(finish_success, job_id=job.pk, attempt=attempt, stored=stored, summary=summary)
    try:
        until_answered(record)
    except BaseException:
        store.remove(stored.path)
        raise


def _spec(job: Job) -> Schema:
    try:
        return KINDS[job.kind].spec.model_validate(job.spec)
    except (KeyError, ValidationError) as error:
        raise UserError(
            f"The settings of this {job.kind} job do not fit this version of the application: "
            f"launch it again. ({error})"
        ) from error


def _declared_metrics(spec: Schema) -> frozenset[str]:
    match spec:
        case TrainSpec() | OnlineSpec():
            algorithm = ALGORITHMS.get(spec.algorithm)
            own = algorithm.metrics if algorithm else ()
            declared = (*TRAIN_METRICS, *EVAL_METRICS, *own)
            if isinstance(spec, OnlineSpec):
                declared += ONLINE_METRICS
        case EvaluateSpec():
            declared = OUTCOME_METRICS
        case _:
            declared = control_metrics(spec)
    return frozenset(metric.name for metric in declared)


def checkpoint_folder(job_id: int, attempt: int) -> Path:
    """Return this attempt's checkpoints, those of the last attempt moved there.

    The move shuts an old attempt out that does not know yet that it lost the job: what it writes
    afterwards lands nowhere.
    """
    root: Path = settings.VAR / "checkpoints" / str(job_id)
    mine = root / f"{attempt:06d}"
    earlier = sorted(path for path in root.glob("[0-9]*") if path.name < mine.name)
    if earlier and not mine.exists():
        earlier[-1].rename(mine)
    folder = mine / "state"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
