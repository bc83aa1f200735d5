"""The PointMass page: two evaluations on the same reset seeds, played over the danger zone."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from django import forms
from django.http import QueryDict

from algorithms.base import UserError
from algorithms.environments.grounds import GROUNDS, Ground
from algorithms.environments.table import ENVIRONMENTS
from algorithms.evaluation.control import Trajectory, load_episodes, load_trajectories
from webapp.jobs.models import Job
from webapp.labs import sources
from webapp.labs.cells import Problems

PLACE = "errors-ground"
"""Id of the place for what is wrong with the evaluations."""
MOST_EPISODES = 40
"""Episodes of an evaluation that are drawn."""
PAIRED_BY = ("purpose", "seed", "noise", "policy_seed", "stage", "stochastic")
"""Settings that an evaluation shares with the one it is a correction of."""


class GroundForm(forms.Form):
    """Which evaluations, and how many of their episodes."""

    before = forms.ChoiceField(label="Before")
    after = forms.ChoiceField(label="After", required=False)
    episodes = forms.IntegerField(
        label="Episodes", min_value=1, max_value=MOST_EPISODES, help_text="The first ones"
    )


@dataclass(frozen=True)
class Episode:
    """One episode of an evaluation, every step of it."""

    number: int
    """From 0, in the evaluation."""
    reset_seed: int
    total: float
    """Its return."""
    length: int
    danger_steps: int
    terminated: bool
    trajectory: Trajectory


@dataclass(frozen=True)
class Pair:
    """Episodes that began at one reset seed."""

    before: Episode
    after: Episode | None


@dataclass
class GroundPage:
    """Everything chosen on the page, and what follows from it."""

    data: QueryDict
    jobs: Sequence[Job]
    form: GroundForm
    problems: Problems = field(default_factory=Problems)
    before: Job | None = None
    after: Job | None = None
    pairs: Sequence[Pair] = ()

    @property
    def query(self) -> str:
        """The address that restores the page."""
        return self.data.urlencode()

    @property
    def ground(self) -> Ground | None:
        """Where the episodes happened."""
        return GROUNDS.get(environment_of(self.before)) if self.before else None

    @property
    def columns(self) -> int:
        """Columns of the table for an evaluation: steps in danger only where there is danger."""
        return 3 if self.ground and self.ground.danger else 2

    @property
    def shown(self) -> list[tuple[str, Job, Sequence[Episode]]]:
        """Before and after: what each is called, its job, and its episodes."""
        found: list[tuple[str, Job, Sequence[Episode]]] = []
        if self.before is not None:
            found.append((name_of(self.before), self.before, [pair.before for pair in self.pairs]))
        if self.after is not None:
            episodes = [pair.after for pair in self.pairs if pair.after is not None]
            found.append((name_of(self.after), self.after, episodes))
        return found


def open_ground_page(asked: QueryDict) -> GroundPage:
    """Return the page of an address: what is chosen there, or the newest correction."""
    jobs = [
        job
        for job in sources.finished("evaluate_control")
        if environment_of(job) in GROUNDS and job.spec.get("keep_trajectories", 1)
    ]
    data = asked.copy()
    page = GroundPage(data, jobs, GroundForm(data))
    if not jobs:
        return page
    _choose(page)
    if not page.form.is_valid() or page.before is None:
        return page
    try:
        page.pairs = _pairs(page, page.before, page.form.cleaned_data["episodes"])
    except UserError as error:
        page.problems.add(PLACE, str(error))
    return page


def environment_of(job: Job) -> str:
    """Return the environment of an evaluation."""
    return str(job.artifact.summary.get("environment", ""))


def name_of(job: Job) -> str:
    """Return what a picture calls an evaluation: its policy, and the correction."""
    policy = sources.inputs_of(job)["policy"]
    named = next((str(one) for one in policy.policies.all()), policy.title)
    if not job.spec.get("correction"):
        return named
    params = job.spec.get("correction_params", {})
    told = f"σ {params.get('noise_level', 0.2)}, K {params.get('steps', 5)}"
    return f"{named} + CDSA, reference design ({told})"


def label_of(job: Job) -> str:
    """Return what the form calls an evaluation."""
    spec = job.spec
    told = f"{spec.get('purpose', 'reporting')}, seed {spec.get('seed', 0)}"
    noise = f", noise {spec['noise']:g}" if spec.get("noise") else ""
    where = ENVIRONMENTS[environment_of(job)].title
    return f"{name_of(job)}: {where}, {told}{noise} (job {job.pk})"


def _choose(page: GroundPage) -> None:
    """Fill in what the address does not name: the newest correction that has its counterpart."""
    jobs, data = page.jobs, page.data
    plain = [job for job in jobs if not job.spec.get("correction")]
    corrected = [job for job in jobs if job.spec.get("correction")]
    after = next((job for job in jobs if str(job.pk) == data.get("after")), None)
    twins = {_what_is_played(job): job for job in reversed(plain)}
    candidates = corrected if after is None else [after]
    twin, newest = next(
        ((twins[played], job) for job in candidates if (played := _what_is_played(job)) in twins),
        (None, sources.chosen(corrected, None)),
    )
    if "after" not in data:
        after = newest
    before = twin or sources.chosen(plain or jobs, None)
    if "before" in data:
        before = sources.chosen(jobs, data.get("before"))
    page.before, page.after = before, after
    page.data["before"] = str(before.pk) if before else ""
    page.data["after"] = str(after.pk) if after else ""
    page.data.setdefault("episodes", "8")
    choices = [(str(job.pk), label_of(job)) for job in jobs]
    page.form.fields["before"].choices = choices  # type: ignore[attr-defined]  # a ChoiceField
    page.form.fields["after"].choices = [("", "nothing"), *choices]  # type: ignore[attr-defined]


def _what_is_played(job: Job) -> tuple[object, ...]:
    """Return what an evaluation has in common with the one that it is a correction of."""
    return (sources.inputs_of(job)["policy"].pk, *(job.spec.get(name) for name in PAIRED_BY))


def episodes_of(job: Job) -> list[Episode]:
    """Return the episodes of an evaluation whose every step was kept.

    Raises:
        UserError: the artifact is gone or damaged.
    """
    folder = sources.folder_of(job)
    rows = load_episodes(folder).slice(0, MOST_EPISODES).to_pylist()
    return [
        Episode(
            int(row["episode"]), int(row["reset_seed"]), float(row["return"]), int(row["length"]),
            int(row["danger_steps"]), bool(row["terminated"]), trajectory,
        )
        for row, trajectory in zip(rows, load_trajectories(folder), strict=False)
    ]  # fmt: skip


def _pairs(page: GroundPage, before: Job, most: int) -> list[Pair]:
    firsts = episodes_of(before)
    if page.after is None:
        return [Pair(one, None) for one in firsts[:most]]
    if environment_of(before) != environment_of(page.after):
        raise UserError("The two evaluations are of different environments: choose two of one.")
    others = {one.reset_seed: one for one in episodes_of(page.after)}
    found = [Pair(one, others[one.reset_seed]) for one in firsts if one.reset_seed in others]
    if not found:
        raise UserError(
            "No kept episodes of the two evaluations began at the same reset seed: choose two "
            "with the same purpose and seed."
        )
    return found[:most]
