"""The correction page: policy, networks, settings, one state, and what becomes of its action."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.forms.boundfield import BoundField
from django.http import QueryDict
from numpy.typing import NDArray

from algorithms.base import UserError
from algorithms.catalogue import CORRECTIONS
from algorithms.control_specs import EvaluateControlSpec
from algorithms.environments.table import ENVIRONMENTS
from webapp.jobs.models import Job
from webapp.labs import sources
from webapp.labs.cells import Problems, numbers
from webapp.labs.correction_form import StateForm
from webapp.labs.correction_walk import Asked, Walked, walked
from webapp.labs.score_look import Opened, opened
from webapp.schema_forms import SchemaForm, form_values, schema_form

PREFIX = "c"
CDSA = CORRECTIONS["cdsa"]
PLACE = "errors-correction"
"""Id of the place for what is wrong with policy and networks together."""
MAIN = ("steps", "noise_level", "action_gain", "state_gain", "auxiliary")
PRESETS = {"pointmass": "PointMass", "mujoco": "MuJoCo"}
"""Preset of CDSA that an environment's family opens with."""


@dataclass
class CorrectionPage:
    """Everything chosen on the page, and what follows from it."""

    data: QueryDict
    jobs: dict[str, list[Job]]
    form: StateForm
    settings: SchemaForm
    problems: Problems = field(default_factory=Problems)
    chosen: dict[str, Job] = field(default_factory=dict)
    """By role of an evaluation."""
    network: Opened | None = None
    walked: Walked | None = None
    observation: NDArray[np.float32] | None = None

    @property
    def query(self) -> str:
        """The address that restores the page."""
        return self.data.urlencode()

    @property
    def environment(self) -> str:
        """Id of the environment of the data; empty where unknown."""
        return self.network.view.data.environment if self.network else ""

    @property
    def names(self) -> Sequence[str]:
        """Names of the coordinates that the network sees, actions at the end."""
        return self.network.coordinates.names if self.network else ()

    @property
    def main_settings(self) -> list[BoundField]:
        """Settings of the correction that most questions are about."""
        return [bound for bound in self.settings if bound.name in MAIN]

    @property
    def more_settings(self) -> list[BoundField]:
        """The others."""
        return [bound for bound in self.settings if bound.name not in MAIN]

    @property
    def more_matter(self) -> bool:
        """Whether one of the others is not its default, or wrong: then they are shown."""
        if not self.settings.is_valid():
            return any(bound.errors for bound in self.more_settings)
        typed, plain = self.settings.cleaned_schema(), CDSA.params()
        names = (bound.name for bound in self.more_settings)
        return any(getattr(typed, name) != getattr(plain, name) for name in names)

    def axes(self, first: str, second: str) -> tuple[int, int]:
        """Return two chosen dimensions of the form."""
        return int(self.form.cleaned_data[first]), int(self.form.cleaned_data[second])

    @property
    def presets(self) -> list[tuple[str, str]]:
        """Named settings of the correction, and the address with each."""
        return [(name, _with_settings(self.data, values)) for name, values in CDSA.presets.items()]


def open_correction_page(asked: QueryDict) -> CorrectionPage:
    """Return the page of an address: what is chosen there, or the newest networks."""
    jobs = {
        "policy": sources.finished(*sources.POLICY_KINDS),
        "score": sources.finished("train_score"),
        "inverse_dynamics": sources.finished("train_inverse_dynamics"),
    }
    data = asked.copy()
    settings = schema_form(CDSA.params, prefix=PREFIX)
    page = CorrectionPage(data, jobs, StateForm(data), settings(data))
    score = sources.chosen(jobs["score"], asked.get("score"))
    if score is None:
        return page
    data["score"], page.chosen["score"] = str(score.pk), score
    try:
        page.network = opened(score)
    except UserError as error:
        page.problems.add(PLACE, str(error))
    _choose(page, score)
    if page.network is not None:
        _fill(page, page.network)
        _walk(page, page.network)
    return page


def _choose(page: CorrectionPage, score: Job) -> None:
    """Fill in policy and dynamics model of the same data, where the address names none."""
    on = sources.inputs_of(score)["transitions"].pk
    roles = {"policy": "policy", "inverse": "inverse_dynamics", "state_score": "score"}
    for name, role in roles.items():
        listed = page.jobs[role]
        if name not in page.data and name != "state_score":
            fitting = [job for job in listed if _data_of(job) == on] or listed[:1]
            page.data[name] = str(fitting[0].pk) if fitting else ""
        found = next((job for job in listed if str(job.pk) == page.data.get(name)), None)
        if found is not None:
            page.chosen["state_score" if name == "state_score" else role] = found
        choices = [(str(job.pk), sources.label_of(job)) for job in listed]
        page.form.fields[name].choices = [("", "none"), *choices]  # type: ignore[attr-defined]
    scores = [(str(job.pk), sources.label_of(job)) for job in page.jobs["score"]]
    page.form.fields["score"].choices = scores  # type: ignore[attr-defined]  # a ChoiceField


def _data_of(job: Job) -> int | None:
    data = sources.inputs_of(job).get("transitions")
    return data.pk if data else None


def _fill(page: CorrectionPage, network: Opened) -> None:
    """Give the form its choices, and the address what it does not say."""
    data, names, states = network.view.data, page.names, network.coordinates.states
    actions = [f"a{place}" for place in range(data.actions.shape[1])]
    for at, listed in (("s", list(names[:states])), ("a", actions)):
        choices = [(str(place), name) for place, name in enumerate(listed)]
        second = "1" if len(choices) > 1 else "0"
        for name, value in ((f"{at}x", "0"), (f"{at}y", second)):
            page.form.fields[name].choices = choices  # type: ignore[attr-defined]
            page.data.setdefault(name, value)
    for name, value in {"at": "row", "row": "0", "ood_level": "0.2"}.items():
        page.data.setdefault(name, value)
    if f"{PREFIX}-steps" not in page.data:
        known = ENVIRONMENTS.get(page.environment)
        preset = CDSA.presets.get(PRESETS.get(known.family if known else "", ""), {})
        page.data.update(form_values(CDSA.params, preset, prefix=PREFIX))


def _with_settings(data: QueryDict, values: Any) -> str:
    changed = data.copy()
    for name in [name for name in changed if name.startswith(f"{PREFIX}-")]:
        del changed[name]
    changed.update(form_values(CDSA.params, values, prefix=PREFIX))
    return changed.urlencode()


def _walk(page: CorrectionPage, network: Opened) -> None:
    """Correct the action that is asked for; where something is wrong, tell it at its place."""
    valid = page.form.is_valid()
    if not (page.settings.is_valid() and valid):
        return
    page.observation = _observation(page, network)
    action = _numbers(page, "action", network.view.data.actions.shape[1])
    if page.observation is None or not page.form.is_valid():
        return
    try:
        inputs = {role: sources.folder_of(job) for role, job in page.chosen.items()}
        asked = Asked(_spec(page), inputs, page.observation, action)
        page.walked = walked(asked, network)
    except UserError as error:
        page.problems.add(PLACE, str(error))


def _spec(page: CorrectionPage) -> EvaluateControlSpec:
    typed = page.form.cleaned_data
    stage = typed["stage"].strip()
    return EvaluateControlSpec(
        correction="cdsa",
        correction_params=page.settings.cleaned_schema().model_dump(),
        ood_level=typed["ood_level"],
        policy_seed=int(stage) if stage.isdecimal() else None,
        stage="" if stage.isdecimal() else stage,
    )


def _observation(page: CorrectionPage, network: Opened) -> NDArray[np.float32] | None:
    data, typed = network.view.data, page.form.cleaned_data
    if typed["at"] == "typed":
        found = _numbers(page, "state", data.observations.shape[1])
        if found is None and "state" not in page.form.errors:
            page.form.add_error("state", "Type the observation, or choose a row of the data.")
        return found
    row = typed["row"]
    if row is None or row >= network.view.total:
        page.form.add_error("row", f"The data set has rows 0 to {network.view.total - 1:,}.")
        return None
    place = network.view.nearest(row)
    return np.array(data.observations[place], np.float32)


def _numbers(page: CorrectionPage, name: str, count: int) -> NDArray[np.float32] | None:
    """Return what is typed in a field; None where nothing is, or it is wrong (and told)."""
    text = page.form.cleaned_data[name]
    if not text.strip():
        return None
    try:
        found = numbers(text)
    except ValueError as error:
        page.form.add_error(name, str(error))
        return None
    if len(found) != count or not np.isfinite(found).all():
        page.form.add_error(name, f"Type {count} finite numbers; there are {len(found)}.")
        return None
    return np.array(found, np.float32)
