"""One episode at a time, with pictures of it."""

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from algorithms.base import UserError
from algorithms.environments.drawings import DRAWINGS, Drawing, Picture
from algorithms.environments.episodes import Moved
from algorithms.environments.registry import make_environment
from algorithms.environments.table import known_environment

GL_VARIABLE = "MUJOCO_GL"
WITHOUT_DISPLAY = "egl"
_USUAL_PICTURES_PER_S = 20


@contextmanager
def _without_display() -> Iterator[None]:
    """Let MuJoCo draw without a display, by what its user has set or by EGL."""
    before = os.environ.get(GL_VARIABLE)
    os.environ[GL_VARIABLE] = before or WITHOUT_DISPLAY
    try:
        yield
    finally:
        if before is None:
            del os.environ[GL_VARIABLE]


class FilmedEpisode:
    """`Episodes` of one episode at a time that keeps a picture of every `stride`-th step."""

    def __init__(self, name: str, *, size: int, pictures: int) -> None:
        """Make the environment.

        Args:
            size: Width and height of a picture, in pixels.
            pictures: Most that are kept of an episode, its first and last included.

        Raises:
            UserError: this machine cannot draw it, or there is no such environment.
        """
        self.pictures: list[Picture] = []
        self._name = name
        self._step = 0
        self._drawing: Drawing | None = DRAWINGS[name](size) if name in DRAWINGS else None
        self._environment = self._made(size)
        spec = self._environment.spec
        self.horizon = (spec and spec.max_episode_steps) or known_environment(name).horizon
        self.stride = max(1, math.ceil(self.horizon / (pictures - 1)))

    def _made(self, size: int) -> gymnasium.Env[Any, Any]:
        if self._drawing is not None:
            return make_environment(self._name)
        try:
            with _without_display():
                found = make_environment(
                    self._name, render_mode="rgb_array", width=size, height=size
                )
                found.reset(seed=0)
                found.render()
        except Exception as error:
            # MuJoCo, PyOpenGL and GLFW have an exception of their own each, and do not import
            # at all where a library is missing.
            raise UserError(
                f"This machine cannot draw {self._name} without a display: {error}. On the "
                "worker, install the libraries of EGL (on Debian: libegl1 and libgl1-mesa-dri), "
                f"or those of OSMesa (libosmesa6) and set {GL_VARIABLE}=osmesa."
            ) from error
        return found

    @property
    def pictures_per_s(self) -> float:
        """How fast steps follow each other in real time, divided by the stride."""
        if self._drawing is not None:
            return self._drawing.pictures_per_s / self.stride
        told = self._environment.metadata.get("render_fps", _USUAL_PICTURES_PER_S)
        return float(told) / self.stride

    def reset(self, seeds: list[int]) -> NDArray[np.float32]:
        """Begin the episode of the only seed; return its first observation [1, O]."""
        (seed,) = seeds
        first = np.asarray(self._environment.reset(seed=seed)[0], np.float32)
        self._step, self.pictures = 0, []
        if self._drawing is not None:
            self._drawing.begin()
        self._see(first, keep=True)
        return first[None]

    def step(self, actions: NDArray[np.float32]) -> Moved:
        """Move."""
        observation, reward, terminated, truncated, told = self._environment.step(actions[0])
        self._step += 1
        seen = np.asarray(observation, np.float32)
        ends = bool(terminated or truncated)
        self._see(seen, keep=ends or self._step % self.stride == 0)
        return Moved(
            seen[None],
            np.array([reward], np.float64),
            np.array([terminated], bool),
            np.array([truncated], bool),
            np.array([bool(told.get("danger", False))]),
        )

    def _see(self, observation: NDArray[np.float32], *, keep: bool) -> None:
        """Keep a picture; a drawing sees every step, since it may draw a path."""
        if self._drawing is not None:
            picture = self._drawing.draw(observation)
            if keep:
                self.pictures.append(picture)
        elif keep:
            rendered: Any = self._environment.render()
            self.pictures.append(np.asarray(rendered, np.uint8))

    def keep(self, left: NDArray[np.bool_]) -> None:
        """Need nothing: there is one episode."""

    def close(self) -> None:
        """Release the simulator."""
        self._environment.close()
