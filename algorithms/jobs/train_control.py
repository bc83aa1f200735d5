"""A `train_control` job: one algorithm learns a policy from transitions."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import ValidationError

from algorithms.base import JobContext, Summary, UserError
from algorithms.catalogue import CONTROL_ALGORITHMS
from algorithms.control_base import Agent, ControlAlgorithm, ControlParams, Spaces
from algorithms.control_data.references import reference_of
from algorithms.control_data.scaling import Scaling
from algorithms.control_data.transitions import Transitions, load_transitions
from algorithms.control_specs import TrainControlSpec
from algorithms.controllers.files import LearnedPolicy, save_agent
from algorithms.environments.table import ENVIRONMENTS
from algorithms.training.allocator import keep_freed_memory
from algorithms.training.control import ControlTrainer, Evaluate, Plan
from algorithms.training.control_checkpoint import Position
from algorithms.training.control_data import BatchStream, ResidentData
from algorithms.training.control_episodes import tuning_returns
from algorithms.training.device import configure_process, peak_memory_bytes

HISTORY_FILE = "history.json"


def run(spec: TrainControlSpec, context: JobContext) -> Summary:
    """Train, and write the policy of every seed, `policy.json` and `history.json`.

    Raises:
        UserError: algorithm, settings and data do not fit together.
        NonFiniteLossError: loss or values diverged.
        Stopped: the reporter asked for it; the checkpoint is written.
    """
    settings = spec.settings
    device = configure_process(spec.seed)
    keep_freed_memory()
    made = set_up(spec, context.inputs["transitions"], device)
    agent, scaling, spaces = made.agent, made.scaling, made.spaces
    data = ResidentData.of(made.learned, scaling, device)
    stream = BatchStream(
        data, spaces, settings.batch_size, agent.normals, agent.uniforms, settings.steps,
        settings.discount,
    )  # fmt: skip
    plan = Plan(
        log_every=settings.log_every,
        checkpoint_every=settings.checkpoint_every,
        evaluate_every=settings.evaluate_every,
        value_limit=_value_limit(made.learned, spec),
        evaluate=_evaluation(spec, made.given, LearnedPolicy(agent, scaling, spaces)),
    )
    position = ControlTrainer(
        agent, stream, plan, reporter=context.reporter, checkpoints=context.checkpoints
    ).run()
    save_agent(context.output, agent, spaces, scaling=scaling, about=made.about)
    _write_history(position, context)
    return _summary(position, made.learned, peak_memory_bytes(device))


@dataclass(frozen=True)
class SetUp:
    """New networks and what they are for, from spec and data alone."""

    given: Transitions
    """The data set as it is."""
    learned: Transitions
    """What the algorithm learns from."""
    scaling: Scaling
    spaces: Spaces
    agent: Agent
    about: Mapping[str, Any]
    """What `policy.json` says of the policy beside what acting needs."""


def set_up(spec: TrainControlSpec, transitions: Path, device: torch.device) -> SetUp:
    """Return the networks of a training before its first update.

    Raises:
        UserError: algorithm, settings and data do not fit together.
    """
    algorithm, params = _algorithm(spec)
    given = load_transitions(transitions)
    learned = algorithm.prepare(given, params) if algorithm.prepare else given
    scaling = Scaling.of(learned, normalise=params.normalise_observations)
    seeds = tuple(range(spec.seed, spec.seed + spec.settings.parallel_seeds))
    size = scaling.observations(learned.observations[:1]).shape[1]
    spaces = Spaces(size, learned.actions.shape[1], seeds, device)
    about = {
        "algorithm": spec.algorithm,
        "params": params.model_dump(mode="json"),
        "environment": given.environment,
        "reference": given.metadata.get("reference"),
    }
    return SetUp(given, learned, scaling, spaces, algorithm.build(spaces, params), about)


def _write_history(position: Position, context: JobContext) -> None:
    history = {"steps": position.step, "evaluations": position.evaluations}
    (context.output / HISTORY_FILE).write_text(json.dumps(history, indent=1), encoding="utf-8")


def _algorithm(spec: TrainControlSpec) -> tuple[ControlAlgorithm, ControlParams]:
    if spec.algorithm not in CONTROL_ALGORITHMS:
        raise UserError(
            f"There is no control algorithm {spec.algorithm!r} on this worker. It has: "
            f"{', '.join(CONTROL_ALGORITHMS)}."
        )
    algorithm = CONTROL_ALGORITHMS[spec.algorithm]
    try:
        return algorithm, algorithm.params.model_validate(dict(spec.params))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"])) or "params"
        raise UserError(
            f"The setting {name} of {algorithm.title} is not valid: {first['msg']}."
        ) from error


def _value_limit(learned: Transitions, spec: TrainControlSpec) -> float:
    """Return the mean value beyond which a training counts as diverged."""
    largest = float(np.abs(learned.rewards).max())
    bound = max(largest, 1e-6) / (1 - spec.settings.discount)
    return spec.settings.divergence_factor * bound


def _evaluation(
    spec: TrainControlSpec, given: Transitions, policy: LearnedPolicy
) -> Evaluate | None:
    """Return what evaluates the first seed's policy, or None where nothing is to be evaluated.

    Raises:
        UserError: evaluations are asked for, and the data name no environment that can be made.
    """
    settings = spec.settings
    if not settings.evaluate_every:
        return None
    if given.environment not in ENVIRONMENTS:
        raise UserError(
            "The data set does not say which environment it is of, so the policy cannot be "
            "evaluated while it trains. Set evaluate_every to 0, or name the environment when "
            "the data set is imported."
        )
    reference = reference_of(given.metadata)

    def evaluate() -> Mapping[str, float]:
        returns = tuning_returns(policy, given.environment, settings.evaluate_episodes)
        figures = {"eval_return_mean": float(returns.mean())}
        if reference is not None:
            figures["eval_normalized_return"] = reference.normalise(float(returns.mean()))
        return figures

    return evaluate


def _summary(position: Position, learned: Transitions, memory: int) -> Summary:
    seconds = position.seconds
    figures = position.evaluations[-1] if position.evaluations else {}
    return {
        "steps": position.step,
        "transitions": len(learned),
        "seconds": seconds,
        "updates_per_s": position.step / seconds if seconds else 0.0,
        "peak_memory_bytes": memory,
        **{name: value for name, value in figures.items() if name != "step"},
    }
