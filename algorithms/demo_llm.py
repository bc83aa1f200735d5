"""Addition by a real language model: SmolLM2-135M-Instruct, five algorithms, two seeds, on a CPU.

`QUICK` is `make demo-llm`: one-digit sums. `FULL` is the comparison of docs/results: two-digit
sums, of which the model gets one in five right. The learning rate was not tuned; docs/results
says how the prompts were chosen. Pure settings, no torch work.
"""

from dataclasses import dataclass
from typing import Literal

from algorithms.asking import Prompt, Sampling
from algorithms.settings import LLMSettings
from algorithms.sources import ArithmeticSource, PackagedModel
from algorithms.specs import DatasetSpec, EvaluateSpec, GenerateSpec, GradeSpec, PolicySpec

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


def _size(
    *,
    digits: int,
    train: int,
    test: int,
    wording: Literal["spaced", "question"],
    prompt: Prompt,
    settings: LLMSettings,
) -> Size:
    source = ArithmeticSource(digits=digits, train=train, test=test, wording=wording, seed=0)
    return Size(
        dataset=DatasetSpec(source=source),
        prompt=prompt,
        generate=GenerateSpec(
            completions=8,
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
    wording="question",
    prompt=Prompt(
        template="Q: {question}\nA:",
        examples="Q: What is 3 + 4?\nA: 7\n\nQ: What is 6 + 2?\nA: 8\n\nQ: What is 1 + 5?\nA: 6",
    ),
    settings=_SETTINGS.model_copy(update={"steps": 8}),
)

FULL = _size(
    digits=2,
    train=300,
    test=60,
    wording="spaced",
    prompt=Prompt(examples="23 + 14 = 37\n52 + 31 = 83\n40 + 18 = 58"),
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
