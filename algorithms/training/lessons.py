"""What trainings are made of, from the specs of their jobs: algorithm, hyperparameters, exam."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from algorithms.asking import Grading, Prompt, Sampling
from algorithms.base import LLMAlgorithm, Schema, UserError
from algorithms.catalogue import ALGORITHMS
from algorithms.data.problems import load_problems
from algorithms.settings import LLMSettings
from algorithms.training.evaluation import Exam

_GENERATION_FACTOR = 4
"""Completions generated side by side, in micro-batches: they need no memory for gradients."""


def algorithm_of(name: str) -> LLMAlgorithm:
    """Return an algorithm by its file name.

    Raises:
        UserError: this worker does not have it.
    """
    if name not in ALGORITHMS:
        raise UserError(
            f"There is no algorithm {name!r} on this worker. It has: {', '.join(ALGORITHMS)}. "
            "Where it comes from a plugin, install the plugin on every worker."
        )
    return ALGORITHMS[name]


def params_of(algorithm: LLMAlgorithm, params: Mapping[str, Any]) -> Schema:
    """Return validated hyperparameters.

    Raises:
        UserError: one is not valid.
    """
    try:
        return algorithm.params.model_validate(dict(params))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "params"
        raise UserError(
            f"The setting {field} of {algorithm.title} is not valid: {first['msg']}."
        ) from error


def exam_of(
    folder: Path,
    split: str,
    settings: LLMSettings,
    *,
    prompt: Prompt,
    sampling: Sampling,
    grading: Grading,
) -> Exam:
    """Return the held-out problems of a dataset's folder, and how they are asked on the way.

    Raises:
        UserError: the split has no rows, or nothing is sampled to stop at an accuracy of.
    """
    if settings.stop_at_accuracy is not None and settings.evaluate_samples == 0:
        raise UserError(
            "stop_at_accuracy needs sampled completions: set evaluate_samples to 1 or more."
        )
    return Exam(
        problems=load_problems(folder, split, settings.evaluate_problems),
        samples=settings.evaluate_samples,
        sampling=sampling,
        grading=grading,
        batch_size=_GENERATION_FACTOR * settings.micro_batch_size,
        prompt=prompt,
    )
