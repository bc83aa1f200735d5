"""A `train_behaviour` job: SAC or TD3 learns online; stages of its skill are kept."""

import json
import math
import shutil
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
from algorithms.training import control_checkpoint
from algorithms.training.behaviour_checkpoint import OnlineLearner
from algorithms.training.control_checkpoint import Position
from algorithms.training.control_episodes import tuning_returns
from algorithms.training.device import configure_process

HISTORY_FILE = "history.json"
STAGES = "stages"
"""Folder beside the checkpoints: the policies kept so far."""
EXPLORATION = 0.1
"""Deviation of TD3's exploration noise, actions in [-1, 1]."""
CHECKPOINT_EVERY = 10_000
"""Environment steps; longer trainings write at most CHECKPOINTS, whose replay buffers are large."""
CHECKPOINTS = 20


class _Stages(BaseCallback):
    """Keeps a policy at every stage, measures it, writes checkpoints, and obeys the reporter."""

    def __init__(
        self, spec: TrainBehaviourSpec, context: JobContext, record: dict[str, Any]
    ) -> None:
        super().__init__()
        self._spec = spec
        self._context = context
        self._record = record
        self._every = math.ceil(spec.steps / spec.stages)
        self._checkpoint_every = max(CHECKPOINT_EVERY, math.ceil(spec.steps / CHECKPOINTS))
        self._episodes = 0
        self._started = time.perf_counter()
        self.position = Position()

    def restore(self, learner: OnlineLearner) -> None:
        """Go on from the newest checkpoint, if there is one."""
        found = control_checkpoint.restore(self._context.checkpoints, learner)
        if found is None:
            return
        self.position = found
        self._started -= found.seconds
        self._episodes = learner.model._episode_num  # noqa: SLF001 - it has no public name
        learner.begin_anew(self._spec.seed)
        self._context.reporter.message(f"Resumed from the checkpoint of step {found.step:,}.")

    @property
    def history(self) -> list[dict[str, Any]]:
        """Name, step and measured return of every stage so far."""
        return self.position.evaluations

    @property
    def seconds(self) -> float:
        """Time spent, also by the attempts before."""
        return time.perf_counter() - self._started

    def _on_rollout_start(self) -> None:
        model = self.model
        assert isinstance(model, SAC | TD3)
        step, episodes = model.num_timesteps, model._episode_num  # noqa: SLF001
        ended, self._episodes = episodes > self._episodes, episodes
        if ended and step // self._checkpoint_every > self.position.step // self._checkpoint_every:
            learner = OnlineLearner(model)
            self.position.step, self.position.seconds = step, self.seconds
            control_checkpoint.save(self._context.checkpoints, learner, self.position)
            learner.begin_anew(self._spec.seed)

    def _on_step(self) -> bool:
        reporter = self._context.reporter
        if self.num_timesteps % 100 == 0:
            reporter.progress(self.num_timesteps, self._spec.steps, "environment steps")
        if reporter.should_stop():
            raise Stopped(
                f"Stopped after {self.num_timesteps:,} environment steps; it goes on from "
                f"step {self.position.step:,}."
            )
        if self.num_timesteps % self._every == 0 and self.num_timesteps < self._spec.steps:
            self.keep(f"step-{self.num_timesteps}")
        return True

    def keep(self, name: str) -> None:
        """Write the policy as it stands under a name, with its measured return."""
        state = {key: value.cpu() for key, value in self.model.policy.state_dict().items()}
        weights, about = actor_weights(state, name)
        if not all(bool(torch.isfinite(value).all()) for value in weights.values()):
            raise NonFiniteLossError(self.num_timesteps, "weights of the behaviour policy")
        stages = self._context.checkpoints / STAGES
        stages.mkdir(exist_ok=True)
        save_stage(stages, name, weights)
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
            seconds=self.seconds,
        )


def run(spec: TrainBehaviourSpec, context: JobContext) -> Summary:
    """Write `policy.json`, the weights of every stage and `history.json`.

    Raises:
        UserError: the environment does not load.
        Stopped: the reporter asked for it; the training goes on from its newest checkpoint.
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
    stages = _Stages(spec, context, record)
    model = _model(spec, environment, len(low))
    stages.restore(OnlineLearner(model))
    done = model.num_timesteps
    model.learn(spec.steps - done, callback=stages, reset_num_timesteps=done == 0)
    stages.keep("final")
    environment.close()
    shutil.copytree(context.checkpoints / STAGES, context.output, dirs_exist_ok=True)
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
        "seconds": stages.seconds,
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
