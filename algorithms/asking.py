"""How policies are asked and judged: prompt, sampling, grading, rewards, engine."""

from typing import Literal

from pydantic import Field, JsonValue, field_validator

from algorithms.base import Schema
from algorithms.texts import Texts

MULTILINE: dict[str, JsonValue] = {"multiline": True}
"""Marks a text setting that forms show as a box of several lines."""


class Prompt(Schema):
    """What a policy is shown of a problem; the defaults show the problem's own text alone."""

    template: str = Field("{question}", max_length=20_000, json_schema_extra=MULTILINE)
    """Text around each problem; {question} stands for it. "Q: {question}, new line, A:" asks
    the way of the worked examples."""
    shots: Literal["none", "gsm8k_8", "math_4", "addition_3"] = "none"
    """Worked examples put before the problem, in the same template: 8 word problems reasoned to
    "The answer is", 4 competition problems to "The final answer is", or 3 additions."""
    examples: str = Field("", max_length=100_000, json_schema_extra=MULTILINE)
    """Examples of your own, put before the problem as they are."""
    system: str = Field("", max_length=20_000, json_schema_extra=MULTILINE)
    """Instructions that come first; with a chat template, its system message."""
    chat_template: bool = False
    """Whether to ask through the chat template of the policy's tokenizer."""

    @field_validator("template")
    @classmethod
    def _has_a_place_for_the_question(cls, template: str) -> str:
        if "{question}" not in template:
            raise ValueError("write {question} where the problem goes")
        return template


class Sampling(Schema):
    """How completions are drawn; stored log-probabilities are always untempered, untruncated."""

    temperature: float = Field(1.0, gt=0, le=10)
    """Softmax temperature."""
    top_k: int = Field(0, ge=0)
    """Sample among the k likeliest tokens; 0 among all."""
    top_p: float = Field(1.0, gt=0, le=1)
    """Sample among the likeliest tokens that make up this share."""
    max_new_tokens: int = Field(8, ge=1, le=32_768)
    """Longest completion, in tokens."""
    stop: Texts = ()
    """Texts that end a completion where they appear, one a line; they and what follows are cut
    off. Write \\n for a new line."""


class Grading(Schema):
    """How a completion becomes correct, incorrect or invalid."""

    grader: Literal["integer", "exact", "number", "hash", "math", "choice", "tool_call"] = "integer"
    """integer: the whole completion is one integer, anything else is invalid; exact: equal text
    after trimming, empty is invalid; number: the first number after the marker; hash: the number
    after ####; math: LaTeX announced or in a box, compared as text, as numbers and symbolically;
    choice: a letter; tool_call: the same calls in one think and one tool_call pair."""
    marker: str = Field("The answer is", min_length=1, max_length=200)
    """number, choice: what announces the answer (capitals aside); without it a completion is
    invalid."""
    math_reads: Literal["announced_boxed_or_last", "boxed"] = "announced_boxed_or_last"
    """math: where the answer may stand. DeepSeekMath's order, as TOPR: "final answer is $...$. I
    hope", the last box, "the answer is", the last number; or only the last box."""
    tolerance: float = Field(1e-3, ge=0, le=0.1)
    """math: how far a number may be from the reference, relative to it. Whole numbers must be
    equal."""
    cut_off: Literal["invalid", "graded"] = "invalid"
    """A completion that was cut off at its longest length: invalid whatever it says, or judged by
    what is there."""
    format: Literal["any", "think_answer", "think_tool_call"] = "any"
    """The form that earns or costs the format reward: one think pair, then one answer or
    tool_call pair, and nothing else."""
    time_limit_s: float = Field(5.0, gt=0, le=120)
    """math: a symbolic comparison that takes more processor time makes its completion invalid."""


class Rewards(Schema):
    """The number each grade is worth."""

    correct: float = 1.0
    """Reward of a correct completion."""
    incorrect: float = -1.0
    """Reward of a wrong answer in the right form."""
    invalid: float = -1.0
    """Reward of a completion from which no answer could be read, cut-off ones included."""
    format: float = Field(0.0, ge=0)
    """Added where the form that grading asks for is kept, taken away where it is not;
    group-relative REINFORCE takes 0.1, with 1, 0 and 0 above."""


class VLLMSettings(Schema):
    """How vLLM runs."""

    tensor_parallel: int = Field(1, ge=1, le=64)
    """GPUs that one copy of the model is spread over; must divide its attention heads."""
    data_parallel: int = Field(1, ge=1, le=64)
    """Copies of the model, each on GPUs of its own, that share the prompts."""
    gpu_memory_utilization: float = Field(0.9, gt=0, le=1)
    """Share of a GPU's memory that the engine takes."""
    cpu_kv_cache_gib: int = Field(1, ge=1, le=1024)
    """Memory for keys and values where there is no GPU, in GiB."""
    enforce_eager: bool = False
    """Whether to compile nothing: a faster start, slower sampling."""
