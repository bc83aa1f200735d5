"""Checkpoints of Stable-Baselines3's learners, taken where an episode has ended.

What its generators and the simulator have in mind is not kept: from a checkpoint on, everything is
drawn anew from a seed that the checkpoint's step gives, beginning with a new episode. A training
that is interrupted does so when it goes on, one that is not at the checkpoint: both end alike.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from stable_baselines3 import SAC, TD3
from stable_baselines3.common.buffers import ReplayBuffer
from torch import Tensor

_ARRAYS = ("observations", "next_observations", "actions", "rewards", "dones", "timeouts")
_LARGEST_SEED = 2**31


class OnlineLearner:
    """A learner whose weights, optimizers, counters and replay buffer are tensors by name."""

    def __init__(self, model: SAC | TD3) -> None:
        """Adapt one; loading changes it in place."""
        self.model = model

    @property
    def optimizers(self) -> Sequence[torch.optim.Optimizer]:
        """All optimizers, in a fixed order."""
        model = self.model
        found = [model.actor.optimizer, model.critic.optimizer]
        if isinstance(model, SAC):
            assert model.ent_coef_optimizer is not None  # its weight is learned
            found.append(model.ent_coef_optimizer)
        return found

    def state_dict(self) -> Mapping[str, Tensor]:
        """Return everything that a later update depends on."""
        model, buffer = self.model, self._buffer
        done = (model.num_timesteps, model._n_updates, model._episode_num)  # noqa: SLF001
        found = {f"policy.{name}": value for name, value in model.policy.state_dict().items()}
        if isinstance(model, SAC):
            found["log_ent_coef"] = _temperature(model).detach()
        for name in _ARRAYS:
            found[f"replay.{name}"] = torch.from_numpy(getattr(buffer, name)[: buffer.size()])
        return found | {"counters": torch.tensor([*done, buffer.pos, int(buffer.full)])}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Go back to where `state_dict` was taken."""
        model, buffer = self.model, self._buffer
        policy = {
            name.removeprefix("policy."): value
            for name, value in state.items()
            if name.startswith("policy.")
        }
        model.policy.load_state_dict(policy)
        if isinstance(model, SAC):
            _temperature(model).data.copy_(state["log_ent_coef"])
        for name in _ARRAYS:
            kept = state[f"replay.{name}"].numpy()
            getattr(buffer, name)[: len(kept)] = kept
        steps, updates, episodes, position, full = state["counters"].tolist()
        model.num_timesteps, model._n_updates, model._episode_num = steps, updates, episodes  # noqa: SLF001
        buffer.pos, buffer.full = position, bool(full)

    def begin_anew(self, seed: int) -> None:
        """Draw everything from here on from a seed and the step, a new episode first."""
        model = self.model
        assert model.env is not None
        drawn = np.random.SeedSequence([seed, model.num_timesteps]).generate_state(1)
        model.set_random_seed(int(drawn[0]) % _LARGEST_SEED)
        fresh: Any = model.env.reset()
        model._last_obs = fresh  # noqa: SLF001 - what its own reset sets

    @property
    def _buffer(self) -> ReplayBuffer:
        buffer = self.model.replay_buffer
        assert isinstance(buffer, ReplayBuffer)  # it is made with the model
        return buffer


def _temperature(model: SAC) -> Tensor:
    assert model.log_ent_coef is not None  # it is learned
    return model.log_ent_coef
