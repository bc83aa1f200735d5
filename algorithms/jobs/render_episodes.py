"""A `render_episodes` job: pictures of a few episodes of an evaluation, before and after."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from algorithms.base import JobContext, Reporter, Stopped, Summary
from algorithms.control_derived_specs import RenderEpisodesSpec
from algorithms.control_specs import EvaluateControlSpec
from algorithms.controllers.assembly import assembled, environment_of
from algorithms.controllers.base import Controller
from algorithms.controllers.files import read_policy
from algorithms.environments.drawings import Picture
from algorithms.environments.episodes import Rollout, play
from algorithms.environments.filming import FilmedEpisode
from algorithms.evaluation.renderings import (
    RenderedEpisode,
    Renderings,
    side_by_side,
    write_renderings,
)
from algorithms.training.control_episodes import reset_seeds
from algorithms.training.device import configure_process

USUAL = 2
"""Episodes that are rendered where none is named."""
SHORTEST_MS, LONGEST_MS = 33, 100
"""How long a picture is shown: browsers play no faster than 30 a second reliably."""
QUALITY = 80
ENCODER_EFFORT = 2
"""Of WebP, 0 to 6: higher makes smaller files and takes longer."""


def run(spec: RenderEpisodesSpec, context: JobContext) -> Summary:
    """Write an animated WebP of each episode, the policy beside itself corrected.

    Raises:
        UserError: this machine cannot draw, or policy, networks and environment do not fit.
        Stopped: the reporter asked for it.
    """
    told = spec.evaluation
    configure_process(told.seed)
    environment = environment_of(told, read_policy(context.inputs["policy"]))
    sides = _sides(told, context)
    seeds = spec.reset_seeds or tuple(reset_seeds(told.purpose, told.seed, USUAL))
    film = FilmedEpisode(environment, size=spec.size, pictures=spec.pictures)
    shown_ms = int(np.clip(round(1000 / film.pictures_per_s), SHORTEST_MS, LONGEST_MS))
    camera = _Camera(film, context.reporter, len(seeds) * len(sides))
    try:
        episodes = []
        for number, seed in enumerate(seeds, start=1):
            taken = [camera.taken(side, seed) for side in sides]
            pictures = side_by_side([each[1] for each in taken])
            (last,) = side_by_side([each[1][-1:] for each in taken])
            episodes.append(
                RenderedEpisode(
                    reset_seed=seed,
                    file=_animated(context.output / f"episode-{number}.webp", pictures, shown_ms),
                    still=_still(context.output / f"still-{number}.webp", last),
                    returns=tuple(float(each[0].returns[0]) for each in taken),
                    lengths=tuple(int(each[0].lengths[0]) for each in taken),
                )
            )
    finally:
        film.close()
    speed = round(1000 / film.pictures_per_s / shown_ms, 3)
    found = Renderings(environment, spec.size, speed, tuple(episodes))
    write_renderings(context.output, found)
    return {
        "environment": environment,
        "episodes": len(episodes),
        "sides": len(sides),
        "speed": speed,
        "bytes": sum(path.stat().st_size for path in context.output.glob("*.webp")),
    }


def _sides(told: EvaluateControlSpec, context: JobContext) -> list[Controller]:
    """Return the policy as it is and, where the evaluation corrects it, corrected."""
    plain = told.model_copy(update={"correction": "", "correction_params": {}})
    alone = {"policy": context.inputs["policy"]}
    found: list[Controller] = [assembled(plain, alone)]
    if told.correction:
        found.append(assembled(told, context.inputs))
    return found


class _Camera:
    """Plays episodes one after the other and tells how far it is."""

    def __init__(self, film: FilmedEpisode, reporter: Reporter, episodes: int) -> None:
        self._film = film
        self._reporter = reporter
        self._most = episodes * film.horizon
        self._begun = 0

    def taken(self, controller: Controller, seed: int) -> tuple[Rollout, Sequence[Picture]]:
        """Return one episode and its pictures."""
        done = self._begun * self._film.horizon
        self._begun += 1

        def told(steps: int) -> None:
            if self._reporter.should_stop():
                raise Stopped(f"Stopped after {done + steps:,} steps.")
            self._reporter.progress(done + steps, self._most, "steps")

        controller.start([seed], self._film.horizon)
        played = play(self._film, [seed], controller.act, on_step=told)
        return played, self._film.pictures


def _animated(path: Path, pictures: Sequence[NDArray[np.uint8]], shown_ms: int) -> str:
    """Write an animation that begins again when it ends; return its name."""
    first, *others = map(Image.fromarray, pictures)
    first.save(
        path, save_all=True, append_images=others, duration=shown_ms, loop=0,
        quality=QUALITY, method=ENCODER_EFFORT,
    )  # fmt: skip
    return path.name


def _still(path: Path, picture: NDArray[np.uint8]) -> str:
    Image.fromarray(picture).save(path, quality=QUALITY, method=ENCODER_EFFORT)
    return path.name
