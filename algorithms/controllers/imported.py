"""Policies of others as plain actors: perceptrons of Stable-Baselines3."""

import io
import json
import pickle  # noqa: TID251 - its error class only; nothing is unpickled with it
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor

from algorithms.base import UserError
from algorithms.controllers.base import bounded
from algorithms.controllers.normalisation import Normalisation
from algorithms.training.seeds import stream

LOG_STD_MIN, LOG_STD_MAX = -20.0, 2.0
GSDE_MEAN_LIMIT = 2.0
"""Where SB3 cuts the mean of policies with state-dependent exploration, before tanh."""
WEIGHTS_SIZE_MAX = 512 * 1024**2
"""A policy file unpacks to no more than this many bytes."""

_ACTIVATIONS = {"relu": torch.relu, "tanh": torch.tanh}


class PlainActor:
    """A perceptron with a mean and perhaps a deviation, squashed by tanh or cut at the bounds."""

    def __init__(
        self, weights: Mapping[str, Tensor], record: Mapping[str, Any], *, stochastic: bool
    ) -> None:
        self._weights = dict(weights)
        self._layers = int(record["layers"])
        self._activation = _ACTIVATIONS[record["activation"]]
        self._squashed = bool(record["squashed"])
        self._mean_limit: float | None = record.get("mean_limit")
        self._stochastic = stochastic
        self.low = np.array(record["low"], np.float32)
        self.high = np.array(record["high"], np.float32)
        self._randoms: list[np.random.Generator] = []
        stored = record.get("normalisation")
        self._normalise = Normalisation.from_record(stored) if stored else None

    @classmethod
    def load(
        cls, folder: Path, record: Mapping[str, Any], checkpoint: str, *, stochastic: bool
    ) -> "PlainActor":
        """Return the actor of one of the folder's stages.

        Raises:
            UserError: there is no such stage.
        """
        stages: list[str] = record["stages"]
        name = checkpoint or stages[-1]
        if name not in stages:
            raise UserError(
                f"The behaviour policy has no stage {name!r}; it has: {', '.join(stages)}."
            )
        return cls(load_file(folder / f"{name}.safetensors"), record, stochastic=stochastic)

    def start(self, seeds: Sequence[int], _horizon: int) -> None:
        """Begin a random stream per episode, where actions are drawn."""
        if self._stochastic:
            self._randoms = [stream("actor", seed) for seed in seeds]

    @torch.no_grad()
    def act(
        self, observations: NDArray[np.float32], episodes: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Return the mean actions, or drawn ones, in the environment's units."""
        seen = self._normalise(observations) if self._normalise else observations
        hidden = torch.from_numpy(seen)
        for layer in range(self._layers):
            hidden = self._activation(self._linear(f"hidden.{layer}", hidden))
        actions = self._linear("mean", hidden)
        if self._mean_limit is not None:
            actions = actions.clamp(-self._mean_limit, self._mean_limit)
        if self._stochastic:
            actions = actions + self._log_std(hidden).exp() * self._noise(episodes)
        if not self._squashed:
            return bounded(actions.numpy(), self)
        half, middle = (self.high - self.low) / 2, (self.high + self.low) / 2
        return bounded(torch.tanh(actions).numpy() * half + middle, self)

    def _linear(self, name: str, inputs: Tensor) -> Tensor:
        return torch.nn.functional.linear(
            inputs, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        )

    def _log_std(self, hidden: Tensor) -> Tensor:
        if "log_std" in self._weights:
            return self._weights["log_std"]
        if "log_std.weight" not in self._weights:
            return torch.full((len(self.low),), -torch.inf)
        return self._linear("log_std", hidden).clamp(LOG_STD_MIN, LOG_STD_MAX)

    def _noise(self, episodes: NDArray[np.int64]) -> Tensor:
        size = len(self.low)
        drawn = [self._randoms[each].standard_normal(size, np.float32) for each in episodes]
        return torch.from_numpy(np.stack(drawn))


def read_sb3_zip(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the actor of a Stable-Baselines3 file of SAC, TQC, TD3, DDPG, PPO or A2C.

    Only tensors are read (`weights_only`); the pickled objects of the file are never opened.

    Raises:
        UserError: it is no such file, is too large, or carries code.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo("policy.pth").file_size > WEIGHTS_SIZE_MAX:
                raise UserError(f"The weights in {path.name} are larger than 512 MiB.")
            raw = archive.read("policy.pth")
            data = json.loads(archive.read("data")) if "data" in archive.namelist() else {}
        state = torch.load(io.BytesIO(raw), map_location="cpu", weights_only=True)  # noqa: TID251
    except (OSError, KeyError, ValueError, RuntimeError, zipfile.BadZipFile, EOFError) as error:
        raise UserError(
            f"{path.name} is not a policy of Stable-Baselines3: {str(error).splitlines()[0]}. "
            "Give the .zip file that model.save() writes."
        ) from error
    except pickle.UnpicklingError as error:
        raise UserError(
            f"{path.name} carries objects that are not tensors. Such a file can run code when it "
            "is opened and is refused."
        ) from error
    return actor_weights(state, path.name, tanh=_tanh_activation(data))


def _tanh_activation(data: Mapping[str, Any]) -> bool | None:
    """Return what the file's readable part says of the activation, None where it is silent."""
    text = json.dumps(data.get("policy_kwargs", {}))
    if "activation_fn" not in text:
        return None
    return "Tanh" in text


def actor_weights(
    state: Mapping[str, Tensor], name: str, *, tanh: bool | None = None
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return an SB3 actor's weights under our names, and what `policy.json` says of them.

    Args:
        tanh: Whether hidden layers have tanh; None takes what the algorithm has by default.

    Raises:
        UserError: the weights are of no actor that we know.
    """
    if not isinstance(state, Mapping) or not all(isinstance(v, Tensor) for v in state.values()):
        raise UserError(f"{name} holds no weights of a policy.")
    latent = "actor.latent_pi.0.weight" in state
    if latent:
        plain = "actor.mu.weight" in state
        weights = _hidden(state, "actor.latent_pi")
        weights |= _head(state, "actor.mu" if plain else "actor.mu.0", "mean")
        # State-dependent exploration (gSDE) keeps no deviation per action: it acts by its mean.
        weights |= _head(state, "actor.log_std", "log_std") if plain else {}
        squashed, activation = True, "tanh" if tanh else "relu"
    elif "actor.mu.0.weight" in state:
        found = _hidden(state, "actor.mu")
        last = max(int(key.split(".")[1]) for key in found)
        weights = {key.replace(f"hidden.{last}", "mean"): value for key, value in found.items()}
        squashed, activation = True, "tanh" if tanh else "relu"
    elif "action_net.weight" in state:
        weights = _hidden(state, "mlp_extractor.policy_net") | _head(state, "action_net", "mean")
        if "log_std" in state:
            weights["log_std"] = state["log_std"]
        squashed, activation = False, "relu" if tanh is False else "tanh"
    else:
        raise UserError(
            f"{name} holds no actor for continuous actions that this laboratory knows (SAC, TQC, "
            "TD3, DDPG, PPO, A2C with perceptrons)."
        )
    weights = {key: value.float().contiguous() for key, value in weights.items()}
    layers = sum(key.startswith("hidden.") and key.endswith("weight") for key in weights)
    record = {
        "kind": "plain",
        "layers": layers,
        "activation": activation,
        "squashed": squashed,
        "mean_limit": None if "actor.mu.0.weight" not in state or not latent else GSDE_MEAN_LIMIT,
        "observation_size": weights["hidden.0.weight"].shape[1],
        "action_size": weights["mean.weight"].shape[0],
        "stages": ["final"],
    }
    return weights, record


def _hidden(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    numbers = sorted(
        int(key.removeprefix(f"{prefix}.").split(".")[0])
        for key in state
        if key.startswith(f"{prefix}.") and key.endswith(".weight")
    )
    return {
        f"hidden.{place}.{part}": state[f"{prefix}.{number}.{part}"]
        for place, number in enumerate(numbers)
        for part in ("weight", "bias")
    }


def _head(state: Mapping[str, Tensor], prefix: str, name: str) -> dict[str, Tensor]:
    keys = {f"{name}.{part}": f"{prefix}.{part}" for part in ("weight", "bias")}
    if missing := [key for key in keys.values() if key not in state]:
        raise UserError(f"The policy lacks the weights {', '.join(missing)}: it is incomplete.")
    return {ours: state[theirs] for ours, theirs in keys.items()}


def save_stage(folder: Path, name: str, weights: Mapping[str, Tensor]) -> None:
    """Write the weights of one stage of a plain actor."""
    save_file(dict(weights), folder / f"{name}.safetensors")
