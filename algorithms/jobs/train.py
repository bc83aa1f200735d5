"""A `train` job: one algorithm, one seed, from one policy and one fixed set of completions."""

import shutil
from dataclasses import replace

from algorithms.base import JobContext, LLMAlgorithm, Summary, UserError
from algorithms.data.tables import FIRST_BATCH_FILE
from algorithms.specs import TrainSpec
from algorithms.training.completions import TrainingSet, load_references, load_rollouts
from algorithms.training.first_batch import write_first_batch
from algorithms.training.gradient import Lesson
from algorithms.training.lessons import algorithm_of, exam_of, params_of
from algorithms.training.llm import Learner
from algorithms.training.policy import Policy, load_policy
from algorithms.training.preparation import prepare_training
from algorithms.training.reference import with_reference
from algorithms.training.runtime import configure


def run(spec: TrainSpec, context: JobContext) -> Summary:
    """Train, and write the trained policy's folder with `history.json`; return its figures.

    Raises:
        UserError: algorithm, settings and inputs do not fit together, or nothing can be learned.
        NonFiniteLossError: loss or gradient stopped being a number.
        Stopped: the reporter asked for it; the checkpoint is written.
    """
    algorithm = algorithm_of(spec.algorithm)
    settings = spec.settings
    device = configure(spec.seed)
    exam = exam_of(
        context.inputs["eval_dataset"],
        spec.eval_split,
        settings,
        prompt=spec.prompt,
        sampling=spec.sampling,
        grading=spec.grading,
    )
    policy = load_policy(context.inputs["policy"], device)
    lesson = Lesson(
        algorithm=algorithm,
        params=params_of(algorithm, spec.params),
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
