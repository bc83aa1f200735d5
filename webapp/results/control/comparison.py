"""Chosen evaluations of policies in control: groups, their episodes, what each is compared with."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from algorithms.catalogue import CORRECTIONS
from webapp.results import selectors as shared
from webapp.results.control.choice import ControlChoice
from webapp.results.control.episodes import Episodes, episodes_of
from webapp.results.control.published import Published, published_of
from webapp.results.control.selectors import NETWORKS, Origin, origins_of
from webapp.results.groups import Group, GroupBy, configuration, group_runs, title_of
from webapp.results.outcomes import OutcomesMissing
from webapp.results.rows import RunRow

UNCORRECTED = "uncorrected"
_CORRECTING = {"correction", "correction_params", "ood_level"}
"""Settings of an evaluation that only matter where something is corrected."""
TUNING = "tuning"
NOISE = "evaluate.noise"
"""Path of the deviation of the noise on the policy's actions."""


@dataclass(frozen=True)
class Variant:
    """One compared group: a policy on a data set, corrected in one way or not at all."""

    group: Group
    policy: str
    """What learned it, or the name of a given policy."""
    dataset: str
    correction: str
    """Name of the correction; empty for none."""
    settings: Mapping[str, Any]
    """Everything that makes its numbers, by dotted path, training seeds left out."""
    episodes: Mapping[int, Episodes]
    """Of the runs that are evaluated, by run."""
    problem: str
    """Why episodes cannot be read; empty where they can."""
    d4rl: str = ""
    """Which of D4RL's data sets in CORL's table it learned from; empty for others."""

    @property
    def key(self) -> int:
        """What an address refers to it by."""
        return self.group.key

    @property
    def name(self) -> str:
        """Its name in tables and legends."""
        return self.group.name

    @property
    def correction_title(self) -> str:
        """The correction in words."""
        return correction_title(self.correction)

    @property
    def runs(self) -> list[RunRow]:
        """Its evaluated runs."""
        return [run for run in self.group.runs if run.id in self.episodes]

    @property
    def first(self) -> Episodes | None:
        """Episodes of its first evaluated run."""
        return self.episodes[self.runs[0].id] if self.runs else None

    @property
    def published(self) -> Published | None:
        """CORL's normalised return of the same algorithm, uncorrected, on the same D4RL data."""
        first = self.first
        reference = first.reference if first else None
        is_d4rl = reference is not None and reference.source == "D4RL"
        if self.correction or not is_d4rl or self.settings.get(NOISE):
            return None
        share = self.settings.get("train.params.top_share")
        return published_of(self.d4rl, self.group.algorithm, share)

    @property
    def subject(self) -> str:
        """Equal text for what differs in nothing but the correction."""
        kept = {path: value for path, value in self.settings.items() if not corrects(path)}
        return json.dumps(kept, sort_keys=True, default=str)

    def seed_key(self, run: RunRow) -> int:
        """Return what tells its policies apart, equal in groups of the same training seeds."""
        return self.group.seed_keys[self.group.runs.index(run)]


def corrects(path: str) -> bool:
    """Return whether a setting is about the correction: what it does, and its networks."""
    role, _, field = path.partition(".")
    return (
        role in {*NETWORKS, "recipe"}  # what a run says of itself names its correction, too
        or (role == "input" and field in NETWORKS)
        or (role == "evaluate" and field.partition(".")[0] in _CORRECTING)
    )


def correction_title(name: str) -> str:
    """Return a correction in words; "uncorrected" for none."""
    if not name:
        return UNCORRECTED
    return CORRECTIONS[name].title if name in CORRECTIONS else name


@dataclass(frozen=True)
class ControlComparison:
    """Chosen runs, grouped, with their episodes."""

    choice: ControlChoice
    runs: tuple[RunRow, ...]
    groups: tuple[Group, ...]
    variants: tuple[Variant, ...]
    """Those on reporting seeds; those on tuning seeds where there are no others."""
    left_out: tuple[Variant, ...]
    """Those on tuning seeds, where there are others."""

    @cached_property
    def evaluated(self) -> list[Variant]:
        """Variants that have episodes."""
        return [variant for variant in self.variants if variant.episodes]

    @property
    def trained(self) -> list[Group]:
        """Groups that have a learning curve: each training once, however often it is evaluated.

        Policies that were trained side by side have one curve, their mean.
        """
        found: dict[tuple[int, ...], Group] = {}
        for group in self.groups:
            firsts = {run.train.id: run for run in reversed(group.runs) if run.train is not None}
            runs = tuple(run for run in group.runs if run in firsts.values())
            if runs:
                found.setdefault(tuple(firsts), replace(group, runs=runs))
        return list(found.values())

    @property
    def is_live(self) -> bool:
        """Whether numbers may still change by themselves."""
        return any(run.is_active for run in self.runs)

    @property
    def missing(self) -> int:
        """How many chosen runs do not exist any more."""
        return len(set(self.choice.runs) - {run.id for run in self.runs})

    def variant(self, key: int | None) -> Variant | None:
        """Return the variant that has a run with this id."""
        return next(
            (one for one in self.variants if any(run.id == key for run in one.group.runs)), None
        )

    def uncorrected(self, variant: Variant) -> Variant | None:
        """Return the same policies, uncorrected; None for those that are, and where none is."""
        if not variant.correction:
            return None
        return next(
            (one for one in self.variants if not one.correction and one.subject == variant.subject),
            None,
        )

    def counterpart(self, variant: Variant) -> Variant | None:
        """Return what a variant is compared with: the chosen reference, else itself uncorrected."""
        reference = self.variant(self.choice.reference)
        if reference is None:
            return self.uncorrected(variant)
        return None if reference.key == variant.key else reference


def load(choice: ControlChoice) -> ControlComparison:
    """Return the chosen runs in their groups, episodes read; 7 queries, none without runs."""
    runs = tuple(shared.run_rows(choice.runs)) if choice.runs else ()
    groups = tuple(group_runs(runs, GroupBy.LABEL))
    origins = origins_of(runs) if runs else {}
    variants = [_variant(group, origins) for group in groups]
    tuning = [one for one in variants if one.first and one.first.purpose == TUNING]
    reported = [one for one in variants if one not in tuning]
    if not any(one.episodes for one in reported):
        reported, tuning = variants, []
    return ControlComparison(choice, runs, groups, tuple(reported), tuple(tuning))


def _variant(group: Group, origins: Mapping[int, Origin]) -> Variant:
    first = group.runs[0]
    origin = origins[first.id]
    settings = configuration(first)
    if first.is_base:
        settings |= {"input.policy": origin.policy_job}
    episodes, problem = _episodes(group.runs)
    learned = origin.policy if first.is_base else title_of(group.algorithm)
    return Variant(
        group=group,
        policy=str(settings.get("recipe.policy") or learned),
        dataset=origin.dataset,
        correction=str(settings.get("evaluate.correction", "")),
        settings=settings,
        episodes=episodes,
        problem=problem,
        d4rl=origin.d4rl,
    )


def _episodes(runs: Sequence[RunRow]) -> tuple[dict[int, Episodes], str]:
    found: dict[int, Episodes] = {}
    for run in runs:
        if run.evaluate is None or run.evaluate.artifact is None:
            continue
        try:
            found[run.id] = episodes_of(run.evaluate.artifact)
        except OutcomesMissing as error:
            return {}, str(error)
    return found, "" if found else "Not evaluated yet."
