"""The first prompts of an experiment as its policy will read them, and their tokens."""

from dataclasses import dataclass

from algorithms.base import UserError
from algorithms.data.chat import folder_tokenizer
from algorithms.data.problems import load_problems
from algorithms.data.prompts import adds_special_tokens, build_prompt
from webapp.datasets.content import folder_of
from webapp.datasets.models import Dataset
from webapp.experiments.config import ExperimentConfig
from webapp.jobs.models import Artifact, Job
from webapp.policies.models import Policy

ROWS = 2


@dataclass(frozen=True)
class ShownPrompt:
    """One problem as the policy reads it."""

    problem: str
    text: str
    tokens: tuple[str, ...] | None
    """None where the policy is not made yet, or has no fast tokenizer."""


@dataclass(frozen=True)
class ShownPrompts:
    """The first prompts, or why they cannot be built."""

    prompts: tuple[ShownPrompt, ...] = ()
    problem: str = ""


def shown_prompts(config: ExperimentConfig) -> ShownPrompts:
    """Return the first prompts of the config; none while dataset or policy are not made."""
    rows = _artifact(Dataset.objects.select_related("job__artifact").get(pk=config.dataset_id).job)
    if rows is None:
        return ShownPrompts()
    policy = _artifact(Policy.objects.select_related("job__artifact").get(pk=config.policy_id).job)
    try:
        tokenizer = folder_tokenizer(folder_of(policy)) if policy else None
        if tokenizer is None and config.prompt.chat_template:
            return ShownPrompts(problem="The policy is not made yet: its chat template is unknown.")
        shown = []
        for row in load_problems(folder_of(rows), config.generate.split, ROWS):
            text = build_prompt(config.prompt, row, tokenizer)
            special = adds_special_tokens(config.prompt)
            tokens = tokenizer.tokens(text, special=special) if tokenizer else None
            shown.append(ShownPrompt(row.id, text, None if tokens is None else tuple(tokens)))
    except (UserError, OSError, ValueError) as error:
        return ShownPrompts(problem=f"The prompt cannot be shown: {error}")
    return ShownPrompts(tuple(shown))


def _artifact(job: Job) -> Artifact | None:
    artifact: Artifact | None = getattr(job, "artifact", None)
    return artifact
