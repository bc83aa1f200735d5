"""An `evaluate_control` job: episodes of a policy, corrected or not, on given reset seeds."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from algorithms.base import JobContext, Stopped, Summary
from algorithms.control_data.references import record as reference_record
from algorithms.control_data.references import reference_of
from algorithms.control_specs import EvaluateControlSpec
from algorithms.controllers.assembly import assembled, environment_of
from algorithms.controllers.corrected import Traced
from algorithms.controllers.files import read_policy
from algorithms.data.tables import write_table
from algorithms.environments.episodes import Rollout
from algorithms.environments.table import Reference, known_environment
from algorithms.evaluation.control import EPISODES, EPISODES_FILE, RISK_FILE, save_trajectories
from algorithms.evaluation.risk import FEWEST_FOR_TAILS, Risk, Tail, risk_of
from algorithms.training.control_episodes import reset_seeds, rollouts
from algorithms.training.device import configure_process


def run(spec: EvaluateControlSpec, context: JobContext) -> Summary:
    """Write `episodes.parquet`, `risk.json` and a few trajectories; return the figures.

    Raises:
        UserError: policy, networks and environment do not fit together.
        Stopped: the reporter asked for it.
    """
    configure_process(spec.seed)
    record = read_policy(context.inputs["policy"])
    environment = environment_of(spec, record)
    controller = assembled(spec, context.inputs)
    reporter = context.reporter
    if spec.episodes < FEWEST_FOR_TAILS:
        reporter.message(
            f"VaR and CVaR of {spec.episodes} episodes say next to nothing: use at least "
            f"{FEWEST_FOR_TAILS}.",
            level="warning",
        )

    # Episodes may end early: then the job is done sooner than this says.
    most = spec.episodes * known_environment(environment).horizon

    def told(steps: int) -> None:
        if reporter.should_stop():
            raise Stopped(f"Stopped after {steps:,} steps.")
        reporter.progress(steps, most, "steps")

    seeds = reset_seeds(spec.purpose, spec.seed, spec.episodes)
    played = rollouts(
        controller, environment, seeds, parallel=spec.parallel, keep=spec.keep_trajectories,
        on_step=told,
    )  # fmt: skip
    episodes = _episodes(seeds, played, controller)
    names, columns = list(episodes), zip(*episodes.values(), strict=True)
    rows = (dict(zip(names, values, strict=True)) for values in columns)
    write_table(context.output / EPISODES_FILE, EPISODES, rows)
    save_trajectories(context.output, played, spec.keep_trajectories)
    tail = Tail(spec.tail, spec.tail_convention, spec.quantile_method)
    risk = risk_of(np.array(episodes["return"]), tail, seed=spec.seed)
    reference = reference_of(record)
    text = json.dumps(_report(spec, environment, risk, reference), indent=1)
    (context.output / RISK_FILE).write_text(text, encoding="utf-8")
    acting_s = sum(each.acting_s for each in played)
    steps = sum(int(each.lengths.sum()) for each in played)
    figures = _summary(risk, reference, episodes)
    return figures | {
        "environment": environment,
        "purpose": spec.purpose,
        "ms_per_action": 1000 * acting_s / max(1, steps),
    }


def _episodes(
    seeds: Sequence[int], played: Sequence[Rollout], controller: Traced
) -> dict[str, list[Any]]:
    """Return the columns of `episodes.parquet`."""
    lengths = np.concatenate([each.lengths for each in played])

    def per_step(name: str) -> list[float]:
        sums = np.concatenate([getattr(trace, name) for trace in controller.traces])
        return list(sums / lengths)

    nothing: list[None] = [None] * len(seeds)
    ood = controller.measures_ood
    return {
        "episode": list(range(len(seeds))),
        "reset_seed": list(seeds),
        "return": np.concatenate([each.returns for each in played]).tolist(),
        "length": lengths.tolist(),
        "danger_steps": np.concatenate([each.danger_steps for each in played]).tolist(),
        "terminated": np.concatenate([each.terminated for each in played]).tolist(),
        "shift_mean": per_step("shifts"),
        "ood_before_mean": per_step("ood_before") if ood else nothing,
        "ood_after_mean": per_step("ood_after") if ood else nothing,
    }


def _report(
    spec: EvaluateControlSpec, environment: str, risk: Risk, reference: Reference | None
) -> dict[str, Any]:
    """Return `risk.json`: figures with intervals, and how they were counted."""
    return {
        "environment": environment,
        "purpose": spec.purpose,
        "seed": spec.seed,
        "tail": spec.tail,
        "tail_convention": spec.tail_convention,
        "quantile_method": spec.quantile_method,
        "reference": reference_record(reference),
        **asdict(risk),
    }


def _summary(
    risk: Risk, reference: Reference | None, episodes: Mapping[str, Sequence[Any]]
) -> Summary:
    figures: Summary = {
        "episodes": risk.episodes,
        "return_mean": risk.mean.value,
        "return_std": risk.std,
        "var": risk.var.value,
        "cvar": risk.cvar.value,
        "episode_length_mean": float(np.mean(episodes["length"])),
        "terminated_share": float(np.mean(episodes["terminated"])),
        "danger_steps_mean": float(np.mean(episodes["danger_steps"])),
        "violation_share": float(np.mean(np.array(episodes["danger_steps"]) > 0)),
        "shift_mean": float(np.mean(episodes["shift_mean"])),
    }
    if reference is not None:
        figures["normalized_return"] = reference.normalise(risk.mean.value)
        figures["normalized_var"] = reference.normalise(risk.var.value)
        figures["normalized_cvar"] = reference.normalise(risk.cvar.value)
        figures["reference"] = reference.source
    if episodes["ood_before_mean"][0] is not None:
        figures["ood_before_mean"] = float(np.mean(episodes["ood_before_mean"]))
        figures["ood_after_mean"] = float(np.mean(episodes["ood_after_mean"]))
    return figures
