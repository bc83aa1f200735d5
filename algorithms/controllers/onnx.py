"""Policies of others as ONNX graphs: a file format without code."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algorithms.base import UserError
from algorithms.controllers.base import bounded

INSTALL = "pip install onnxruntime"


def load_onnx(path: Path) -> Any:
    """Return an ONNX Runtime session of one thread on the CPU.

    Raises:
        UserError: the file is no ONNX graph, needs other files or operators, or has not one input.
    """
    try:
        import onnxruntime  # noqa: PLC0415 - 80 MB of libraries that only these policies need
    except ImportError as error:
        raise UserError(f"This worker cannot run ONNX files: {INSTALL} there.") from error
    options = onnxruntime.SessionOptions()
    # One thread: the networks are small, and results must not depend on the machine's cores.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        # From bytes, so that no weights are read from paths that the file names.
        session = onnxruntime.InferenceSession(
            path.read_bytes(), options, providers=["CPUExecutionProvider"]
        )
    except _failures(onnxruntime) as error:
        raise UserError(
            f"{path.name} is not an ONNX policy that this worker can run: "
            f"{_first_line(error)}. Save it with torch.onnx.export, weights in the same file."
        ) from error
    if len(session.get_inputs()) != 1:
        names = ", ".join(each.name for each in session.get_inputs())
        raise UserError(f"{path.name} must take observations alone, and takes {names}.")
    return session


class OnnxModule:
    """An ONNX graph: observations [n, O] in, actions [n, A] in its units as first output."""

    FILE = "policy.onnx"

    def __init__(self, session: Any, record: Mapping[str, Any]) -> None:
        self._session = session
        entry = session.get_inputs()[0]
        self._input = entry.name
        self._failures = _failures(sys.modules["onnxruntime"])
        first = entry.shape[0] if entry.shape else None
        self._one_by_one = first == 1
        self.low = np.array(record["low"], np.float32)
        self.high = np.array(record["high"], np.float32)

    @classmethod
    def load(cls, folder: Path, record: Mapping[str, Any]) -> "OnnxModule":
        """Return the graph of a folder."""
        return cls(load_onnx(folder / cls.FILE), record)

    def start(self, _seeds: Sequence[int], _horizon: int) -> None:
        """Need nothing."""

    def act(
        self, observations: NDArray[np.float32], _episodes: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Return the graph's actions, within the bounds.

        Raises:
            UserError: it does not take the observations, or its answer has another shape.
        """
        parts = np.split(observations, len(observations)) if self._one_by_one else [observations]
        actions = np.concatenate([self._answer(part) for part in parts])
        if actions.shape != (len(observations), len(self.low)):
            raise UserError(
                f"The ONNX policy must give {len(self.low)} numbers per observation, and gave "
                f"{actions.shape} for {len(observations)}."
            )
        return bounded(actions, self)

    def _answer(self, observations: NDArray[np.float32]) -> NDArray[Any]:
        try:
            found = self._session.run(None, {self._input: observations})[0]
        except self._failures as error:
            raise UserError(
                f"The ONNX policy refuses observations of size {observations.shape[1]}: "
                f"{_first_line(error)}"
            ) from error
        return np.atleast_1d(np.asarray(found))


def _failures(runtime: ModuleType) -> tuple[type[Exception], ...]:
    """Return the errors of ONNX Runtime, which have no common class of their own."""
    known = runtime.capi.onnxruntime_pybind11_state
    return (
        known.Fail, known.InvalidGraph, known.InvalidProtobuf, known.NotImplemented,
        known.InvalidArgument, known.RuntimeException, known.NoSuchFile, known.EPFail,
    )  # fmt: skip


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0][:300] if lines else type(error).__name__
