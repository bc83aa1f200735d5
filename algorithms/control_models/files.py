"""The folders of score networks and dynamics models: JSON and safetensors."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from algorithms.base import CorruptArtifactError, UserError
from algorithms.control_base import Spaces
from algorithms.control_data.scaling import Scaling
from algorithms.control_models.dynamics import DynamicsModel, DynamicsParams
from algorithms.control_models.score import ScoreModel, ScoreParams

MODEL_FILE = "model.json"
WEIGHTS_FILE = "model.safetensors"

ModelKind = Literal["score", "dynamics"]


@dataclass(frozen=True)
class StoredScore:
    """A score network and the scaling it was trained with."""

    model: ScoreModel
    scaling: Scaling
    params: ScoreParams


@dataclass(frozen=True)
class StoredDynamics:
    """A dynamics model and the scaling it was trained with."""

    model: DynamicsModel
    scaling: Scaling
    params: DynamicsParams


def save_model(
    folder: Path,
    kind: ModelKind,
    model: nn.Module,
    *,
    spaces: Spaces,
    scaling: Scaling,
    about: Mapping[str, Any],
) -> None:
    """Write a model's folder.

    Args:
        about: JSON beside what loading needs: `params`, environment, held-out figures.
    """
    weights = {name: value.detach().cpu() for name, value in model.state_dict().items()}
    save_file(weights, folder / WEIGHTS_FILE)
    record = {
        "kind": kind,
        "observation_size": spaces.observation_size,
        "action_size": spaces.action_size,
        "scaling": scaling.record(),
        **about,
    }
    text = json.dumps(record, indent=1, allow_nan=False)
    (folder / MODEL_FILE).write_text(text, encoding="utf-8")


def load_score(folder: Path) -> StoredScore:
    """Return a score network, on the CPU.

    Raises:
        UserError: the folder holds another kind of model.
        CorruptArtifactError: a file is missing or damaged.
    """
    record = _record(folder, "score")
    try:
        params = ScoreParams.model_validate(record["params"])
        model = ScoreModel(_spaces(record), params)
        model.load_state_dict(load_file(folder / WEIGHTS_FILE))
        return StoredScore(model, Scaling.from_record(record["scaling"]), params)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise _damaged(folder, error) from error


def load_dynamics(folder: Path) -> StoredDynamics:
    """Return a dynamics model, on the CPU.

    Raises:
        UserError: the folder holds another kind of model.
        CorruptArtifactError: a file is missing or damaged.
    """
    record = _record(folder, "dynamics")
    try:
        params = DynamicsParams.model_validate(record["params"])
        model = DynamicsModel(_spaces(record), params)
        model.load_state_dict(load_file(folder / WEIGHTS_FILE))
        return StoredDynamics(model, Scaling.from_record(record["scaling"]), params)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise _damaged(folder, error) from error


def _record(folder: Path, kind: ModelKind) -> dict[str, Any]:
    try:
        record: dict[str, Any] = json.loads((folder / MODEL_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _damaged(folder, error) from error
    if record.get("kind") != kind:
        raise UserError(
            f"A {kind} model is needed, and {folder.name} holds one of the kind "
            f"{record.get('kind')!r}. Choose another."
        )
    return record


def _spaces(record: Mapping[str, Any]) -> Spaces:
    return Spaces(int(record["observation_size"]), int(record["action_size"]))


def _damaged(folder: Path, error: Exception) -> CorruptArtifactError:
    return CorruptArtifactError(f"The model in {folder.name} cannot be read: {error}.")
