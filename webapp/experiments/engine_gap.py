"""Warns where an engine's log-probabilities are not those of training, before and after launch."""

from collections.abc import Collection, Iterable

from django.db.models import Q

from webapp.jobs.models import Artifact, Job, JobInput

GAP_WARNING_NATS = 0.05
"""Mean |engine - trainer| of a token's log-probability above which a launch warns."""
_TOO_FAR = Q(summary__logprob_gap_mean__gt=GAP_WARNING_NATS)


def gap_warnings(artifacts: Q) -> list[str]:
    """Return a sentence for each artifact among these whose engine is too far off; one query."""
    found = Artifact.objects.filter(artifacts, _TOO_FAR).select_related("job").order_by("job_id")
    return [
        f"The engine of job {artifact.job_id} ({artifact.job.title}) samples from another "
        f"distribution than training computes: {artifact.summary['logprob_gap_mean']:.2g} nats "
        f"per token on average, above {GAP_WARNING_NATS} nats. Off-policy corrections use "
        "training's numbers, not those that were sampled from. Look at its page, and sample in "
        "float32 or with transformers if that matters."
        for artifact in found
    ]


def of_plan(fingerprints: Collection[str], given: Iterable[Job]) -> Q:
    """Return which artifacts a plan reads: those of its jobs, and what given rollouts come from."""
    chosen = Q(job__fingerprint__in=fingerprints)
    ids: list[int] = []
    for job in given:
        above: int | None = job.pk
        while above is not None:
            ids.append(above)
            inputs = JobInput.objects.filter(job=above, role="rollouts")
            above = inputs.values_list("source_id", flat=True).first()
    return chosen | Q(job__in=ids) if ids else chosen
