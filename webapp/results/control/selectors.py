"""Reads what the compare page of experiments in control is made of."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from webapp.datasets.models import Dataset
from webapp.experiments.models import Run
from webapp.jobs.models import JobInput
from webapp.policies.models import Policy
from webapp.results.control.published import d4rl_name
from webapp.results.rows import RunRow

RECIPE = "control"
"""Recipe of experiments whose policies act in an environment."""
NETWORKS = ("score", "state_score", "inverse_dynamics")
"""Roles of the networks that a correction asks."""


class Family(StrEnum):
    """What a page's runs are about."""

    LANGUAGE = "language"
    CONTROL = "control"
    MIXED = "mixed"


def family_of_runs(run_ids: Collection[int]) -> Family | None:
    """Return what some runs are about; None where there are none; 1 query."""
    recipes = Run.objects.filter(pk__in=run_ids).values_list("experiment__recipe", flat=True)
    found = {recipe == RECIPE for recipe in recipes.distinct()} if run_ids else set()
    if len(found) == 2:
        return Family.MIXED
    return (Family.CONTROL if found == {True} else Family.LANGUAGE) if found else None


@dataclass(frozen=True)
class Origin:
    """Where an evaluation's policy and networks come from."""

    policy_job: int | None
    policy: str
    """Name of a given policy; empty where it was trained in the run."""
    dataset: str
    """Name of the transitions; empty where nothing was learned from any."""
    d4rl: str = ""
    """Which of D4RL's data sets in CORL's table they are; empty for others."""


def origins_of(runs: Sequence[RunRow]) -> dict[int, Origin]:
    """Return the origin of each run's evaluation; 5 queries."""
    inputs = _inputs([run.evaluate.id for run in runs if run.evaluate is not None])
    own = {run.id: inputs.get(run.evaluate.id, {}) if run.evaluate else {} for run in runs}
    learned = {source for roles in own.values() for source in roles.values()}
    transitions = {
        job: roles["transitions"]
        for job, roles in _inputs(learned).items()
        if "transitions" in roles
    }
    datasets = _datasets(set(transitions.values()))
    named = _named({run.id: _dataset_id(run) for run in runs})
    policies = _policies({roles["policy"] for roles in own.values() if "policy" in roles})
    found = {}
    for run in runs:
        roles = own[run.id]
        learners = [roles[role] for role in ("policy", *NETWORKS) if role in roles]
        sources = [transitions[job] for job in learners if job in transitions]
        policy = roles.get("policy")
        data = named.get(run.id) or (datasets.get(sources[0]) if sources else None)
        found[run.id] = Origin(
            policy_job=policy,
            policy=policies.get(policy, "") if run.is_base and policy is not None else "",
            dataset=data.name if data else "",
            d4rl=data.d4rl if data else "",
        )
    return found


def _dataset_id(run: RunRow) -> int | None:
    """Return the data set that a run says it is about."""
    told = run.config.get("recipe", {})
    found = told.get("dataset_id") if isinstance(told, Mapping) else None
    return found if isinstance(found, int) else None


@dataclass(frozen=True)
class _Data:
    """A data set of transitions by its names."""

    name: str
    d4rl: str = ""

    @classmethod
    def of(cls, row: Dataset) -> "_Data":
        """Return the names of a row; its job is selected with it."""
        spec = row.job.spec
        source = spec.get("source")
        path = str(source.get("path", "")) if isinstance(source, Mapping) else ""
        known = d4rl_name(str(spec.get("reference", "")), path, row.origin, row.name)
        # Only an import has all of D4RL's steps; what is collected or cut out is other data.
        return cls(str(row), known if row.job.kind == "transitions" else "")


def _named(wanted: Mapping[int, int | None]) -> dict[int, _Data]:
    """Return the data sets that runs say they are about, by run."""
    asked = [one for one in wanted.values() if one is not None]
    rows = Dataset.objects.filter(pk__in=asked).select_related("job")
    names = {row.pk: _Data.of(row) for row in rows}
    return {run: names[one] for run, one in wanted.items() if one in names}


def _inputs(job_ids: Collection[int]) -> Mapping[int, dict[str, int]]:
    rows = JobInput.objects.filter(job__in=list(job_ids)).values_list("job_id", "role", "source_id")
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for job_id, role, source_id in rows:
        found[job_id][role] = source_id
    return found


def _datasets(job_ids: Collection[int]) -> dict[int, _Data]:
    """Return data sets by their job; a job without one is called by its number."""
    rows = Dataset.objects.filter(job__in=list(job_ids)).select_related("job").order_by("-pk")
    return {job_id: _Data(f"data set of job {job_id}") for job_id in job_ids} | {
        row.job_id: _Data.of(row) for row in rows
    }


def _policies(job_ids: Collection[int]) -> dict[int, str]:
    rows = Policy.objects.filter(job__in=list(job_ids)).order_by("-pk")
    return {job_id: f"policy of job {job_id}" for job_id in job_ids} | {
        row.job_id: row.name for row in rows
    }
