"""A `train` job: one algorithm, one seed, from one policy and one fixed set of completions."""

import shutil
from dataclasses import replace

from pydantic import ValidationError

from algorithms.base import JobContext, LLMAlgorithm, Schema, Summary, UserError
from algorithms.catalogue import ALGORITHMS
from algorithms.data.problems import load_problems
from algorithms.data.tables import FIRST_BATCH_FILE
from algorithms.specs import TrainSpec
from algorithms.training.completions import TrainingSet, load_references, load_rollouts
from algorithms.training.evaluation import Exam
from algorithms.training.first_batch import write_first_batch
from algorithms.training.gradient import Lesson
from algorithms.training.llm import Learner
from algorithms.training.policy import Policy, load_policy
from algorithms.training.preparation import prepare_training
from algorithms.training.reference import with_reference
from algorithms.training.runtime import configure

_GENERATION_FACTOR = 4
"""Completions generated side by side, in micro-batches: they need no memory for gradients."""


def run(spec: TrainSpec, context: JobContext) -> Summary:
    """Train, and write the trained policy's folder with `history.json`; return its figures.

    Raises:
        UserError: algorithm, settings and inputs do not fit together, or nothing can be learned.
        NonFiniteLossError: loss or gradient stopped being a number.
        Stopped: the reporter asked for it; the checkpoint is written.
    """
    algorithm = _algorithm(spec.algorithm)
    settings = spec.settings
    if settings.stop_at_accuracy is not None and settings.evaluate_samples == 0:
        raise UserError(
            "stop_at_accuracy needs sampled completions: set evaluate_samples to 1 or more."
        )
    device = configure(spec.seed)
    exam = Exam(
        problems=load_problems(
            context.inputs["eval_dataset"], spec.eval_split, settings.evaluate_problems
        ),
        samples=settings.evaluate_samples,
        sampling=spec.sampling,
        grading=spec.grading,
        batch_size=_GENERATION_FACTOR * settings.micro_batch_size,
        prompt=spec.prompt,
    )
    policy = load_policy(context.inputs["policy"], device)
    lesson = Lesson(
        algorithm=algorithm,
        params=_params(spec, algorithm),
        settings=settings,
        seed=spec.seed,
        data=_data(spec, algorithm, policy, context),
        exam=exam,
    )
    if algorithm.needs_reference is not None and algorithm.needs_reference(lesson.params):
        lesson = replace(lesson, data=_with_reference(lesson, policy, context))
    prepare_training(policy.model, settings)
    write_first_batch(lesson, policy, context.checkpoints)
    learner = Learner(policy, lesson, context.reporter, context.checkpoints)
    learner.run()
    shutil.copy(context.checkpoints / FIRST_BATCH_FILE, context.output)
    return learner.finish(context.output)


def _with_reference(lesson: Lesson, policy: Policy, context: JobContext) -> TrainingSet:
    """Return the data with log-probs of the reference: an input, or what training starts from."""
    if "reference" in context.inputs:
        policy = load_policy(context.inputs["reference"], policy.device)
    return with_reference(
        lesson.data,
        policy,
        rows=lesson.units.rows,
        settings=lesson.settings,
        folder=context.checkpoints,
        reporter=context.reporter,
    )


def _algorithm(name: str) -> LLMAlgorithm:
    if name not in ALGORITHMS:
        raise UserError(
            f"There is no algorithm {name!r} on this worker. It has: {', '.join(ALGORITHMS)}. "
            "Where it comes from a plugin, install the plugin on every worker."
        )
    return ALGORITHMS[name]


def _params(spec: TrainSpec, algorithm: LLMAlgorithm) -> Schema:
    try:
        return algorithm.params.model_validate(dict(spec.params))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "params"
        raise UserError(
            f"The setting {field} of {algorithm.title} is not valid: {first['msg']}."
        ) from error


def _data(
    spec: TrainSpec, algorithm: LLMAlgorithm, policy: Policy, context: JobContext
) -> TrainingSet:
    role = "rollouts" if algorithm.trains_on == "rollouts" else "dataset"
    if role not in context.inputs:
        raise UserError(
            f"{algorithm.title} learns from {algorithm.trains_on}, but the job was given no "
            f"{role}. Add one to the experiment."
        )
    folder = context.inputs[role]
    if algorithm.trains_on == "rollouts":
        return load_rollouts(folder, policy)
    return load_references(folder, spec.train_split, policy, spec.prompt)
