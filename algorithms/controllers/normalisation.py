"""How observations were normalised before a policy of Stable-Baselines3 saw them.

`VecNormalize.save` writes a pickle. A pickle can name any function, so this reader knows a short
list of names and calls none but numpy's for plain numbers; all other names end the reading.
"""

import codecs
import io
import pickle  # noqa: TID251 - the restricted reader below is built on it
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algorithms.base import UserError

FILE_SIZE_MAX = 64 * 1024**2
_KINDS = "biuf"
"""Of numpy types that are admitted: plain numbers."""


class _Inert:
    """Stands for an object of Stable-Baselines3 or Gymnasium: its attributes, no behaviour."""

    state: Mapping[str, Any] = {}

    def __init__(self, *_: Any) -> None:
        """Take whatever the object was made of, and forget it."""

    def __setstate__(self, state: Any) -> None:
        self.state = state if isinstance(state, dict) else {}


def _empty_array(_: type, shape: tuple[int, ...], __: bytes) -> NDArray[Any]:
    """Return what numpy begins an array with; its content follows in the file."""
    if tuple(shape) != (0,):
        raise pickle.UnpicklingError("an array that does not begin empty")
    return np.zeros(0)


def _dtype(name: Any, *_: Any) -> np.dtype[Any]:
    found = np.dtype(str(name))
    if found.kind not in _KINDS:
        raise pickle.UnpicklingError(f"values of the type {found}")
    return found


def _scalar(dtype: np.dtype[Any], content: bytes) -> Any:
    return np.frombuffer(content, dtype=dtype, count=1)[0]


def _bytes(text: str, encoding: str) -> bytes:
    return codecs.encode(text, encoding) if encoding == "latin1" else b""


def _buffer(
    content: bytes | bytearray, dtype: np.dtype[Any], shape: tuple[int, ...], _order: str
) -> NDArray[Any]:
    return np.frombuffer(content, dtype=dtype).reshape(shape)


_ARRAYS = ("numpy.core.multiarray", "numpy._core.multiarray")
_DUMB = ("gymnasium.spaces.", "gym.spaces.", "numpy.random.")
"""Modules whose objects a file may have beside the moments; none of them is made."""
KNOWN: Mapping[tuple[str, str], Any] = {
    ("stable_baselines3.common.vec_env.vec_normalize", "VecNormalize"): _Inert,
    ("stable_baselines3.common.running_mean_std", "RunningMeanStd"): _Inert,
    **{(module, "_reconstruct"): _empty_array for module in _ARRAYS},
    **{(module, "scalar"): _scalar for module in _ARRAYS},
    ("numpy.core.numeric", "_frombuffer"): _buffer,
    ("numpy._core.numeric", "_frombuffer"): _buffer,
    ("numpy", "ndarray"): _Inert,
    ("numpy", "dtype"): _dtype,
    ("_codecs", "encode"): _bytes,
}
"""Names that a file may have, and what stands for them here."""


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if module.startswith(_DUMB):
            return _Inert
        if (module, name) not in KNOWN:
            raise pickle.UnpicklingError(f"the name {module}.{name}")
        return KNOWN[module, name]


@dataclass(frozen=True)
class Normalisation:
    """Shift, scale and clip of observations, as `VecNormalize` does in evaluation."""

    mean: NDArray[np.float64]
    """[O]."""
    variance: NDArray[np.float64]
    """[O]."""
    epsilon: float
    clip: float

    def __call__(self, observations: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return clip((o - mean) / sqrt(variance + epsilon))."""
        scaled = (observations - self.mean) / np.sqrt(self.variance + self.epsilon)
        return np.clip(scaled, -self.clip, self.clip).astype(np.float32)

    def record(self) -> dict[str, Any]:
        """Return it as JSON."""
        arrays = {"mean": self.mean.tolist(), "variance": self.variance.tolist()}
        return {**arrays, "epsilon": self.epsilon, "clip": self.clip}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Normalisation":
        """Return what `record` wrote."""
        mean, variance = (np.array(record[name], np.float64) for name in ("mean", "variance"))
        return cls(mean, variance, float(record["epsilon"]), float(record["clip"]))


def read_vecnormalize(path: Path, observation_size: int) -> Normalisation | None:
    """Return how a `vecnormalize.pkl` normalises observations; None where it leaves them alone.

    Raises:
        UserError: it is no such file, carries anything but numbers, or is of another environment.
    """
    if path.stat().st_size > FILE_SIZE_MAX:
        raise UserError(f"{path.name} is larger than 64 MiB: it is no vecnormalize.pkl.")
    try:
        found = _Reader(io.BytesIO(path.read_bytes())).load()
        if isinstance(found, _Inert) and found.state.get("norm_obs") is False:
            return None
        if not isinstance(found, _Inert) or not isinstance(found.state.get("obs_rms"), _Inert):
            raise UserError(f"{path.name} holds no running mean of observations.")
        state, moments = found.state, found.state["obs_rms"].state
        mean, variance = (np.asarray(moments[name], np.float64) for name in ("mean", "var"))
        epsilon, clip = float(state["epsilon"]), float(state["clip_obs"])
    except pickle.UnpicklingError as error:
        raise UserError(
            f"{path.name} holds {error}, which is not part of VecNormalize. Such a file can run "
            "code when it is opened and is refused."
        ) from error
    except (ArithmeticError, AttributeError, EOFError, LookupError, TypeError, ValueError) as error:
        raise UserError(
            f"{path.name} cannot be read as a vecnormalize.pkl: {error}. Give the file that "
            "VecNormalize.save() writes."
        ) from error
    if mean.shape != (observation_size,) or variance.shape != mean.shape:
        raise UserError(
            f"{path.name} normalises observations of shape {mean.shape}, and the environment's "
            f"have {observation_size} numbers."
        )
    if not (np.isfinite(mean).all() and (variance >= 0).all() and epsilon > 0 and clip > 0):
        raise UserError(f"{path.name} holds moments that no data have.")
    return Normalisation(mean, variance, epsilon, clip)
