"""The demo experiment: two-digit addition, five algorithms, two seeds, small enough for a CPU.

The first half of TOPR's story in one picture: negatives without a taper destroy the policy,
tapered ones do not. Measured by `benchmarks/demo_pipeline.py`; pure settings, no torch work.
"""

from algorithms.asking import Sampling
from algorithms.settings import LLMSettings
from algorithms.sources import ArithmeticSource, TinyLlama
from algorithms.specs import (
    DatasetSpec,
    EvaluateSpec,
    GenerateSpec,
    GradeSpec,
    PolicySpec,
    TrainSpec,
)

ALGORITHMS: tuple[str, ...] = ("reinforce", "ppo", "tis", "positives", "topr")
SEEDS: tuple[int, ...] = (0, 1)

SAMPLING = Sampling(temperature=1.0, max_new_tokens=5)
"""Answers have at most three digits and an end of sequence; one token more shows rambling."""

DATASET = DatasetSpec(source=ArithmeticSource(digits=2, train=6000, test=400, seed=0))

POLICY = PolicySpec(source=TinyLlama(max_tokens=32, seed=0))

WARM_START = TrainSpec(
    algorithm="sft",
    settings=LLMSettings(
        steps=3000,
        batch_size=64,
        micro_batch_size=64,
        learning_rate=1e-3,
        warmup_steps=50,
        evaluate_every=20,
        stop_at_accuracy=0.25,
    ),
    seed=0,
    sampling=SAMPLING,
)
"""Supervised on reference answers until about a quarter of the sampled answers are right."""

GENERATE = GenerateSpec(prompts=2000, completions=8, sampling=SAMPLING, batch_size=512, seed=0)

GRADE = GradeSpec()

SETTINGS = LLMSettings(
    steps=250,
    batch_size=128,
    micro_batch_size=128,
    optimizer="adamw",
    learning_rate=3e-4,
    clip_norm=1.0,
    evaluate_every=50,
    evaluate_problems=400,
    evaluate_samples=1,
)
"""What the compared trainings share."""

EVALUATE = EvaluateSpec(samples=4, sampling=SAMPLING)
