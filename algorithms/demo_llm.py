"""Addition by a real language model: SmolLM2-135M-Instruct, five algorithms, two seeds, on a CPU.

`QUICK` is `make demo-llm`: one-digit sums, under ten minutes on two cores. `FULL` is the
comparison of docs/results: two-digit sums, which the model gets wrong nine times out of ten.
Learning rate and prompt were chosen on training problems. Pure settings, no torch work.
"""

from dataclasses import dataclass

from algorithms.settings import LLMSettings
from algorithms.specs import (
    ArithmeticSource,
    DatasetSpec,
    EvaluateSpec,
    GenerateSpec,
    GradeSpec,
    PackagedModel,
    PolicySpec,
    Prompt,
    Sampling,
)

ALGORITHMS: tuple[str, ...] = ("reinforce", "grpo", "tis", "positives", "topr")
SEEDS: tuple[int, ...] = (0, 1)

POLICY = PolicySpec(source=PackagedModel())

SAMPLING = Sampling(temperature=1.0, max_new_tokens=6, stop=("\n",))
"""A sum and the line break after it; every digit is a token of its own."""

GRADE = GradeSpec()


@dataclass(frozen=True)
class Size:
    """What the quick and the full comparison do not share."""

    dataset: DatasetSpec
    prompt: Prompt
    generate: GenerateSpec
    settings: LLMSettings
    evaluate: EvaluateSpec


def _examples(*sums: tuple[int, int]) -> str:
    return "\n\n".join(f"Q: What is {a} + {b}?\nA: {a + b}" for a, b in sums)


def _size(
    *,
    digits: int,
    train: int,
    test: int,
    examples: str,
    completions: int,
    settings: LLMSettings,
) -> Size:
    source = ArithmeticSource(digits=digits, train=train, test=test, wording="question", seed=0)
    return Size(
        dataset=DatasetSpec(source=source),
        prompt=Prompt(template="Q: {question}\nA:", examples=examples),
        generate=GenerateSpec(
            completions=completions,
            sampling=SAMPLING,
            batch_size=64,
            logprob_precision="bfloat16",
        ),
        settings=settings,
        evaluate=EvaluateSpec(samples=4, sampling=SAMPLING, batch_size=64),
    )


_SETTINGS = LLMSettings(
    steps=12,
    batch_size=64,
    micro_batch_size=64,
    optimizer="adamw",
    learning_rate=1e-5,
    clip_norm=1.0,
    evaluate_every=4,
    evaluate_problems=24,
    evaluate_samples=2,
    precision="bfloat16",
    share_prompts=True,
)

QUICK = _size(
    digits=1,
    train=50,
    test=24,
    examples=_examples((3, 4), (6, 2), (1, 5)),
    completions=8,
    settings=_SETTINGS,
)

FULL = _size(
    digits=2,
    train=300,
    test=60,
    examples=_examples((23, 14), (52, 31), (40, 18)),
    completions=8,
    settings=_SETTINGS.model_copy(
        update={
            "steps": 30,
            "batch_size": 128,
            "micro_batch_size": 128,
            "evaluate_every": 10,
            "evaluate_problems": 60,
        }
    ),
)
