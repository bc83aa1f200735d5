"""One line about each section of the New experiment page, so that it can stay closed."""

from collections.abc import Callable, Mapping
from typing import Any

from algorithms.asking import Grading, Prompt, Rewards, Sampling
from algorithms.base import Schema
from algorithms.control_specs import ControlEvaluation, DynamicsTraining, ScoreTraining
from algorithms.data.shots import SHOTS
from algorithms.settings import ControlSettings, LLMSettings
from algorithms.specs import EvaluateSpec, GenerateSpec
from algorithms.texts import lines_of
from webapp.schema_fields import label_of, number_text
from webapp.schema_forms import value_text


def summary(value: Schema) -> str:
    """Return a section's settings in one line."""
    return WRITERS.get(type(value), _plain)(value)


def _plain(value: Schema) -> str:
    """Return every setting by its label, where nobody wrote a sentence for the schema."""
    given = {label_of(name): text for name, text in value.model_dump(mode="json").items()}
    return ", ".join(f"{name.lower()} {value_text(text)}" for name, text in given.items())


def _sampling(sampling: Sampling) -> str:
    parts = [f"temperature {number_text(sampling.temperature)}"]
    if sampling.top_k:
        parts.append(f"top-k {sampling.top_k}")
    if sampling.top_p < 1:
        parts.append(f"top-p {number_text(sampling.top_p)}")
    parts.append(f"at most {sampling.max_new_tokens} tokens")
    if sampling.stop:
        parts.append("up to a stop text")
    return ", ".join(parts)


def _prompt(prompt: Prompt) -> str:
    if prompt == Prompt():
        return "the problem's own text"
    parts = [f"the problem in “{lines_of([prompt.template])}”"]
    if prompt.system:
        parts.append("a system text")
    if prompt.shots != "none":
        parts.append(f"{len(SHOTS[prompt.shots])} worked examples")
    if prompt.examples.strip():
        parts.append("examples of your own")
    if prompt.chat_template:
        parts.append("the policy's chat template")
    return ", ".join(parts)


def _generate(spec: GenerateSpec) -> str:
    prompts = (
        "every prompt" if spec.prompts is None else f"each of the first {spec.prompts:,} prompts"
    )
    drawn = _sampling(spec.sampling)
    return f"{spec.completions} completions for {prompts} of “{spec.split}”, {drawn}"


GRADERS: Mapping[str, str] = {
    "integer": "one integer equal to the answer; anything but an integer is invalid",
    "exact": "the same text as the answer; empty is invalid",
    "number": "the number after “{marker}”; without it invalid",
    "hash": "the number after ####; without it invalid",
    "math": "the LaTeX answer as text, number or formula; without one invalid",
    "choice": "the letter after “{marker}”; without one invalid",
    "tool_call": "the same tool calls in the asked form; another form is invalid",
}


def _grading(grading: Grading) -> str:
    text = GRADERS[grading.grader].replace("{marker}", grading.marker)
    return text if grading.format == "any" else f"{text}; format {grading.format}"


def _rewards(rewards: Rewards) -> str:
    worth = {name: f"{value:+g}" for name, value in rewards.model_dump().items()}
    if not rewards.format:
        del worth["format"]
    else:
        worth["format"] = f"±{rewards.format:g}"
    return ", ".join(f"{name} {text.replace('-', '−')}" for name, text in worth.items())


def _settings(settings: LLMSettings) -> str:
    passes = settings.epochs
    length = f"{settings.steps:,} steps" if passes is None else f"{number_text(passes)} epochs"
    checks = f"every {settings.evaluate_every} steps" if settings.evaluate_every else "at the end"
    optimizer = {"adamw": "AdamW", "adafactor": "Adafactor"}[settings.optimizer]
    return (
        f"{length} of {settings.batch_size} completions, {optimizer} at "
        f"{number_text(settings.learning_rate)}, evaluated {checks}"
    )


def _evaluate(spec: EvaluateSpec) -> str:
    problems = "every problem" if spec.problems is None else f"the first {spec.problems:,} problems"
    answers = (
        f"the greedy and {spec.samples} sampled answers" if spec.samples else "the greedy answer"
    )
    return f"{answers} to {problems} of “{spec.split}”, {_sampling(spec.sampling)}"


def _control_settings(settings: ControlSettings) -> str:
    checks = (
        f", evaluated every {settings.evaluate_every:,} steps" if settings.evaluate_every else ""
    )
    beside = (
        f", {settings.parallel_seeds} seeds side by side" if settings.parallel_seeds > 1 else ""
    )
    return (
        f"{settings.steps:,} steps of {settings.batch_size} transitions, discount "
        f"{number_text(settings.discount)}{checks}{beside}"
    )


def _score(training: ScoreTraining) -> str:
    params = training.params
    return (
        f"{training.settings.steps:,} steps, {params.levels} noise levels from "
        f"{number_text(params.level_max)} to {number_text(params.level_min)}, "
        f"{params.hidden_layers} layers of {params.hidden_size}"
    )


def _dynamics(training: DynamicsTraining) -> str:
    params = training.params
    forward = ", with a forward model" if params.forward else ""
    size = f"{params.hidden_layers} layers of {params.hidden_size}"
    return f"{training.settings.steps:,} steps, {size}{forward}"


def _control_evaluation(spec: ControlEvaluation) -> str:
    noise = f", noise {number_text(spec.noise)}" if spec.noise else ""
    where = f" in {spec.environment}" if spec.environment else ""
    return (
        f"{spec.episodes:,} {spec.purpose} episodes{where}{noise}, VaR and CVaR of the worst "
        f"{100 * spec.tail:g}%"
    )


WRITERS: Mapping[type[Schema], Callable[[Any], str]] = {
    Prompt: _prompt,
    GenerateSpec: _generate,
    Grading: _grading,
    Rewards: _rewards,
    LLMSettings: _settings,
    EvaluateSpec: _evaluate,
    ControlSettings: _control_settings,
    ScoreTraining: _score,
    DynamicsTraining: _dynamics,
    ControlEvaluation: _control_evaluation,
}
