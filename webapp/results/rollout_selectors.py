"""Reads which sets of completions exist and where they come from."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from algorithms.online.rollouts import KEPT_COMPLETIONS
from algorithms.specs import TRAININGS
from webapp.datasets.models import Dataset
from webapp.jobs.models import Artifact, Job, JobInput
from webapp.jobs.states import JobState
from webapp.policies.models import Policy
from webapp.results.rows import ArtifactRow
from webapp.results.selectors import artifact_row

ROLLOUT_KINDS = ("generate", "score", "grade", "curate", "mix")
EVALUATION_KINDS = ("evaluate", "weigh")
ONLINE = "online"
"""Kind of the trainings that keep what their policy wrote on the way."""
GAP_MEAN = "logprob_gap_mean"
"""In the summary of an artifact whose engine was compared with the training stack."""


@dataclass(frozen=True)
class Origin:
    """A job that a set comes from, directly or further up."""

    role: str
    job_id: int
    title: str
    artifact: ArtifactRow | None
    checkpoint: int | None = None
    """Updates after which the policy was kept that is meant."""
    kind: str = ""
    """Of the job."""


@dataclass(frozen=True)
class RolloutSet:
    """A set of completions: its job, files and origins."""

    job: Job
    artifact: ArtifactRow
    origins: Mapping[str, Origin]
    """By role: rollouts, policy, dataset."""
    generate_spec: Mapping[str, Any]
    """How the completions were drawn."""
    is_online: bool = False
    """Whether the policy was trained while it wrote: no one policy has these log-probabilities."""
    measured: ArtifactRow | None = None
    """The nearest artifact on the way up that compares engine and training stack, if any does."""

    @property
    def is_evaluation(self) -> bool:
        """Whether these are answers to held-out problems."""
        return self.job.kind in EVALUATION_KINDS


def rollout_sets(kinds: tuple[str, ...], search: str) -> QuerySet[Artifact]:
    """Return the artifacts with completions, newest first, with `n_users` jobs that read each.

    Ungraded sets are left out once their graded twin exists, online trainings where they kept
    nothing. Every word of the search must occur in the job's title.
    """
    graded = JobInput.objects.filter(
        source=OuterRef("job"), job__kind="grade", job__state=JobState.SUCCEEDED
    )
    online = Q(job__kind=ONLINE)
    found = (
        Artifact.objects.filter(job__kind__in=kinds, job__state=JobState.SUCCEEDED)
        .filter(~online | Q(**{f"summary__{KEPT_COMPLETIONS}__gt": 0}))
        .filter(online | ~Exists(graded))
        .select_related("job")
        .annotate(n_users=Count("job__dependents", distinct=True))
        .order_by("-created_at", "-pk")
    )
    for word in search.split():
        found = found.filter(job__title__icontains=word)
    return found


@dataclass(frozen=True)
class Authorship:
    """Who wrote a set, and what was asked, in the names that people gave."""

    policy: str = ""
    dataset: str = ""
    drawn: str = ""
    """How the completions were drawn, for a graded set."""


def authorship(job_ids: Collection[int]) -> dict[int, Authorship]:
    """Return the authorship of sets by their job; 4 queries whatever their number.

    One more for each time that a set was curated again.
    """
    found = _inputs(job_ids)
    drawing = {job: roles["rollouts"] for job, roles in found.items() if "rollouts" in roles}
    level = drawing
    while level:
        further = _inputs({source.pk for source in level.values()})
        above = {job: further.get(source.pk, {}) for job, source in level.items()}
        found |= {job: {**found[job], **roles} for job, roles in above.items()}  # the writer wins
        level = {job: roles["rollouts"] for job, roles in above.items() if "rollouts" in roles}
    sources = {source.pk for roles in found.values() for source in roles.values()}
    ended = Policy.objects.filter(job__in=sources, checkpoint=None)
    names = dict(ended.values_list("job_id", "name"))
    for job_id, title, version in Dataset.objects.filter(job__in=sources).values_list(
        "job_id", "name", "version"
    ):
        names[job_id] = f"{title} v{version}"

    def name(roles: Mapping[str, Job], role: str) -> str:
        if role not in roles:
            return ""
        # A training without a name is what the title of its evaluation says already.
        title = "" if roles[role].kind in TRAININGS else roles[role].title
        return names.get(roles[role].pk, title)

    return {
        job: Authorship(
            name(roles, "policy"),
            name(roles, "dataset"),
            drawing[job].title if job in drawing else "",
        )
        for job, roles in found.items()
    }


def _inputs(job_ids: Collection[int]) -> dict[int, dict[str, Job]]:
    rows = JobInput.objects.filter(job__in=job_ids).select_related("source")
    found: dict[int, dict[str, Job]] = defaultdict(dict)
    for row in rows.defer("source__spec", "source__failure_detail"):
        found[row.job_id][row.role] = row.source
    return found


def rollout_set(job_id: int) -> RolloutSet:
    """Return a set with its origins; 2 queries, 3 for a graded one, one more per curation.

    Raises:
        Job.DoesNotExist: no such job, one without completions, or not finished.
    """
    job = Job.objects.select_related("artifact").get(
        pk=job_id, kind__in=(*ROLLOUT_KINDS, *EVALUATION_KINDS, ONLINE), state=JobState.SUCCEEDED
    )
    artifact = artifact_row(job)
    is_online = job.kind == ONLINE
    if artifact is None or (is_online and not artifact.summary.get(KEPT_COMPLETIONS)):
        raise Job.DoesNotExist
    origins = _origins(job.pk)
    spec: Mapping[str, Any] = job.spec
    above = origins.get("rollouts")
    measured = _measured(artifact)
    while above is not None:
        measured = measured or _measured(above[0].artifact)
        spec = above[1]
        is_online |= above[0].kind == ONLINE
        further = _origins(above[0].job_id)
        origins = {**origins, **further, "rollouts": origins["rollouts"]}
        above = further.get("rollouts")
    named = {role: one for role, (one, _) in origins.items()}
    drawn = spec["generate"] if is_online else spec
    return RolloutSet(job, artifact, named, drawn, is_online=is_online, measured=measured)


def _measured(artifact: ArtifactRow | None) -> ArtifactRow | None:
    return artifact if artifact is not None and GAP_MEAN in artifact.summary else None


def _origins(job_id: int) -> dict[str, tuple[Origin, Mapping[str, Any]]]:
    inputs = JobInput.objects.filter(job=job_id).select_related("source", "source__artifact")
    return {
        one.role: (
            Origin(
                one.role,
                one.source_id,
                one.source.title,
                artifact_row(one.source),
                one.checkpoint,
                one.source.kind,
            ),
            one.source.spec,
        )
        for one in inputs
    }
