"""Generative verifiers: what the jobs are told that turn solutions into problems of judging."""

import re

from pydantic import Field, field_validator, model_validator

from algorithms.asking import MULTILINE
from algorithms.base import Schema

TEMPLATE = """\
Problem: {question}

Proposed solution: {solution}

Check the solution step by step. Is its final answer (A) correct or (B) incorrect? End with \
"The answer is A" or "The answer is B".
"""
"""Ours: the paper's prompt is not known. It fits the grader `choice`."""
_PLACES = re.compile(r"\{(question|solution)\}")
_SPECIAL = re.compile(r"<\|[^|<>]{1,40}\|>|<(?:/?s|unk|pad|eos|bos|mask)>")
"""Special tokens as decoding writes them."""


class Verdicts(Schema):
    """What a verifier is shown, and what it may say."""

    template: str = Field(TEMPLATE, max_length=20_000, json_schema_extra=MULTILINE)
    """Text of a verification problem; {question} and {solution} stand for what is judged."""
    accept: str = Field("A", min_length=1, max_length=200)
    """The verdict on a correct solution, as the grader reads it."""
    reject: str = Field("B", min_length=1, max_length=200)
    """The verdict on any other solution, one without an answer included."""

    @field_validator("template")
    @classmethod
    def _has_both_places(cls, template: str) -> str:
        for place in ("{question}", "{solution}"):
            if place not in template:
                raise ValueError(f"write {place} where it goes")
        return template

    @model_validator(mode="after")
    def _verdicts_differ(self) -> "Verdicts":
        if self.accept.strip() == self.reject.strip():
            raise ValueError("accept and reject must differ")
        return self


class VerifySpec(Verdicts):
    """A `verify` job: a dataset of verification problems, one for each graded solution."""

    split: str = Field("train", min_length=1, max_length=40)
    """Split that the problems become."""


class WeighSpec(Schema):
    """A `weigh` job: solutions of held-out problems, weighed by a verifier's verdicts."""

    accept: str = Field("A", min_length=1, max_length=200)
    """The verdict that counts for a solution."""
    seed: int = Field(0, ge=0)
    """Seed of the bootstrap behind the standard errors."""


def verification_problem(template: str, question: str, solution: str) -> str:
    """Return the text that shows a solution to a verifier; braces inside both stay as they are.

    Special tokens in the solution are left out: read again, one would end the prompt, or be unknown
    to the tokenizer.
    """
    texts = {"question": question, "solution": _SPECIAL.sub("", solution)}
    return _PLACES.sub(lambda place: texts[place[1]], template)


def solution_id(prompt_id: str, sample: int) -> str:
    """Return the id of the verification problem of one solution."""
    return f"{prompt_id}#{sample}"
