"""The methods paragraph of a study: what exactly was run, from the frozen specs."""

from collections.abc import Mapping
from typing import Any

from algorithms.catalogue import ALGORITHMS
from algorithms.settings import LLMSettings
from webapp.experiments.config import ExperimentConfig
from webapp.experiments.control.config import ControlConfig
from webapp.studies.control_methods import control_experiment
from webapp.studies.flattening import flat, text_of
from webapp.studies.planning import PILOT, PlannedExperiment
from webapp.studies.results import StudyResult


def methods_text(result: StudyResult) -> str:
    """Return paragraphs, one for each experiment; they name every setting that is no default."""
    if result.study.bandit is not None:
        return _bandit(result)
    parts = [_experiment(key, one) for key, one in result.plan.experiments.items() if key != PILOT]
    return "\n\n".join([*parts, _statistics(result)])


def _experiment(key: str, planned: PlannedExperiment) -> str:
    config = planned.config
    if isinstance(config, ControlConfig):
        return control_experiment(key, planned, config)
    compared = [_algorithm(one.label, one.algorithm, one.params) for one in config.algorithms]
    sentences = [
        f"Experiment {key} (recipe {config.recipe}{_settings(config.recipe_settings)}).",
        *_sources(planned),
        _generation(config),
        _grading(config),
        _training(config),
        f"Compared: {'; '.join(compared)}.",
    ]
    if config.curations:
        sentences.append(f"Curations: {', '.join(one.name for one in config.curations)}.")
    if config.axes:
        axes = "; ".join(f"{k} in {', '.join(map(text_of, v))}" for k, v in config.axes.items())
        sentences.append(f"Varied: {axes}.")
    sentences.append(
        f"Seeds {', '.join(map(str, config.seeds))}. Final evaluation: greedy and "
        f"{config.evaluate.samples} sampled completions per problem of the split "
        f"{config.evaluate.split}."
    )
    return " ".join(sentences)


def _sources(planned: PlannedExperiment) -> list[str]:
    found = []
    for name, node in planned.sources.datasets.items():
        found.append(f"Dataset “{name}”: {flat(node.spec.model_dump(mode='json'))}.")
    for name, policy in planned.document.policies.items():
        start, source = policy.warm_start, policy.source
        spec = {} if source is None else source.model_dump(mode="json")
        text = f"Policy “{name}”: {flat(spec)}"
        if start is not None:
            text += (
                f", trained on reference answers by {start.algorithm} "
                f"({_changed(start.settings)}, seed {start.seed})"
            )
        found.append(f"{text}.")
    return found


def _generation(config: ExperimentConfig) -> str:
    spec = config.generate
    which = "every prompt" if spec.prompts is None else f"the first {spec.prompts:,} prompts"
    return (
        f"The policy completed {which} of the split {spec.split} {spec.completions} times "
        f"(temperature {spec.sampling.temperature:g}, at most {spec.sampling.max_new_tokens} new "
        f"tokens, seed {spec.seed}, engine {spec.engine})."
    )


def _grading(config: ExperimentConfig) -> str:
    rewards = config.rewards
    return (
        f"Completions were judged by the grader {config.grading.grader}; rewards "
        f"{rewards.correct:g} (correct), {rewards.incorrect:g} (incorrect), "
        f"{rewards.invalid:g} (invalid)."
    )


def _training(config: ExperimentConfig) -> str:
    settings = config.settings
    length = (
        f"{settings.steps:,} updates" if settings.epochs is None else f"{settings.epochs:g} epochs"
    )
    return (
        f"Trainings: {length} of {settings.batch_size} completions, {settings.optimizer}, learning "
        f"rate {settings.learning_rate:g} ({settings.schedule}), gradient norm at most "
        f"{settings.clip_norm:g}, {settings.precision}"
        + (f", LoRA of rank {settings.lora_rank}" if settings.lora_rank else "")
        + "."
    )


def _algorithm(label: str, name: str, params: Mapping[str, Any]) -> str:
    defaults = ALGORITHMS[name].params().model_dump(mode="json")
    changed = {k: v for k, v in params.items() if defaults.get(k) != v}
    text = f"{label} ({name} {ALGORITHMS[name].version}"
    return text + (f": {flat(changed)})" if changed else ")")


def _changed(settings: LLMSettings) -> str:
    defaults = LLMSettings().model_dump(mode="json")
    own = settings.model_dump(mode="json")
    return flat({k: v for k, v in own.items() if defaults[k] != v}) or "defaults"


def _settings(values: Mapping[str, Any]) -> str:
    return f": {flat(values)}" if values else ""


def _statistics(result: StudyResult) -> str:
    return (
        f"The {len(result.claims)} claims were tested by one-sided t tests over seeds on "
        "differences paired by seed (equivalence by two one-sided tests, optima by "
        "intersection-union tests), at 5% for and 5% against, each corrected over all claims of "
        "the study by Holm's method."
    )


def _bandit(result: StudyResult) -> str:
    study = result.study.bandit
    assert study is not None
    bandit = study.bandit
    players = "; ".join(_algorithm(c.label, c.algorithm, c.params) for c in study.choices)
    return (
        f"A bandit of {len(bandit.rewards)} arms with rewards {text_of(bandit.rewards)}; behaviour "
        f"policy {text_of(bandit.behaviour)}, start {bandit.start}. Plain gradient descent on the "
        f"logits with step {bandit.step_size:g} for {bandit.updates:,} updates, each on a full "
        f"batch that realises the behaviour policy exactly, float64. Players: {players}. Nothing "
        "is random: no seeds, no tests."
    )
