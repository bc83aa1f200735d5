"""An `online` job: the policy writes what it learns from, as old as the schedule makes it."""

import math
import shutil
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import torch

from algorithms.base import JobContext, LLMAlgorithm, Summary, UserError
from algorithms.data.grading import Judge
from algorithms.data.problems import load_problems
from algorithms.data.tables import FIRST_BATCH_FILE
from algorithms.online.lags import LAGS_FILE, write_lags
from algorithms.online.rollouts import KEPT_COMPLETIONS
from algorithms.settings import LLMSettings
from algorithms.specs import OnlineSpec
from algorithms.training.completions import Ragged, TrainingSet
from algorithms.training.gradient import Lesson
from algorithms.training.lessons import algorithm_of, exam_of, params_of
from algorithms.training.llm import Learner
from algorithms.training.online.explorer import Explorer
from algorithms.training.online.generator import Generator
from algorithms.training.online.loop import OnlineBatches
from algorithms.training.policy import Policy, load_policy
from algorithms.training.preparation import prepare_training
from algorithms.training.runtime import configure

_NOTHING = TrainingSet(
    prompts=Ragged.of([], np.int32),
    completions=Ragged.of([], np.int32),
    behaviour_logprobs=None,
    rewards=torch.zeros(0),
    prompt_index=torch.zeros(0, dtype=torch.int64),
)


def run(spec: OnlineSpec, context: JobContext) -> Summary:
    """Train, and write the trained policy's folder, history, lags, completions; return figures.

    Raises:
        UserError: algorithm, settings and inputs do not fit together, or the engine cannot run.
        NonFiniteLossError: loss or gradient stopped being a number.
        Stopped: the reporter asked for it; the checkpoint is written.
    """
    device = configure(spec.seed)
    policy = load_policy(context.inputs["policy"], device)
    lesson = _lesson(spec, context)
    with ExitStack() as stack:
        explorer = _explorer(spec, context, lesson, device=device, stack=stack)
        prepare_training(policy.model, spec.settings)
        batches = OnlineBatches(
            spec,
            lesson,
            policy,
            explorer,
            reporter=context.reporter,
            checkpoints=context.checkpoints,
            steps=_steps(spec, explorer.problems),
        )
        learner = Learner(policy, lesson, context.reporter, context.checkpoints, batches=batches)
        learner.run()
    return learner.finish(context.output) | _finish(batches, context)


def _lesson(spec: OnlineSpec, context: JobContext) -> Lesson:
    algorithm = algorithm_of(spec.algorithm)
    _require_online(algorithm, spec.settings)
    return Lesson(
        algorithm=algorithm,
        params=params_of(algorithm, spec.params),
        settings=spec.settings,
        seed=spec.seed,
        data=_NOTHING,
        exam=exam_of(
            context.inputs["eval_dataset"],
            spec.eval_split,
            spec.settings,
            prompt=spec.generate.prompt,
            sampling=spec.sampling,
            grading=spec.grading,
        ),
    )


def _require_online(algorithm: LLMAlgorithm, settings: LLMSettings) -> None:
    if settings.devices > 1:
        raise UserError(
            f"Generation and training in one job run in one process, not in {settings.devices}: "
            "set devices to 1."
        )
    if algorithm.trains_on != "rollouts":
        raise UserError(
            f"{algorithm.title} learns from {algorithm.trains_on}, not from what the policy "
            "writes: train it with the recipe offline."
        )
    if algorithm.unit == "pair":
        raise UserError(
            f"{algorithm.title} learns from pairs of a better and a worse completion, and a new "
            "batch may hold none: train it with the recipe offline."
        )


def _explorer(
    spec: OnlineSpec,
    context: JobContext,
    lesson: Lesson,
    *,
    device: torch.device,
    stack: ExitStack,
) -> Explorer:
    """Return what writes the batches; its engine and graders end with the stack."""
    folder = context.inputs["policy"]
    generating = load_policy(folder, device)
    problems = load_problems(context.inputs["dataset"], spec.generate.split, spec.generate.prompts)
    prompts = generating.encode_problems(spec.generate.prompt, problems)
    longest = max(map(len, prompts))
    return Explorer(
        spec,
        stack.enter_context(Generator(spec.generate, generating, folder, longest=longest)),
        stack.enter_context(Judge(spec.grading)),
        problems=problems,
        prompts=prompts,
        reference=_reference(lesson, context, folder, device),
        reporter=context.reporter,
    )


def _reference(
    lesson: Lesson, context: JobContext, folder: Path, device: torch.device
) -> Policy | None:
    """Return the reference policy where the algorithm needs one: an input, or the first policy."""
    needs = lesson.algorithm.needs_reference
    if needs is None or not needs(lesson.params):
        return None
    return load_policy(context.inputs.get("reference", folder), device)


def _steps(spec: OnlineSpec, problems: int) -> int:
    if spec.settings.epochs is None:
        return spec.settings.steps
    return max(1, math.ceil(spec.settings.epochs * problems / spec.prompts_per_step))


def _finish(batches: OnlineBatches, context: JobContext) -> Summary:
    """Write what the loop leaves beside the policy; return its figures."""
    totals = batches.totals
    write_lags(context.output / LAGS_FILE, totals.lags)
    shutil.copy(context.checkpoints / FIRST_BATCH_FILE, context.output)
    learned = sum(count for _, _, count in totals.lags)
    return {
        "completions": totals.completions,
        KEPT_COMPLETIONS: batches.journal.finish(context.output),
        "generation_tokens": totals.tokens,
        "generation_seconds": totals.seconds,
        "generation_tokens_per_s": totals.tokens / totals.seconds if totals.seconds else 0.0,
        "dropped_completions": totals.dropped,
        "extra_syncs": batches.extra_syncs,
        "lag_mean": sum(lag * count for _, lag, count in totals.lags) / max(1, learned),
        "lag_max": max((lag for _, lag, _ in totals.lags), default=0),
    }
