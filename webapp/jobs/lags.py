"""How old the completions were that an online training learned from, as its page shows it."""

from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq

from algorithms.online.lags import LAGS, LAGS_FILE
from webapp.jobs.models import Job
from webapp.jobs.states import ACTIVE
from webapp.jobs.train_files import train_file


def has_lags(job: Job) -> bool:
    """Whether a job has lags to show, or will have while it runs."""
    return job.kind == "online" and (job.state in ACTIVE or bool(lag_counts(job)))


def lag_counts(job: Job) -> Counter[int]:
    """Return how many completions were learned from at which lag, empty before the first.

    While the job runs, they are those of its newest checkpoint, if that lies on this machine.
    """
    path = train_file(job, LAGS_FILE, live=f"state/{LAGS_FILE}")
    counts: Counter[int] = Counter()
    if path is None:
        return counts
    try:
        table = pq.read_table(path).cast(LAGS)
    except (OSError, pa.ArrowException):
        return counts
    for row in table.to_pylist():
        counts[row["lag"]] += row["completions"]
    return counts
