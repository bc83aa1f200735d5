"""Held-out problems put to a policy: the outcome of each, and figures over all of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from algorithms.asking import Grading, Prompt, Sampling
from algorithms.data.grading import FinishReason, Grade, Item, grade_all
from algorithms.data.rows import Row
from algorithms.training.policy import Policy
from algorithms.training.requests import GREEDY, Request
from algorithms.training.rollout_hf import complete

AS_THEY_ARE = Prompt()
"""Shows a policy the problem's own text."""


@dataclass(frozen=True)
class Outcome:
    """What one completion of one problem came to."""

    problem: Row
    sample: int
    """GREEDY for the completion made of the likeliest tokens."""
    completion: str
    tokens: Sequence[int]
    """As sampled, its end included."""
    finish_reason: FinishReason
    grade: Grade
    parsed: str | None = None
    """Its answer as it was read; None where invalid."""

    @property
    def n_tokens(self) -> int:
        """Length of the completion."""
        return len(self.tokens)


@dataclass(frozen=True)
class Exam:
    """Which problems are asked, and how."""

    problems: Sequence[Row]
    samples: int
    """Completions sampled per problem, besides the greedy one."""
    sampling: Sampling
    grading: Grading
    batch_size: int
    prompt: Prompt = AS_THEY_ARE
    """How the problems are put to the policy."""

    def hold(
        self, policy: Policy, *, seed: int, on_progress: Callable[[int], None] = lambda _: None
    ) -> list[Outcome]:
        """Return the outcomes, by problem: the greedy one first, then the samples."""
        prompts = policy.encode_problems(self.prompt, self.problems)
        asked = [
            (problem, Request(problem.id, sample, tokens))
            for problem, tokens in zip(self.problems, prompts, strict=True)
            for sample in (GREEDY, *range(self.samples))
        ]
        made = complete(
            policy,
            [request for _, request in asked],
            self.sampling,
            seed=seed,
            batch_size=self.batch_size,
            on_progress=on_progress,
        )
        verdicts = grade_all(
            [
                Item(completion.text, problem.answer, completion.finish_reason)
                for (problem, _), completion in zip(asked, made, strict=True)
            ],
            self.grading,
            on_progress=lambda _: on_progress(len(made)),
        )
        return [
            Outcome(
                problem,
                request.sample,
                completion.text,
                completion.tokens,
                completion.finish_reason,
                verdict.grade,
                verdict.parsed,
            )
            for (problem, request), completion, verdict in zip(asked, made, verdicts, strict=True)
        ]


@dataclass(frozen=True)
class Figures:
    """Shares over all problems; the last three over sampled completions, None without any."""

    greedy_accuracy: float
    sampled_accuracy: float | None
    invalid_share: float | None
    tokens_mean: float | None

    @classmethod
    def of(cls, outcomes: Sequence[Outcome]) -> "Figures":
        """Return the figures of outcomes that hold at least one greedy completion."""
        greedy = [outcome for outcome in outcomes if outcome.sample == GREEDY]
        sampled = [outcome for outcome in outcomes if outcome.sample != GREEDY]
        accuracy = _share(greedy, "correct")
        if not sampled:
            return cls(accuracy, None, None, None)
        tokens = sum(outcome.n_tokens for outcome in sampled) / len(sampled)
        return cls(accuracy, _share(sampled, "correct"), _share(sampled, "invalid"), tokens)

    def named(self, *, prefix: str = "", sampled_accuracy: str) -> dict[str, float]:
        """Return the figures that there are by name, the sampled accuracy under the given one."""
        named = {
            "greedy_accuracy": self.greedy_accuracy,
            sampled_accuracy: self.sampled_accuracy,
            "invalid_share": self.invalid_share,
            "tokens_mean": self.tokens_mean,
        }
        return {f"{prefix}{name}": value for name, value in named.items() if value is not None}


def _share(outcomes: Sequence[Outcome], wanted: Grade) -> float:
    return sum(outcome.grade == wanted for outcome in outcomes) / len(outcomes)
