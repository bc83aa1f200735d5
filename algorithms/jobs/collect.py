"""A `collect` job: transitions of behaviour policies of graded skill in an environment."""

from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import numpy as np

from algorithms.base import JobContext, Stopped, Summary, UserError
from algorithms.control_data.composition import amounts_of
from algorithms.control_data.d4rl import write_hdf5
from algorithms.control_data.references import known_reference, record
from algorithms.control_data.replay import replayed
from algorithms.control_data.statistics import describe, write_statistics
from algorithms.control_data.transitions import Transitions, concatenate
from algorithms.control_specs import CollectSpec, Part
from algorithms.controllers.base import Controller, Noisy
from algorithms.controllers.files import load_controller, read_policy
from algorithms.controllers.scripted import Uniform, scripted
from algorithms.environments.episodes import Rollout
from algorithms.environments.gathering import transitions_of
from algorithms.environments.point_mass import Start
from algorithms.environments.table import POINT_MASS, Reference, known_environment
from algorithms.training.control_episodes import reset_seeds, rollouts
from algorithms.training.device import configure_process

HDF5_FILE = "transitions.hdf5"
ROLES = ("policy", "policy_2", "policy_3")


def run(spec: CollectSpec, context: JobContext) -> Summary:
    """Write `transitions.npz`, `metadata.json`, `statistics.json` and, where asked, HDF5.

    Raises:
        UserError: a behaviour policy is missing or does not fit the environment.
        Stopped: the reporter asked for it.
    """
    configure_process(spec.seed)
    known_environment(spec.environment)
    controllers = [_controller(spec, part, context) for part in spec.parts]
    amounts = _amounts(spec)
    parts = [
        _collected(spec, place, controllers[place], amount=amounts[place], context=context)
        for place in range(len(spec.parts))
    ]
    reference = _reference(spec, parts, controllers)
    low, high = controllers[0].low, controllers[0].high
    metadata: dict[str, Any] = {
        "environment": spec.environment,
        "action_low": low.tolist(),
        "action_high": high.tolist(),
        "reference": record(reference),
        "provenance": {
            "collected": spec.model_dump(mode="json"),
            "policies": {role: read_policy(folder) for role, folder in context.inputs.items()},
            "versions": {name: version(name) for name in ("gymnasium", "mujoco", "numpy")},
        },
    }
    whole = concatenate(parts, metadata)
    whole.save(context.output)
    if spec.hdf5:
        write_hdf5(context.output / HDF5_FILE, whole)
    statistics = describe(whole)
    write_statistics(context.output, statistics)
    return statistics.summary() | {"reference": reference.source}


def _controller(spec: CollectSpec, part: Part, context: JobContext) -> Controller:
    if part.behaviour not in ROLES:
        return scripted(part.behaviour, spec.environment)
    if part.behaviour not in context.inputs:
        raise UserError(
            f"The composition names the behaviour policy {part.behaviour}, which the job was not "
            "given. Choose a policy for it, or another behaviour."
        )
    folder = context.inputs[part.behaviour]
    made_for = read_policy(folder).get("environment")
    if made_for and made_for != spec.environment:
        raise UserError(
            f"The behaviour policy {part.behaviour} is for {made_for}, and data are collected in "
            f"{spec.environment}. Choose one of the same environment."
        )
    return load_controller(folder, checkpoint=part.stage, stochastic=part.stochastic)


def _amounts(spec: CollectSpec) -> list[int]:
    """Return how many episodes or steps each part gives; together they are the amount."""
    amounts = amounts_of([part.share for part in spec.parts], spec.amount)
    if min(amounts) < 1:
        raise UserError(
            f"A part of the composition gets none of the {spec.amount} {spec.unit}: raise the "
            "amount or its share."
        )
    return amounts


def _starts(spec: CollectSpec) -> tuple[Start, ...]:
    if spec.environment != POINT_MASS or spec.start == "evaluation":
        return ("evaluation",)
    return ("training",) if spec.start == "training" else ("evaluation", "training")


def _collected(
    spec: CollectSpec, place: int, controller: Controller, *, amount: int, context: JobContext
) -> Transitions:  # fmt: skip
    """Return what one part of the composition contributes."""
    part = spec.parts[place]
    if part.replay:
        return replayed(
            context.inputs[part.behaviour], stage=part.stage, amount=amount,
            by_steps=spec.unit == "steps", seed=spec.seed * len(spec.parts) + place,
        )  # fmt: skip
    if part.noise:
        controller = Noisy(controller, part.noise, "collected noise")
    starts = _starts(spec)
    found = []
    for turn, start in enumerate(starts):
        share = amount // len(starts) + (turn < amount % len(starts))
        if share:
            number = spec.seed * len(spec.parts) * len(starts) + place * len(starts) + turn
            found.append(
                _episodes(spec, controller, share, stream=(start, number), context=context)
            )
    return concatenate(found, {"environment": spec.environment})


def _episodes(
    spec: CollectSpec,
    controller: Controller,
    amount: int,
    *,
    stream: tuple[Start, int],
    context: JobContext,
) -> Transitions:
    """Return whole episodes, or the first `amount` steps of them."""
    start, number = stream
    reporter = context.reporter
    by_steps = spec.unit == "steps"
    # Episodes may end early: then the job is done sooner than this says.
    most = amount if by_steps else amount * known_environment(spec.environment).horizon
    gathered: list[Rollout] = []
    steps = episodes = 0

    def told(now: int) -> None:
        if reporter.should_stop():
            raise Stopped(f"Stopped after {steps + now:,} steps.")
        reporter.progress(steps + now, most, "steps")

    while (steps if by_steps else episodes) < amount:
        count = spec.parallel if by_steps else min(amount - episodes, 4096)
        seeds = reset_seeds("collect", number, count, first=episodes)
        new = rollouts(
            controller, spec.environment, seeds, parallel=spec.parallel, start=start,
            keep=count, on_step=told,
        )  # fmt: skip
        gathered += new
        episodes += count
        steps += sum(int(each.lengths.sum()) for each in new)
    whole = transitions_of(gathered, {"environment": spec.environment})
    return _first(whole, amount) if by_steps else whole


def _first(whole: Transitions, steps: int) -> Transitions:
    kept = np.arange(len(whole)) < steps
    return whole.rows(kept)


def _reference(
    spec: CollectSpec, parts: Sequence[Transitions], controllers: Sequence[Controller]
) -> Reference:
    """Return D4RL's reference returns, or those of random actions and of the best part."""
    if known := known_reference(spec.environment):
        return known
    best = int(np.argmax([part.returns().mean() for part in parts]))
    random = Uniform(controllers[0].low, controllers[0].high)
    seeds = reset_seeds("reference", spec.seed, spec.reference_episodes)
    means = []
    for controller in (random, controllers[best]):
        played = rollouts(controller, spec.environment, seeds, parallel=spec.parallel)
        means.append(float(np.concatenate([each.returns for each in played]).mean()))
    measured = Reference(means[0], means[1], "local-normalised")
    if measured.expert > measured.random:
        return measured
    # Nothing better than chance was collected: keep the scale readable, one return per percent.
    return replace(measured, expert=measured.random + 100)
