"""What a plan would cost, and what of it exists already."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from algorithms.specs import KINDS
from webapp.curation.selectors import writer_of
from webapp.experiments.amounts import Known, Work, problems_of, stored_completions, work_of
from webapp.experiments.config import ExperimentConfig
from webapp.experiments.config_base import Family
from webapp.experiments.configs import AnyConfig
from webapp.experiments.control.config import ControlConfig
from webapp.experiments.control.sources import control_warnings
from webapp.experiments.disk import Stored, policy_bytes, stored_policies
from webapp.experiments.engine_gap import gap_warnings, of_plan
from webapp.experiments.plan import Plan
from webapp.experiments.recipes import load
from webapp.experiments.sources import FoundSources
from webapp.jobs.graph import Node
from webapp.jobs.models import Job
from webapp.jobs.states import JobState

KIND_ORDER = tuple(KINDS)


@dataclass(frozen=True)
class KindCount:
    """Planned jobs of one kind, and the states of those that exist."""

    kind: str
    planned: int
    existing: Mapping[str, int]
    """How many are in each state already."""

    @property
    def found(self) -> int:
        """Jobs that exist already, in whatever state."""
        return sum(self.existing.values())

    @property
    def new(self) -> int:
        """Jobs that nobody has asked for yet."""
        return self.planned - self.found

    @property
    def done(self) -> int:
        """Jobs whose artifact is there: they cost nothing."""
        return self.existing.get(JobState.SUCCEEDED, 0)


@dataclass(frozen=True)
class PlanPreview:
    """What the page shows before the launch."""

    family: Family
    """Whether language models or policies for control are compared."""
    runs: int
    """Trained runs and evaluations of policies as they are."""
    groups: int
    """Compared groups, policies as they are included."""
    kinds: tuple[KindCount, ...]
    total: Work
    remaining: Work
    """The part of the total whose artifacts are not there yet."""
    warnings: tuple[str, ...]
    """Sentences about what will not work as it is."""
    stored: Stored | None
    """Policies of the remaining trainings; None where their size is not known."""
    left: tuple[Node, ...] = ()
    """Planned jobs whose artifact is not there yet."""

    @property
    def jobs(self) -> int:
        """All planned jobs."""
        return sum(kind.planned for kind in self.kinds)

    @property
    def disk(self) -> int:
        """Bytes that the policies of the remaining trainings take; 0 where not known."""
        return self.stored.size_bytes if self.stored else 0

    @property
    def policies(self) -> int:
        """How many policies that are."""
        return self.stored.policies if self.stored else 0

    @property
    def existing(self) -> int:
        """Planned jobs that exist already, in whatever state."""
        return self.jobs - sum(kind.new for kind in self.kinds)

    @property
    def done(self) -> int:
        """Planned jobs whose artifact is there already."""
        return sum(kind.done for kind in self.kinds)


def preview(config: AnyConfig, plan: Plan, sources: FoundSources) -> PlanPreview:
    """Return counts and amounts of a plan; 2 queries, more for given completions."""
    fingerprints = [node.fingerprint for node in plan.nodes]
    rows = Job.objects.filter(fingerprint__in=fingerprints)
    states = dict(rows.values_list("fingerprint", "state"))
    existing: dict[str, Counter[str]] = {kind: Counter() for kind in KIND_ORDER}
    for node in plan.nodes:
        if node.fingerprint in states:
            existing[node.kind][states[node.fingerprint]] += 1
    known = Known(
        datasets={row.job.fingerprint: row for row in sources.datasets.values()},
        rollouts={job.fingerprint: stored_completions(job) for job in sources.rollouts.values()},
    )
    left = [n for n in plan.nodes if states.get(n.fingerprint) != JobState.SUCCEEDED]
    return PlanPreview(
        family=config.family,
        runs=len(plan.runs),
        groups=len({run.label for run in plan.runs}),
        kinds=tuple(
            KindCount(kind, plan.jobs_by_kind[kind], existing[kind])
            for kind in KIND_ORDER
            if plan.jobs_by_kind[kind]
        ),
        total=work_of(list(plan.nodes), known),
        remaining=work_of(left, known),
        warnings=(
            *_warnings(config, sources),
            *load(config.recipe).notes(config),
            *gap_warnings(of_plan(fingerprints, sources.rollouts.values())),
        ),
        stored=stored_policies(left, _policy_sizes(sources)),
        left=tuple(left),
    )


def _policy_sizes(sources: FoundSources) -> dict[str, int | None]:
    return {row.job.fingerprint: policy_bytes(row) for row in sources.policies.values()}


def _warnings(config: AnyConfig, sources: FoundSources) -> list[str]:
    if isinstance(config, ControlConfig):
        found = control_warnings(config, sources)
    else:
        found = _of_prompts(config, sources)
    for _, job in sources.jobs.values():
        if job.state in {JobState.FAILED, JobState.CANCELLED}:
            found.append(f"Job {job.pk} ({job.title}) {job.state}; launching tries it again.")
    return found


def _of_prompts(config: ExperimentConfig, sources: FoundSources) -> list[str]:
    evaluated = config.eval_dataset_id or config.dataset_id
    wanted = {(pk, config.evaluate.split) for pk in (evaluated, *config.benchmarks)}
    if config.rollouts_id is None:
        wanted.add((config.dataset_id, config.generate.split))
    found = []
    for dataset_id, split in sorted(wanted):
        dataset = sources.datasets[dataset_id]
        if problems_of(dataset, split) == 0:
            found.append(f"“{dataset}” has no problem in the split “{split}”.")
    return found + _writer_warnings(config, sources)


def _writer_warnings(config: ExperimentConfig, sources: FoundSources) -> list[str]:
    """Return a sentence where the trained policy did not write the given completions."""
    policy = sources.policies[config.policy_id]
    own = (policy.job_id, policy.checkpoint)
    if all(writer_of(job) in {None, own} for job in sources.rollouts.values()):
        return []
    message = f"Another policy than “{policy}” wrote the completions: the ratio to the behaviour "
    return [f"{message}policy is not 1 at the first step."]
