"""A `train_behaviour` job: SAC or TD3 learns online; stages of its skill are kept."""

import json
import math
import time
from typing import Any

import gymnasium
import numpy as np
import torch
from stable_baselines3 import SAC, TD3
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.noise import NormalActionNoise

from algorithms.base import JobContext, NonFiniteLossError, Stopped, Summary
from algorithms.control_data.references import known_reference
from algorithms.control_data.references import record as reference_record
from algorithms.control_data.replay import save_replay
from algorithms.control_data.transitions import Transitions
from algorithms.control_specs import TrainBehaviourSpec
from algorithms.controllers.files import write_policy
from algorithms.controllers.imported import PlainActor, actor_weights, save_stage
from algorithms.environments.registry import action_bounds, make_environment
from algorithms.training.control_episodes import tuning_returns
from algorithms.training.device import configure_process

HISTORY_FILE = "history.json"
EXPLORATION = 0.1
"""Deviation of TD3's exploration noise, actions in [-1, 1]."""


class _Stages(BaseCallback):
    """Keeps a policy at every stage, measures it, and obeys the reporter."""

    def __init__(
        self, spec: TrainBehaviourSpec, context: JobContext, record: dict[str, Any]
    ) -> None:
        super().__init__()
        self._spec = spec
        self._context = context
        self._record = record
        self._every = math.ceil(spec.steps / spec.stages)
        self._started = time.perf_counter()
        self.history: list[dict[str, Any]] = []

    def _on_step(self) -> bool:
        reporter = self._context.reporter
        if self.num_timesteps % 100 == 0:
            reporter.progress(self.num_timesteps, self._spec.steps, "environment steps")
        if reporter.should_stop():
            raise Stopped(f"Stopped after {self.num_timesteps:,} environment steps.")
        if self.num_timesteps % self._every == 0 and self.num_timesteps < self._spec.steps:
            self.keep(f"step-{self.num_timesteps}")
        return True

    def keep(self, name: str) -> None:
        """Write the policy as it stands under a name, with its measured return."""
        state = {key: value.cpu() for key, value in self.model.policy.state_dict().items()}
        weights, about = actor_weights(state, name)
        if not all(bool(torch.isfinite(value).all()) for value in weights.values()):
            raise NonFiniteLossError(self.num_timesteps, "weights of the behaviour policy")
        save_stage(self._context.output, name, weights)
        actor = PlainActor(weights, self._record | about, stochastic=False)
        episodes = self._spec.evaluate_episodes
        returns = tuning_returns(actor, self._spec.environment, episodes)
        mean = float(np.mean(returns))
        self.history.append({"stage": name, "step": self.num_timesteps, "return_mean": mean})
        self._record |= about | {"stages": [each["stage"] for each in self.history]}
        self._context.reporter.message(f"Stage {name}: mean return {mean:.4g}.")
        self._context.reporter.log(
            self.num_timesteps,
            {"behaviour_return": mean},
            samples=self.num_timesteps,
            tokens=0,
            seconds=time.perf_counter() - self._started,
        )


def run(spec: TrainBehaviourSpec, context: JobContext) -> Summary:
    """Write `policy.json`, the weights of every stage and `history.json`.

    Raises:
        UserError: the environment does not load.
        Stopped: the reporter asked for it; the training begins again.
    """
    configure_process(spec.seed)
    # Its kernels are not all deterministic on every device, and a data set has provenance anyway.
    torch.use_deterministic_algorithms(False)
    low, high = action_bounds(spec.environment)
    record: dict[str, Any] = {
        "environment": spec.environment,
        "reference": reference_record(known_reference(spec.environment)),
        "low": low.tolist(),
        "high": high.tolist(),
        "trained": spec.model_dump(mode="json"),
    }
    environment = make_environment(spec.environment)
    started = time.perf_counter()
    stages = _Stages(spec, context, record)
    model = _model(spec, environment, len(low))
    model.learn(spec.steps, callback=stages)
    stages.keep("final")
    environment.close()
    if spec.keep_replay:
        steps = {each["stage"]: each["step"] for each in stages.history}
        met = _met(model, spec.environment)
        save_replay(context.output, met, steps, model.num_timesteps - len(met))
    write_policy(context.output, record)
    text = json.dumps({"stages": stages.history}, indent=1)
    (context.output / HISTORY_FILE).write_text(text, encoding="utf-8")
    return {
        "environment": spec.environment,
        "stages": ", ".join(each["stage"] for each in stages.history),
        "return_mean": stages.history[-1]["return_mean"],
        "best_return_mean": max(each["return_mean"] for each in stages.history),
        "seconds": time.perf_counter() - started,
        "steps": spec.steps,
    }


def _met(model: SAC | TD3, environment: str) -> Transitions:
    """Return what the training met and still remembers, in its order."""
    buffer = model.replay_buffer
    assert isinstance(buffer, ReplayBuffer)  # SB3 makes it before the first step
    rows = np.arange(buffer.size()) + (buffer.pos if buffer.full else 0)
    rows %= buffer.buffer_size
    done = buffer.dones[rows, 0].astype(bool)
    truncated = buffer.timeouts[rows, 0].astype(bool) & done
    actions = model.policy.unscale_action(buffer.actions[rows, 0])
    return Transitions(
        observations=buffer.observations[rows, 0].astype(np.float32),
        actions=actions.astype(np.float32),
        rewards=buffer.rewards[rows, 0].astype(np.float32),
        next_observations=buffer.next_observations[rows, 0].astype(np.float32),
        terminated=done & ~truncated,
        truncated=truncated,
        metadata={"environment": environment},
    )


def _model(
    spec: TrainBehaviourSpec, environment: gymnasium.Env[Any, Any], action_size: int
) -> SAC | TD3:
    """Return the untrained learner of Stable-Baselines3, on the CPU: its networks are small."""
    shared: dict[str, Any] = {
        "learning_rate": spec.learning_rate,
        "policy_kwargs": {"net_arch": [spec.hidden_size, spec.hidden_size]},
        "seed": spec.seed,
        "device": "cpu",
        "learning_starts": min(1000, spec.steps // 10),
    }
    if spec.algorithm == "sac":
        return SAC("MlpPolicy", environment, **shared)
    noise = NormalActionNoise(np.zeros(action_size), np.full(action_size, EXPLORATION))
    return TD3("MlpPolicy", environment, action_noise=noise, **shared)
