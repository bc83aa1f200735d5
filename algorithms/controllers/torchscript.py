"""Policies of others as TorchScript modules."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from algorithms.base import UserError
from algorithms.controllers.base import bounded


def load_script(path: Path) -> torch.jit.ScriptModule:
    """Return a TorchScript module, on the CPU.

    Raises:
        UserError: the file is none.
    """
    try:
        module: torch.jit.ScriptModule = torch.jit.load(  # type: ignore[no-untyped-call]
            str(path), map_location="cpu"
        )
    except (RuntimeError, ValueError, OSError) as error:
        raise UserError(
            f"{path.name} is not a TorchScript file: {str(error).splitlines()[0]}. Save it with "
            "torch.jit.script(policy).save(path)."
        ) from error
    return module


class ScriptModule:
    """A TorchScript module: observations [n, O] in, actions [n, A] out, in its units."""

    FILE = "policy.torchscript"

    def __init__(self, module: torch.jit.ScriptModule, record: Mapping[str, Any]) -> None:
        self._module = module
        self.low = np.array(record["low"], np.float32)
        self.high = np.array(record["high"], np.float32)

    @classmethod
    def load(cls, folder: Path, record: Mapping[str, Any]) -> "ScriptModule":
        """Return the module of a folder."""
        return cls(load_script(folder / cls.FILE), record)

    def start(self, _seeds: Sequence[int], _horizon: int) -> None:
        """Need nothing."""

    @torch.no_grad()
    def act(
        self, observations: NDArray[np.float32], _episodes: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Return the module's actions, within the bounds.

        Raises:
            UserError: it does not take the observations, or its answer has another shape.
        """
        try:
            actions = self._module(torch.from_numpy(observations))
        except RuntimeError as error:
            raise UserError(
                f"The TorchScript policy refuses observations of size {observations.shape[1]}: "
                f"{str(error).splitlines()[-1]}"
            ) from error
        if not isinstance(actions, Tensor) or actions.shape != (len(observations), len(self.low)):
            raise UserError(
                f"The TorchScript policy must give {len(self.low)} numbers per observation."
            )
        return bounded(actions.float().numpy(), self)
