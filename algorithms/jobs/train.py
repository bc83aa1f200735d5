"""A `train` job: one algorithm, one seed, from one policy and one fixed set of completions."""

import shutil
from dataclasses import replace

import torch

from algorithms.base import JobContext, LLMAlgorithm, Summary, UserError
from algorithms.data.tables import FIRST_BATCH_FILE
from algorithms.specs import TrainSpec
from algorithms.training.completions import TrainingSet, load_references, load_rollouts
from algorithms.training.distributed import ALONE, Ranks
from algorithms.training.first_batch import write_first_batch
from algorithms.training.gradient import Lesson
from algorithms.training.launch import launch
from algorithms.training.lessons import algorithm_of, exam_of, params_of
from algorithms.training.llm import Learner
from algorithms.training.policy import Policy, load_policy
from algorithms.training.preparation import prepare_training
from algorithms.training.reference import with_reference
from algorithms.training.runtime import configure
from algorithms.training.sharding import shard
from algorithms.training.whole import Twin, WholePolicy, undivided


def run(spec: TrainSpec, context: JobContext) -> Summary:
    """Train, and write the trained policy's folder with `history.json`; return its figures.

    Raises:
        UserError: algorithm, settings and inputs do not fit together, or nothing can be learned.
        NonFiniteLossError: loss or gradient stopped being a number.
        Stopped: the reporter asked for it; the checkpoint is written.
        ProcessLostError: one of several processes died.
    """
    if spec.settings.devices > 1:
        return launch("algorithms.jobs.train_rank", spec, context, count=spec.settings.devices)
    return train(spec, context, ALONE)


def train(spec: TrainSpec, context: JobContext, ranks: Ranks) -> Summary:
    """Do `run` as one of the processes that share it, each with the same inputs and folders."""
    algorithm = algorithm_of(spec.algorithm)
    settings = spec.settings
    if settings.lora_rank and (spec.keep_optimizer or "optimizer" in context.inputs):
        raise UserError(
            "With LoRA every training has adapters of its own, so there is no optimizer state to "
            "carry on: take a fresh optimizer, or train all weights."
        )
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
        lesson = replace(lesson, data=_with_reference(lesson, policy, context, ranks))
    prepare_training(policy.model, settings)
    whole = undivided(policy)
    if ranks.size > 1:
        whole = _divided(policy, spec, context, ranks)
    if ranks.is_first:
        write_first_batch(lesson, policy, context.checkpoints)
    learner = Learner(
        policy, lesson, context.reporter, context.checkpoints, ranks=ranks, whole=whole
    )
    if "optimizer" in context.inputs:
        learner.carry_on(context.inputs["optimizer"])
    learner.run()
    if spec.keep_optimizer:
        learner.keep_optimizer(context.output)
    if ranks.is_first:
        shutil.copy(context.checkpoints / FIRST_BATCH_FILE, context.output)
    return learner.finish(context.output)


def _divided(policy: Policy, spec: TrainSpec, context: JobContext, ranks: Ranks) -> WholePolicy:
    """Spread a policy over the processes; return what gives it in one piece again."""
    twin = None
    shard(policy.model, ranks)
    if ranks.is_first:
        twin = load_policy(context.inputs["policy"], torch.device("cpu"))
        prepare_training(twin.model, spec.settings)
    return Twin(policy, twin)


def _with_reference(
    lesson: Lesson, policy: Policy, context: JobContext, ranks: Ranks
) -> TrainingSet:
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
        ranks=ranks,
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
