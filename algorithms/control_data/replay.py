"""Transitions that an online training met, kept with its policy: what medium-replay data are."""

from pathlib import Path

import numpy as np

from algorithms.base import UserError
from algorithms.control_data.transitions import METADATA_FILE, Transitions, load_transitions
from algorithms.training.seeds import stream

REPLAY_FOLDER = "replay"


def save_replay(folder: Path, met: Transitions, stages: dict[str, int], first_step: int) -> None:
    """Write what a training met into the folder of its policy.

    Args:
        stages: environment steps done at each stage.
        first_step: steps that were met before the first one kept.
    """
    place = folder / REPLAY_FOLDER
    place.mkdir()
    record = {**met.metadata, "stages": stages, "first_step": first_step}
    Transitions(
        met.observations, met.actions, met.rewards, met.next_observations, met.terminated,
        met.truncated, record,
    ).save(place)  # fmt: skip


def replayed(folder: Path, *, stage: str, amount: int, by_steps: bool, seed: int) -> Transitions:
    """Return some of what a policy's training met up to a stage, whole episodes in their order.

    Episodes are drawn without replacement, so that they span the training evenly; of an amount in
    steps the last one is cut.

    Raises:
        UserError: the training kept nothing, has no such stage, or met less than the amount.
    """
    place = folder / REPLAY_FOLDER
    if not (place / METADATA_FILE).is_file():
        raise UserError(
            "The behaviour policy kept no transitions of its training. Train one with keep_replay, "
            "or let it play."
        )
    met = load_transitions(place)
    stages: dict[str, int] = met.metadata["stages"]
    if stage and stage not in stages:
        raise UserError(
            f"The behaviour policy has no stage {stage!r}; it has: {', '.join(stages)}."
        )
    end = stages[stage] if stage else max(stages.values())
    met = met.rows(np.arange(len(met)) < end - met.metadata["first_step"])
    there = len(met) if by_steps else len(met.ends)
    if there < amount:
        unit = "steps" if by_steps else "episodes"
        raise UserError(
            f"The training met {there:,} {unit} up to the stage {stage or 'final'}, and the "
            f"composition asks for {amount:,}: lower the amount or the share of this part."
        )
    order = stream("replay", seed).permutation(len(met.ends))
    sums = np.cumsum(met.lengths[order]) if by_steps else np.arange(1, len(order) + 1)
    chosen = order[: int(np.searchsorted(sums, amount)) + 1]
    whole = met.episodes(np.sort(chosen))
    return whole.rows(np.arange(len(whole)) < amount) if by_steps else whole
