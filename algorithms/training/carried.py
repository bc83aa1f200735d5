"""An optimizer's state beside a policy, so that a later training of it can carry on: safetensors.

The state belongs to the weights that it was made with: same model, same optimizer, no adapters
(a saved policy has them merged in, and the next training gets new ones).
"""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from algorithms.base import CorruptArtifactError, UserError
from algorithms.training.distributed import ALONE, Ranks
from algorithms.training.optimizers import optimizer_state, restore_optimizer
from algorithms.training.whole import collect

TENSORS_FILE = "optimizer.safetensors"
NUMBERS_FILE = "optimizer.json"


def write_optimizer(
    optimizer: torch.optim.Optimizer, folder: Path, *, ranks: Ranks = ALONE
) -> None:
    """Write the state of an optimizer into the folder of a trained policy.

    Args:
        ranks: the processes that hold the optimizer together; the first one writes.
    """
    spread, numbers = optimizer_state(optimizer)
    tensors = collect(spread, keep=ranks.is_first)
    if not ranks.is_first:
        return
    whole = {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}
    save_file(whole, folder / TENSORS_FILE)
    told = {"optimizer": type(optimizer).__name__, "numbers": numbers}
    (folder / NUMBERS_FILE).write_text(json.dumps(told), encoding="utf-8")


def read_optimizer(optimizer: torch.optim.Optimizer, folder: Path) -> None:
    """Give an optimizer the state that an earlier training left.

    Raises:
        UserError: the earlier training kept none, or that of another optimizer.
        CorruptArtifactError: a file cannot be read.
    """
    if not (folder / NUMBERS_FILE).is_file():
        raise UserError(
            "The training before kept no optimizer state, so there is nothing to carry on. "
            "Train it again with keep_optimizer, or start with a fresh optimizer."
        )
    try:
        told = json.loads((folder / NUMBERS_FILE).read_text(encoding="utf-8"))
        tensors = load_file(folder / TENSORS_FILE)
    except (OSError, ValueError, SafetensorError) as error:
        raise CorruptArtifactError(f"The optimizer state cannot be read: {error}") from error
    own = type(optimizer).__name__
    if told["optimizer"] != own:
        raise UserError(
            f"The training before used {told['optimizer']}, this one uses {own}: their states do "
            "not fit together. Choose the same optimizer, or a fresh one."
        )
    restore_optimizer(optimizer, tensors, told["numbers"])
