"""A study as a data file: a question, experiments at several scales, figures, a table, claims."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from algorithms.base import Schema
from algorithms.labs.bandit import Bandit
from webapp.experiments.config_base import Family
from webapp.experiments.portable.document import DatasetEntry, JobEntry, PolicyEntry, SourceName
from webapp.studies.claim_schema import ClaimSpec, Exact
from webapp.studies.figure_schema import PAPER, FigureSpec, TableSpec

ProfileName = Literal["cpu", "gpu", "paper", "nightly", "d4rl"]
SCALES: Mapping[Family, tuple[ProfileName, ...]] = {
    "language": ("cpu", "gpu", "paper"),
    "control": ("cpu", "nightly", "d4rl"),
}
"""Scales that studies of a family may have, in their order."""
PROFILES = tuple(dict.fromkeys(scale for scales in SCALES.values() for scale in scales))
"""All scales."""
PUBLISHED: Mapping[Family, ProfileName] = {"language": "paper", "control": "d4rl"}
"""The scale at which published numbers lie beside ours."""
Fragment = Mapping[str, Any]
"""Part of an ExperimentConfig as files write it: sources by name."""


class Pilot(Schema):
    """Whether a profile's setting can tell a claim's two sides apart, shown on data of its own.

    The experiment of the claim, cut down to its two sides, on other problems, another policy and
    other seeds, so that what the study then finds was not chosen by looking at it.
    """

    claim: str
    """Id of a claim with two sides."""
    seeds: tuple[int, ...] = (100, 101, 102)
    """Seeds of its own."""
    datasets: Mapping[SourceName, DatasetEntry] = {}
    """Datasets instead of those of the same names."""
    policies: Mapping[SourceName, PolicyEntry] = {}
    """Policies instead of those of the same names."""
    change: Fragment = {}
    """Settings that are smaller than the study's, such as one iteration."""


class Profile(Schema):
    """One scale of a study."""

    summary: str
    """Models and sizes in one sentence."""
    differences: tuple[str, ...] = ()
    """What is not as in the paper at this scale."""
    datasets: Mapping[SourceName, DatasetEntry] = {}
    """Datasets by the names that experiments use."""
    policies: Mapping[SourceName, PolicyEntry] = {}
    """Policies by the names that experiments use."""
    jobs: Mapping[str, JobEntry] = {}
    """Jobs that make datasets and policies with a longer history."""
    problems: Mapping[str, Mapping[str, int]] = {}
    """Expected cost: problems per split of datasets that only exist once they are downloaded."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Seeds of every experiment."""
    shared: Fragment = {}
    """Settings of every experiment."""
    experiments: Mapping[str, Fragment] = {}
    """Settings of single experiments, the last word."""
    without: tuple[str, ...] = ()
    """Experiments of the study that this scale leaves out."""
    pilot: Pilot | None = None
    """The check of the setting itself."""


class BanditChoice(Schema):
    """An algorithm that plays the study's bandit."""

    label: str
    """In figures and claims."""
    algorithm: str
    """File name of the algorithm."""
    params: Mapping[str, Any] = {}
    """Hyperparameters that are not the defaults."""


class BanditStudy(Schema):
    """Exact learning on a bandit: computed at once, no job, no seed."""

    bandit: Bandit = Bandit()
    """Arms, rewards, behaviour, step size, updates."""
    choices: tuple[BanditChoice, ...] = Field(min_length=1)
    """Who plays."""


class Study(Schema):
    """A question that a figure of a paper asks, and how to ask it again."""

    family: Family = "language"
    """Whether language models complete prompts, or policies act in an environment."""
    title: str = Field(min_length=1, max_length=120)
    """Short, for lists."""
    paper: str
    """arXiv number."""
    shows: str
    """What of the paper it reproduces."""
    question: str
    """What it should answer."""
    reports: str
    """What the paper reports."""
    differences: tuple[str, ...] = ()
    """What is not as in the paper, at any scale."""
    experiments: Mapping[str, Fragment] = {}
    """Settings that all scales share, by the name that claims and figures use."""
    replicates: Mapping[str, str] = {}
    """Of control: axis of an experiment whose values are no groups but replicates, as seeds are:
    data sets that are collected anew."""
    profiles: Mapping[ProfileName, Profile] = {}
    """Scales."""
    bandit: BanditStudy | None = None
    """Instead of experiments."""
    figures: tuple[FigureSpec, ...]
    """In order."""
    table: TableSpec = TableSpec()
    """Under the figures."""
    claims: tuple[ClaimSpec, ...] = Field(min_length=1)
    """What is tested, corrected together."""

    @model_validator(mode="after")
    def _hangs_together(self) -> "Study":
        if (self.bandit is None) == (not self.profiles):
            raise ValueError("give either profiles with experiments or a bandit")
        for kind, ids in (
            ("claims", [claim.id for claim in self.claims]),
            ("figures", [one.id for one in self.figures]),
        ):
            if len(set(ids)) != len(ids):
                raise ValueError(f"two {kind} have the same id")
        exact = [isinstance(claim, Exact) for claim in self.claims]
        if any(exact) != all(exact) or all(exact) != (self.bandit is not None):
            raise ValueError("exact claims belong to a bandit, all others to experiments")
        return self

    @model_validator(mode="after")
    def _names_exist(self) -> "Study":
        if self.bandit is not None:
            return self
        used = {claim.experiment for claim in self.claims}
        used |= {panel.experiment for one in self.figures for panel in one.panels}
        used |= set(self.replicates)
        for profile in self.profiles.values():
            used |= {*profile.experiments, *profile.without}
        if unknown := used - set(self.experiments):
            raise ValueError(f"there is no experiment {', '.join(sorted(unknown))}")
        for name, profile in self.profiles.items():
            _check_pilot(self, name, profile)
        return self

    @model_validator(mode="after")
    def _is_of_its_family(self) -> "Study":
        if others := [name for name in self.profiles if name not in SCALES[self.family]]:
            known = ", ".join(SCALES[self.family])
            raise ValueError(f"studies of {self.family} have the scales {known}, not {others[0]}")
        if self.replicates and self.family != "control":
            raise ValueError("replicates are of studies of control")
        if self.family == "control":
            _check_labels(self)
        return self

    def claim(self, name: str) -> ClaimSpec | None:
        """Return a claim by its id."""
        return next((claim for claim in self.claims if claim.id == name), None)


def _check_labels(study: Study) -> None:
    """No published number of control is the paper's: its body could not be read."""
    sourced = [(one.id, bool(one.paper), one.paper_label) for one in study.figures]
    sourced.append(("table", bool(study.table.paper), study.table.paper_label))
    for name, has_numbers, label in sourced:
        if has_numbers and label == PAPER:
            raise ValueError(f"{name}: say whose numbers these are, such as paper_label: CORL")
    if any(profile.pilot for profile in study.profiles.values()):
        raise ValueError("studies of control choose their settings on tuning episodes: no pilot")


PILOT_KINDS = ("greater", "not_worse", "below_base")


def _check_pilot(study: Study, name: str, profile: Profile) -> None:
    if profile.pilot is None:
        return
    claim = study.claim(profile.pilot.claim)
    one_sided = claim is None or getattr(claim, "right", True) is None
    if claim is None or claim.kind not in PILOT_KINDS or one_sided:
        raise ValueError(
            f"{name}: the pilot needs a claim of two sides (greater, not_worse, below_base), "
            f"{profile.pilot.claim!r} is none"
        )
    for table in ("datasets", "policies"):
        unknown = set(getattr(profile.pilot, table)) - set(getattr(profile, table))
        if unknown:
            raise ValueError(f"{name}: the pilot replaces no {table} {', '.join(sorted(unknown))}")
