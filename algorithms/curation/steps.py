"""The steps of a curation: one Schema per operator, told apart by `op`; their order matters."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from algorithms.base import Schema


class KeepGrades(Schema):
    """Keep completions by grade."""

    op: Literal["grades"] = "grades"
    correct: bool = True
    """Keep the correct ones."""
    incorrect: bool = True
    """Keep the wrong answers in the right form."""
    invalid: bool = False
    """Keep those from which no answer could be read."""

    @model_validator(mode="after")
    def _keeps_something(self) -> "KeepGrades":
        if not (self.correct or self.incorrect or self.invalid):
            raise ValueError("Keep at least one grade.")
        return self


class KeepLengths(Schema):
    """Keep completions by length."""

    op: Literal["lengths"] = "lengths"
    min_tokens: int = Field(1, ge=0, le=10**9)
    """Fewest completion tokens, the end of sequence included."""
    max_tokens: int | None = Field(None, ge=1, le=10**9)
    """Most completion tokens; empty for no limit."""

    @model_validator(mode="after")
    def _is_a_range(self) -> "KeepLengths":
        if self.max_tokens is not None and self.max_tokens < self.min_tokens:
            raise ValueError("max_tokens must not be below min_tokens")
        return self


class KeepPassRates(Schema):
    """Keep prompts by their pass rate: too easy and too hard ones go."""

    op: Literal["pass_rate"] = "pass_rate"
    lowest: float = Field(0.0, ge=0, le=1)
    """Lowest share of correct completions of a prompt, among those that reach this step."""
    highest: float = Field(1.0, ge=0, le=1)
    """Highest share of correct completions of a prompt; both limits belong to the band."""

    @model_validator(mode="after")
    def _is_a_band(self) -> "KeepPassRates":
        if self.highest < self.lowest:
            raise ValueError("highest must not be below lowest")
        return self


class ZeroVariance(Schema):
    """Drop, or keep only, prompts whose completions all earned the same reward."""

    op: Literal["zero_variance"] = "zero_variance"
    action: Literal["drop", "keep_only"] = "drop"
    """drop: group-relative advantages are zero there; keep only: to look at them."""


class Deduplicate(Schema):
    """Keep the first of equal completions of the same prompt."""

    op: Literal["deduplicate"] = "deduplicate"
    by: Literal["tokens", "text"] = "tokens"
    """What must be equal: the token ids, or the text that they decode to."""


class CapPerPrompt(Schema):
    """Keep at most so many completions of each prompt."""

    op: Literal["cap"] = "cap"
    completions: int = Field(8, ge=1, le=10**6)
    """Most completions of one prompt."""
    choose: Literal["first", "random"] = "first"
    """Which ones stay: the first samples, or a seeded draw."""


class PositivesOnly(Schema):
    """Keep the correct completions only."""

    op: Literal["positives"] = "positives"


class UniformSample(Schema):
    """Draw completions uniformly, without replacement."""

    op: Literal["uniform"] = "uniform"
    size: int = Field(1000, ge=1, le=10**8)
    """Completions to draw (N)."""


class PositiveShare(Schema):
    """Draw a set of exact size with an exact share of positives, each class uniformly."""

    op: Literal["share"] = "share"
    size: int = Field(1000, ge=1, le=10**8)
    """Completions to draw (N)."""
    positives: float = Field(0.1, ge=0, le=1)
    """Share of correct completions; N times the share is rounded to the nearest whole number."""


class AnnaKarenina(Schema):
    """The first positives of each prompt, the rest of N filled with random negatives."""

    op: Literal["anna_karenina"] = "anna_karenina"
    size: int = Field(50_000, ge=1, le=10**8)
    """Completions in all (N; the paper's is 50,000). Fewer come out where candidates run out."""
    candidates: int = Field(64, ge=1, le=10**6)
    """Only the first so many completions of each prompt are considered (m; the paper draws 64)."""
    positives_per_prompt: int = Field(1, ge=0, le=10**6)
    """Correct completions kept of each prompt, the first ones (k; the paper's is 1)."""
    fill: Literal["global", "per_prompt"] = "global"
    """Negatives drawn uniformly among all prompts' candidates, or balanced: as equally many per
    prompt as there are. The paper does not say which."""


class PreferencePairs(Schema):
    """Pair correct with incorrect completions of the same prompt; the rest is dropped.

    The last step: each row gets the number of its pair in the column `pair`.
    """

    op: Literal["pairs"] = "pairs"
    per_prompt: int = Field(16, ge=1, le=10**6)
    """Most pairs of one prompt (the paper: up to 16); no completion is in two pairs."""


Step = Annotated[
    KeepGrades
    | KeepLengths
    | KeepPassRates
    | ZeroVariance
    | Deduplicate
    | CapPerPrompt
    | PositivesOnly
    | UniformSample
    | PositiveShare
    | AnnaKarenina
    | PreferencePairs,
    Field(discriminator="op"),
]

STEPS: dict[str, type[Schema]] = {
    kind.model_fields["op"].default: kind
    for kind in (
        PositivesOnly,
        UniformSample,
        PositiveShare,
        AnnaKarenina,
        CapPerPrompt,
        Deduplicate,
        KeepGrades,
        KeepLengths,
        KeepPassRates,
        ZeroVariance,
        PreferencePairs,
    )
}
"""Every kind of step by its `op`, in the order in which pages offer them."""

TITLES: dict[str, str] = {
    "positives": "Positives only",
    "uniform": "Uniform sample",
    "share": "Exact share of positives",
    "anna_karenina": "Anna Karenina",
    "cap": "Cap per prompt",
    "deduplicate": "Deduplicate",
    "grades": "Filter by grade",
    "lengths": "Filter by length",
    "pass_rate": "Filter by pass rate",
    "zero_variance": "Zero-variance prompts",
    "pairs": "Preference pairs",
}


class CurateSpec(Schema):
    """A `curate` job: a subset of graded rollouts, by steps that follow each other."""

    steps: tuple[Step, ...] = Field((), max_length=20)
    """What is done, in order; each step sees what the one before it left."""
    seed: int = Field(0, ge=0, le=2**31 - 1)
    """Seed of every draw; step number i draws from (seed, i)."""

    @model_validator(mode="after")
    def _pairs_are_last(self) -> "CurateSpec":
        if any(step.op == "pairs" for step in self.steps[:-1]):
            raise ValueError("Preference pairs must be the last step: one after it tears them.")
        return self
