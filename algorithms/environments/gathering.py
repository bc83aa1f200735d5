"""From rollouts to transitions, in the order of their episodes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from algorithms.control_data.transitions import Transitions, concatenate
from algorithms.environments.episodes import Rollout


def transitions_of(rollouts: Sequence[Rollout], metadata: Mapping[str, Any]) -> Transitions:
    """Return every step of rollouts that kept their steps, episode by episode."""
    return concatenate([_one(each, metadata) for each in rollouts], metadata)


def _one(rollout: Rollout, metadata: Mapping[str, Any]) -> Transitions:
    episode = np.concatenate(rollout.episode)
    order = np.argsort(episode, kind="stable")
    terminated = np.concatenate([moved.terminated for moved in rollout.moved])[order]
    truncated = np.concatenate([moved.truncated for moved in rollout.moved])[order]
    return Transitions(
        observations=np.concatenate(rollout.observations)[order],
        actions=np.concatenate(rollout.actions)[order].astype(np.float32),
        rewards=np.concatenate([moved.rewards for moved in rollout.moved])[order].astype(
            np.float32
        ),
        next_observations=np.concatenate([moved.observations for moved in rollout.moved])[order],
        terminated=terminated,
        truncated=truncated & ~terminated,
        metadata=metadata,
    )
