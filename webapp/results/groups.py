"""Which runs make one mean: grouping by configuration, algorithm, or not at all. Pure."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from algorithms.catalogue import ALGORITHMS, CONTROL_ALGORITHMS
from webapp.experiments.roles import differs_by_seed, is_further
from webapp.results.rows import BASE, RunRow


class GroupBy(StrEnum):
    """What the runs of one mean have in common."""

    LABEL = "label"
    ALGORITHM = "algorithm"
    RUN = "run"


@dataclass(frozen=True)
class Group:
    """Runs whose mean is one curve, one row, one dot."""

    key: int
    """Id of its first run: what an address refers to it by."""
    name: str
    algorithm: str
    """Empty for the base policy."""
    variant: int
    """0 for the first group of its algorithm, 1 for the next...: same colour, other dashes."""
    runs: tuple[RunRow, ...]
    """Each computation once, also when several experiments share it."""
    shared: int
    """Runs left out because they are the same computation as another one of the group."""
    mixed: bool
    """Its runs differ in more than the seed."""

    @property
    def is_base(self) -> bool:
        """Whether it is the given policy itself."""
        return self.algorithm == BASE

    @property
    def seed_keys(self) -> tuple[int, ...]:
        """Seeds where they tell the runs apart, else ids that match no other group's."""
        seeds = tuple(run.seed for run in self.runs)
        if len(set(seeds)) == len(seeds):
            return seeds
        return tuple(-run.id for run in self.runs)


def is_of_seeds(path: str) -> bool:
    """Return whether a setting, by dotted path, follows from the run's seed or its neighbours.

    A policy that is trained beside others comes out as alone.
    """
    return differs_by_seed(path) or path.endswith(".parallel_seeds")


def configuration(run: RunRow) -> dict[str, Any]:
    """Return what makes the run's numbers, seed and further benchmarks left out, by dotted path."""
    config = {
        path: value
        for path, value in flatten(run.config).items()
        if not is_of_seeds(path) and not is_further(path.partition(".")[0])
    }
    inputs = {f"input.{role}": source.fingerprint for role, source in run.sources.items()}
    return config | inputs


def flatten(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested settings as one level: {"train.settings.steps": 250}."""
    flat: dict[str, Any] = {}
    for key, inner in value.items():
        path = f"{prefix}{key}"
        if isinstance(inner, Mapping):
            flat |= flatten(inner, f"{path}.")
        else:
            flat[path] = inner
    return flat


def identity(run: RunRow) -> str:
    """Return equal text for runs that differ in nothing but the seed.

    Evaluations of a given policy are the same only when they are one job: two policies are two
    groups, however alike their settings.
    """
    own = run.result_key if run.is_base else None
    text = json.dumps([run.algorithm, configuration(run), own], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def group_runs(runs: Sequence[RunRow], by: GroupBy) -> list[Group]:
    """Return the groups in order of their first run.

    By label, runs of several experiments join one group when label and configuration agree; where
    one label stands for two configurations the groups are named by experiment too.
    """
    members: dict[tuple[str, ...], list[RunRow]] = defaultdict(list)
    for run in runs:
        members[_key(run, by)].append(run)
    names = _names(list(members.values()), by)
    variants: Counter[str] = Counter()
    groups = []
    for found, name in zip(members.values(), names, strict=True):
        algorithm = found[0].algorithm
        groups.append(_group(found, name, variant=variants[algorithm]))
        variants[algorithm] += 1
    return groups


def _key(run: RunRow, by: GroupBy) -> tuple[str, ...]:
    match by:
        case GroupBy.LABEL:
            return (run.label, identity(run))
        case GroupBy.ALGORITHM:
            return (run.algorithm,)
        case GroupBy.RUN:
            return (str(run.id),)


def _group(found: Sequence[RunRow], name: str, *, variant: int) -> Group:
    distinct = {run.result_key: run for run in reversed(found)}
    kept = tuple(run for run in found if distinct[run.result_key] is run)
    return Group(
        key=found[0].id,
        name=name,
        algorithm=found[0].algorithm,
        variant=variant,
        runs=kept,
        shared=len(found) - len(kept),
        mixed=len({identity(run) for run in kept}) > 1,
    )


def _names(members: Sequence[Sequence[RunRow]], by: GroupBy) -> list[str]:
    plain = [_plain_name(runs[0], by) for runs in members]
    names = _told_apart(plain, [f"{runs[0].experiment_name}" for runs in members])
    return _told_apart(names, [f"run {runs[0].id}" for runs in members])


def _plain_name(run: RunRow, by: GroupBy) -> str:
    match by:
        case GroupBy.LABEL:
            return run.label
        case GroupBy.ALGORITHM:
            return title_of(run.algorithm)
        case GroupBy.RUN:
            return run.label if run.is_base else f"{run.label}, seed {run.seed}"


def title_of(algorithm: str) -> str:
    """Return an algorithm's title; its file name when it is not installed any more."""
    if algorithm == BASE:
        return "Base policy"
    known = ALGORITHMS.get(algorithm) or CONTROL_ALGORITHMS.get(algorithm)
    return known.title if known else algorithm


def _told_apart(names: Sequence[str], additions: Sequence[str]) -> list[str]:
    counts = Counter(names)
    return [
        f"{name} · {addition}" if counts[name] > 1 else name
        for name, addition in zip(names, additions, strict=True)
    ]


@dataclass(frozen=True)
class ConfigDifference:
    """One setting in which the compared groups differ."""

    path: str
    values: tuple[str, ...]
    """One per group, as text; a dash where the group has no such setting."""


ABSENT = "–"


def config_differences(groups: Sequence[Group]) -> list[ConfigDifference]:
    """Return the settings, one value per group, in which the groups are not all equal.

    A group whose own runs differ shows each of its values. Inputs are named by the job that made
    them.
    """
    tables = [_texts(group) for group in groups]
    paths = sorted({path for table in tables for path in table})
    rows = [
        ConfigDifference(path, tuple(table.get(path, ABSENT) for table in tables)) for path in paths
    ]
    return [row for row in rows if len(set(row.values)) > 1]


def _texts(group: Group) -> dict[str, str]:
    found: dict[str, list[str]] = defaultdict(list)
    for run in group.runs:
        config = flatten(run.config)
        values = {
            path: as_text(value)
            for path, value in config.items()
            if not is_of_seeds(path) and not _is_repeated(path, config)
        }
        values |= {
            f"input.{role}": f"job {source.job_id}: {source.title}"
            for role, source in run.sources.items()
        }
        for path, value in values.items():
            if value not in found[path]:
                found[path].append(value)
    return {path: " | ".join(values) for path, values in found.items()}


def _is_repeated(path: str, config: Mapping[str, Any]) -> bool:
    """Return whether a setting of one round is that of the run's end, or of its first round."""
    role, _, field = path.partition(".")
    stage, _, number = role.partition("@")
    same = next((one for one in (stage, f"{stage}@1") if f"{one}.{field}" in config), role)
    return bool(number) and same != role and config[f"{same}.{field}"] == config[path]


def as_text(value: Any) -> str:
    """Return a setting as it would be typed: 0.0003, none, yes."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
