"""The folder of a policy for control: `policy.json` says how to act, weights are safetensors."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from algorithms.base import CorruptArtifactError, UserError
from algorithms.catalogue import CONTROL_ALGORITHMS
from algorithms.control_base import Agent, Spaces
from algorithms.control_data.scaling import Scaling
from algorithms.controllers.base import Controller
from algorithms.controllers.entry_point import EntryPoint
from algorithms.controllers.imported import PlainActor
from algorithms.controllers.onnx import OnnxModule
from algorithms.controllers.scripted import scripted
from algorithms.controllers.torchscript import ScriptModule

POLICY_FILE = "policy.json"


class LearnedPolicy:
    """A policy of one of our algorithms, deterministic; of several side by side, the first."""

    def __init__(self, agent: Agent, scaling: Scaling, spaces: Spaces) -> None:
        self._agent = agent
        self._scaling = scaling
        self._spaces = spaces
        self.low, self.high = scaling.low, scaling.high

    def start(self, _seeds: Sequence[int], _horizon: int) -> None:
        """Need nothing."""

    def act(
        self, observations: NDArray[np.float32], _episodes: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Return the policy's actions, in the environment's units."""
        inputs = self._scaling.observations(observations).to(self._spaces.device)
        each = inputs.expand(len(self._spaces.seeds), *inputs.shape)
        return self._scaling.environment_actions(self._agent.act(each)[0])


def weights_file(seed: int) -> str:
    """Return the name of the weights of one of the seeds trained side by side."""
    return f"policy-{seed}.safetensors"


def member(state: Mapping[str, Tensor], place: int, count: int) -> dict[str, Tensor]:
    """Return the weights of one of `count` policies: tensors begin with them, once or twice."""
    found = {}
    for name, value in state.items():
        apart = value.view(-1, count, *value.shape[1:])
        found[name] = apart[:, place].contiguous()
    return found


def save_agent(
    folder: Path, agent: Agent, spaces: Spaces, *, scaling: Scaling, about: Mapping[str, Any]
) -> None:
    """Write the policies of all seeds of an agent.

    Args:
        about: JSON that `policy.json` has beside what acting needs: `algorithm` and its `params`.
    """
    state = {name: value.detach().cpu() for name, value in agent.state_dict().items()}
    for place, seed in enumerate(spaces.seeds):
        save_file(member(state, place, len(spaces.seeds)), folder / weights_file(seed))
    write_policy(
        folder,
        {
            "kind": "learned",
            "observation_size": spaces.observation_size,
            "action_size": spaces.action_size,
            "seeds": list(spaces.seeds),
            "scaling": scaling.record(),
            **about,
        },
    )


def write_policy(folder: Path, record: Mapping[str, Any]) -> None:
    """Write `policy.json`."""
    text = json.dumps(dict(record), indent=1, allow_nan=False)
    (folder / POLICY_FILE).write_text(text, encoding="utf-8")


def read_policy(folder: Path) -> dict[str, Any]:
    """Return `policy.json`.

    Raises:
        CorruptArtifactError: it is not there, or is no JSON.
    """
    try:
        record: dict[str, Any] = json.loads((folder / POLICY_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CorruptArtifactError(
            f"{folder.name} holds no policy for control: {error}. Choose another one."
        ) from error
    return record


def load_controller(
    folder: Path, *, seed: int | None = None, checkpoint: str = "", stochastic: bool = False
) -> Controller:
    """Return the policy of a folder, ready to act on the CPU.

    Args:
        seed: Which of several policies trained side by side; None takes the first.
        checkpoint: Which stage of a behaviour policy; empty takes the last.
        stochastic: Draw actions where the policy is a distribution.

    Raises:
        UserError: it has no such seed or stage, or its algorithm is not on this worker.
        CorruptArtifactError: a file is missing or damaged.
    """
    record = read_policy(folder)
    try:
        match record["kind"]:
            case "learned":
                return _learned(folder, record, seed)
            case "plain":
                return PlainActor.load(folder, record, checkpoint, stochastic=stochastic)
            case "torchscript":
                return ScriptModule.load(folder, record)
            case "onnx":
                return OnnxModule.load(folder, record)
            case "entry_point":
                return EntryPoint.load(record)
            case "scripted":
                return scripted(record["controller"], record["environment"])
    except (KeyError, OSError, SafetensorError, RuntimeError) as error:
        raise CorruptArtifactError(
            f"The policy in {folder.name} cannot be read: {error}. Compute it again."
        ) from error
    raise UserError(f"This version cannot read a policy of the kind {record['kind']!r}.")


def _learned(folder: Path, record: Mapping[str, Any], seed: int | None) -> LearnedPolicy:
    name = record["algorithm"]
    if name not in CONTROL_ALGORITHMS:
        raise UserError(
            f"The policy was trained by {name!r}, which is not on this worker. Install its plugin."
        )
    algorithm = CONTROL_ALGORITHMS[name]
    chosen = record["seeds"][0] if seed is None else seed
    if chosen not in record["seeds"]:
        raise UserError(
            f"The policy has the seeds {', '.join(map(str, record['seeds']))}, not {chosen}."
        )
    spaces = Spaces(record["observation_size"], record["action_size"], seeds=(chosen,))
    agent = algorithm.build(spaces, algorithm.params.model_validate(record["params"]))
    agent.load_state_dict(load_file(folder / weights_file(chosen)))
    return LearnedPolicy(agent, Scaling.from_record(record["scaling"]), spaces)
