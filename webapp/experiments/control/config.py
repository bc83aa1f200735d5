"""What a person asks for in the control laboratory: one validated description; pure."""

from collections.abc import Mapping

from pydantic import Field, ValidationInfo, field_validator, model_validator

from algorithms.control_specs import ControlEvaluation, DynamicsTraining, ScoreTraining
from algorithms.environments.table import ENVIRONMENTS
from algorithms.settings import ControlSettings
from webapp.experiments import axis_checks
from webapp.experiments.axes import MAX_LABEL, AxisValue
from webapp.experiments.choices import ControlChoice
from webapp.experiments.complaints import complaint, located, raise_all
from webapp.experiments.config_base import (
    BaseConfig,
    Label,
    Seed,
    Seeds,
    check_size,
)
from webapp.experiments.control.applying import SECTIONS, SOURCES, groups, runs_of
from webapp.experiments.control.choices import USUAL, CorrectionChoice, GivenPolicy


class ControlConfig(BaseConfig):
    """Data, policies, corrections, seeds, shared settings and axes of an experiment."""

    family = "control"

    recipe: str = "control"
    """Which jobs, in which order."""
    dataset_id: int
    """Data set of transitions that policies and networks learn from."""
    algorithms: tuple[ControlChoice, ...] = Field(default=(), max_length=200)
    """Algorithms that learn a policy each."""
    policies: tuple[GivenPolicy, ...] = Field(default=(), max_length=200)
    """Policies that exist, evaluated beside those that are learned."""
    seeds: Seeds = (0,)
    """Each algorithm is trained once per seed."""
    settings: ControlSettings = ControlSettings()
    """What every algorithm shares."""
    corrections: tuple[CorrectionChoice, ...] = Field(default=USUAL, max_length=200)
    """Ways of acting: every policy is evaluated in each."""
    score: ScoreTraining = ScoreTraining()
    """The score network, one for all policies on the data."""
    inverse_dynamics: DynamicsTraining = DynamicsTraining()
    """The inverse dynamics model, one for all policies on the data."""
    network_seed: Seed = 0
    """Seed of these two."""
    evaluate: ControlEvaluation = ControlEvaluation()
    """The episodes, the same reset seeds for every policy and correction."""
    axes: Mapping[str, tuple[AxisValue, ...]] = {}
    """Fields that take several values, by dotted path: `correction.noise_level`."""
    label: Label = "cpu"
    """Queue of the jobs, such as cpu or gpu."""

    @field_validator("corrections")
    @classmethod
    def _corrections_differ(
        cls, corrections: tuple[CorrectionChoice, ...]
    ) -> tuple[CorrectionChoice, ...]:
        if not corrections:
            raise complaint("Choose at least one way of acting, such as uncorrected.")
        names = [one.name for one in corrections]
        plain = [number for number, one in enumerate(corrections) if not one.correction]
        errors = [
            located((number, "name"), f"The name {name} is used twice; give each its own.", name)
            for number, name in enumerate(names)
            if name in names[:number]
        ]
        if len(plain) > 1:
            message = "The policies are evaluated uncorrected already."
            errors.append(located((plain[1], "name"), message, names[plain[1]]))
        raise_all(errors)
        return corrections

    @field_validator("score")
    @classmethod
    def _score_is_joint(cls, score: ScoreTraining) -> ScoreTraining:
        if score.params.variables != "joint":
            message = "Choose joint: a network of observations alone is added where it is needed."
            raise_all([located(("params", "variables"), message, score.params.variables)])
        return score

    @field_validator("evaluate")
    @classmethod
    def _environment_is_known(cls, evaluate: ControlEvaluation) -> ControlEvaluation:
        name = evaluate.environment
        if name and name not in ENVIRONMENTS:
            message = f"There is no environment {name} here. There are: {', '.join(ENVIRONMENTS)}."
            raise_all([located(("environment",), message, name)])
        return evaluate

    @field_validator("axes")
    @classmethod
    def _axes_fit(
        cls, axes: Mapping[str, tuple[AxisValue, ...]], info: ValidationInfo
    ) -> dict[str, tuple[AxisValue, ...]]:
        if any(name not in info.data for name in ("algorithms", "corrections", *SECTIONS)):
            return dict(axes)  # their own errors come first
        if "score.params.variables" in axes:
            message = "This is no axis: a network of observations alone is added where needed."
            raise_all([located(("score.params.variables",), message, "variables")])
        base = axis_checks.Base(
            sections={name: info.data[name] for name in SECTIONS},
            choices={
                "params": [choice.chosen for choice in info.data["algorithms"]],
                "correction": [one.chosen for one in info.data["corrections"] if one.correction],
            },
            sources=SOURCES,
        )
        checked, problems = axis_checks.check(axes, base)
        raise_all([located(p.loc, p.message, p.value) for p in problems])
        return checked

    @property
    def grid(self) -> dict[str, tuple[AxisValue, ...]]:
        """The axes."""
        return dict(self.axes)

    @model_validator(mode="after")
    def _something_is_evaluated(self) -> "ControlConfig":
        if not self.algorithms and not self.policies:
            message = "Choose at least one algorithm, or a policy that exists."
            raise_all([located(("algorithms",), message, 0)])
        return self

    @model_validator(mode="after")
    def _names_differ(self) -> "ControlConfig":
        seen: set[str] = set()
        errors = []
        for name in ("algorithms", "policies"):
            for number, one in enumerate(getattr(self, name)):
                if one.label in seen:
                    message = f"The name {one.label} is used twice; give each its own."
                    errors.append(located((name, number, "label"), message, one.label))
                seen.add(one.label)
        raise_all(errors)
        return self

    @model_validator(mode="after")
    def _size_is_bearable(self) -> "ControlConfig":
        check_size(runs_of(self), axes=bool(self.axes))
        return self

    @model_validator(mode="after")
    def _labels_are_short_and_differ(self) -> "ControlConfig":
        seen: set[str] = set()
        for group in groups(self):
            if len(group.label) > MAX_LABEL or group.label in seen:
                problem = "is used twice" if group.label in seen else "is too long"
                message = f"With correction and axis values, the name {group.label} {problem}."
                raise_all([located((*group.place, "label"), message, group.label)])
            seen.add(group.label)
        return self

    @model_validator(mode="after")
    def _auxiliary_actions_are_possible(self) -> "ControlConfig":
        for number, one in enumerate(self.corrections):
            auxiliary = self._values("correction.auxiliary", one.params.get("auxiliary"))
            forward = self._values(
                "inverse_dynamics.params.forward", self.inverse_dynamics.params.forward
            )
            if one.correction and "next" in auxiliary and not all(forward):
                message = "The auxiliary action “next” needs a forward model: tick forward below."
                raise_all([located(("corrections", number, "params", "auxiliary"), message, "")])
        return self

    def _values(self, path: str, value: AxisValue) -> tuple[AxisValue, ...]:
        return self.axes.get(path, (value,))

    @property
    def dataset_ids(self) -> tuple[int, ...]:
        """The data sets that something is learned from."""
        if "dataset_id" in self.axes:
            return tuple(pk for pk in self.axes["dataset_id"] if isinstance(pk, int))
        return (self.dataset_id,)

    @property
    def policy_ids(self) -> tuple[int, ...]:
        """The given policies."""
        return tuple(dict.fromkeys(one.policy_id for one in self.policies))

    @property
    def corrects(self) -> bool:
        """Whether any correction corrects, so that networks are needed."""
        return any(one.correction for one in self.corrections)
