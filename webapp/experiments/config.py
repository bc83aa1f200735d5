"""What a person asks for: one validated description of an experiment, pure and serialisable."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, ValidationInfo, field_validator, model_validator

from algorithms.asking import Grading, Prompt, Rewards
from algorithms.base import Schema
from algorithms.settings import LLMSettings
from algorithms.specs import EvaluateSpec, GenerateSpec
from webapp.experiments import axes as axis_rules
from webapp.experiments import axis_checks
from webapp.experiments.axes import AxisValue
from webapp.experiments.checkpoint_rules import checkpoint_problem
from webapp.experiments.choices import AlgorithmChoice
from webapp.experiments.complaints import complaint, located, raise_all
from webapp.experiments.config_base import BaseConfig, Label, Seeds, check_size
from webapp.experiments.curations import Curation
from webapp.experiments.recipes import load, settings_schema


class ExperimentConfig(BaseConfig):
    """Recipe, sources, compared algorithms, seeds, shared settings and axes of an experiment."""

    family = "language"

    recipe: str = "offline"
    """Which jobs, in which order."""
    recipe_settings: Mapping[str, Any] = Field(default={}, validate_default=True)
    """The recipe's own settings; what is left out takes the recipe's default."""
    dataset_id: int
    """Dataset whose prompts are completed and learnt from."""
    eval_dataset_id: int | None = None
    """Dataset of the held-out problems; empty takes the same dataset."""
    benchmarks: tuple[int, ...] = Field(default=(), max_length=20)
    """Datasets on whose problems every run is evaluated as well, in the same way and split."""
    policy_id: int
    """Policy that completes the prompts and from which every training starts."""
    reference_policy_id: int | None = None
    """Policy that algorithms with a reference stay close to; empty takes the one that they start
    from."""
    rollouts_id: int | None = None
    """Job whose graded completions are learnt from; empty generates and grades new ones."""
    algorithms: tuple[AlgorithmChoice, ...] = Field(max_length=200)
    """What is compared."""
    seeds: Seeds = (0,)
    """Each algorithm is trained once per seed."""
    prompt: Prompt = Prompt()
    """How problems are put to the policy, in the rollouts and held-out ones alike."""
    generate: GenerateSpec = GenerateSpec()
    """How the rollouts are generated."""
    grading: Grading = Grading()
    """How completions are judged, rollouts and held-out ones alike."""
    rewards: Rewards = Rewards()
    """What each grade is worth."""
    curations: tuple[Curation, ...] = Field(default=(), max_length=20)
    """Choices among the graded completions. None learns from all; several are compared."""
    settings: LLMSettings = LLMSettings()
    """What every algorithm shares."""
    evaluate: EvaluateSpec = EvaluateSpec()
    """The final evaluation, the same problems and seed for every run."""
    evaluate_checkpoints: bool = False
    """Whether the policies that a training keeps on its way (settings.keep_every) are evaluated as
    the last one is, each in a job of its own. Not part of a training: it may be asked for later."""
    axes: Mapping[str, tuple[AxisValue, ...]] = {}
    """Fields that take several values, by dotted path: `settings.learning_rate`."""
    label: Label = "cpu"
    """Queue of the jobs, such as cpu or gpu."""

    @field_validator("recipe_settings")
    @classmethod
    def _recipe_settings_are_complete(
        cls, settings: Mapping[str, Any], info: ValidationInfo
    ) -> dict[str, Any]:
        if "recipe" not in info.data:
            return dict(settings)
        given = settings_schema(info.data["recipe"]).model_validate(dict(settings))
        return given.model_dump(mode="json")

    @field_validator("algorithms")
    @classmethod
    def _labels_differ(cls, choices: tuple[AlgorithmChoice, ...]) -> tuple[AlgorithmChoice, ...]:
        # Not min_length: that would count only the choices without an error of their own.
        if not choices:
            raise complaint("Choose at least one algorithm.")
        seen: set[str] = set()
        errors = []
        for number, choice in enumerate(choices):
            if choice.label in seen:
                message = f"The name {choice.label} is used twice; give each algorithm its own."
                errors.append(located((number, "label"), message, choice.label))
            seen.add(choice.label)
        raise_all(errors)
        return choices

    @field_validator("benchmarks")
    @classmethod
    def _benchmarks_once(cls, ids: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(dict.fromkeys(ids))

    @field_validator("evaluate")
    @classmethod
    def _one_grader(cls, evaluate: EvaluateSpec, info: ValidationInfo) -> EvaluateSpec:
        grading = info.data.get("grading", Grading())
        if evaluate.grading not in (Grading(), grading):
            message = "Choose the grader under grading: it judges held-out completions as well."
            raise_all([located(("grading",), message, evaluate.grading)])
        return evaluate

    @field_validator("generate", "evaluate")
    @classmethod
    def _one_prompt(
        cls, spec: GenerateSpec | EvaluateSpec, info: ValidationInfo
    ) -> GenerateSpec | EvaluateSpec:
        if spec.prompt not in (Prompt(), info.data.get("prompt", Prompt())):
            message = "Set the prompt under prompt: rollouts and held-out problems share it."
            raise_all([located(("prompt",), message, spec.prompt)])
        return spec

    @field_validator("axes")
    @classmethod
    def _axes_fit(
        cls, axes: Mapping[str, tuple[AxisValue, ...]], info: ValidationInfo
    ) -> dict[str, tuple[AxisValue, ...]]:
        needed = ("recipe_settings", "algorithms", "seeds", *axis_rules.SECTIONS)
        if any(name not in info.data for name in needed):
            return dict(axes)  # their own errors come first
        recipe = settings_schema(info.data["recipe"])
        sections = {axis_rules.RECIPE: recipe.model_validate(info.data["recipe_settings"])}
        base = axis_checks.Base(
            sections=sections | {name: info.data[name] for name in axis_rules.SECTIONS},
            choices={"params": [choice.chosen for choice in info.data["algorithms"]]},
        )
        checked, problems = axis_checks.check(axes, base)
        raise_all([located(p.loc, p.message, p.value) for p in problems])
        return checked

    @property
    def recipe_schema(self) -> Schema:
        """The recipe's own settings as an instance of its schema."""
        return settings_schema(self.recipe).model_validate(dict(self.recipe_settings))

    @property
    def grid(self) -> dict[str, tuple[AxisValue, ...]]:
        """The axes, and the compared curations as one more."""
        if len(self.curations) < 2:
            return dict(self.axes)
        return {**self.axes, axis_rules.CURATION: tuple(one.name for one in self.curations)}

    @field_validator("curations")
    @classmethod
    def _curations_differ(cls, curations: tuple[Curation, ...]) -> tuple[Curation, ...]:
        names = [one.name for one in curations]
        for number, name in enumerate(names):
            if name in names[:number]:
                message = f"The name {name} is used twice; give each curation its own."
                raise_all([located((number, "name"), message, name)])
        return curations

    @model_validator(mode="after")
    def _given_rollouts_are_as_they_are(self) -> "ExperimentConfig":
        if self.rollouts_id is not None:
            for path in self.axes:
                if path.partition(".")[0] in ("generate", "rewards"):
                    message = "Nothing is generated or graded: the completions are given."
                    raise_all([located(("axes", path), message, path)])
        return self

    @model_validator(mode="after")
    def _the_recipe_can_do_it(self) -> "ExperimentConfig":
        raise_all(list(load(self.recipe).problems(self)))
        return self

    @model_validator(mode="after")
    def _checkpoints_are_known(self) -> "ExperimentConfig":
        if self.evaluate_checkpoints and (message := checkpoint_problem(self.settings, self.axes)):
            raise_all([located(("evaluate_checkpoints",), message, True)])
        return self

    @model_validator(mode="after")
    def _size_is_bearable(self) -> "ExperimentConfig":
        cells = sum(axis_rules.count(self.grid, choice.algorithm) for choice in self.algorithms)
        check_size(cells * len(self.seeds), axes=bool(self.axes))
        return self

    @model_validator(mode="after")
    def _labels_are_short_and_differ(self) -> "ExperimentConfig":
        names = axis_rules.short_names(list(self.grid))
        seen: set[str] = set()
        for number, choice in enumerate(self.algorithms):
            for values in axis_rules.cells(self.grid, choice.algorithm):
                label = axis_rules.label(choice.label, values, names)
                if len(label) > axis_rules.MAX_LABEL or label in seen:
                    problem = "is used twice" if label in seen else "is too long"
                    message = f"With its axis values, the name {label} {problem}; change it."
                    raise_all([located(("algorithms", number, "label"), message, label)])
                seen.add(label)
        return self
