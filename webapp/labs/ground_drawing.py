"""The PointMass page as a picture that can be played, and as lines of its exports."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from django.urls import reverse
from django.utils.http import urlencode

from webapp.jobs.models import Job
from webapp.labs import sources
from webapp.labs.ground_page import Episode, GroundPage
from webapp.results.figures import ground_animation
from webapp.results.figures.ground_animation import GroundPicture, PlayedGroup, PlayedPath


def ground_figure(page: GroundPage) -> go.Figure:
    """Return the episodes over the danger zone, with a frame per step."""
    ground = page.ground
    if ground is None:
        return ground_animation.draw(GroundPicture((), (), None, None))
    groups = [
        PlayedGroup(name, [_path(page, job, one) for one in episodes])
        for name, job, episodes in page.shown
    ]
    picture = GroundPicture(groups, _goals(page), ground.danger, ground.sides, ground.walls)
    return ground_animation.draw(picture)


def _path(page: GroundPage, job: Job, episode: Episode) -> PlayedPath:
    assert page.ground is not None
    seen = episode.trajectory.observations
    links = [_link(page, job, episode.number, step) for step in range(len(seen))]
    name = f"episode {episode.number + 1}, return {episode.total:.4g}"
    places = seen[:, list(page.ground.place)].astype(np.float64)
    return PlayedPath(name, places, episode.trajectory.danger, links)


def _link(page: GroundPage, job: Job, episode: int, step: int) -> str:
    """Return the address that opens the correction of a step; empty without networks."""
    networks = next((one for one in (page.after, page.before) if one and _has_score(one)), None)
    if networks is None:
        return ""
    asked = {"by": networks.pk, "of": job.pk, "episode": episode, "step": step}
    return f"{reverse('labs:correct_step')}?{urlencode(asked)}"


def _has_score(job: Job) -> bool:
    return "score" in sources.inputs_of(job)


def _goals(page: GroundPage) -> list[tuple[float, float]]:
    ground = page.ground
    assert ground is not None
    if ground.goal is not None:
        return [ground.goal]
    dimensions = ground.goal_dimensions or ()
    ends = [pair.before.trajectory.observations[0, list(dimensions)] for pair in page.pairs]
    return sorted({(round(float(end[0]), 4), round(float(end[1]), 4)) for end in ends})


def step_lines(page: GroundPage) -> Iterator[Sequence[object]]:
    """Yield the head, then a line per step of each episode."""
    ground = page.ground
    if ground is None:
        return
    actions = page.pairs[0].before.trajectory.actions.shape[1] if page.pairs else 0
    yield (
        "job", "policy", "episode", "reset_seed", "step", "x", "y",
        *(f"a{at}" for at in range(actions)), "reward", "danger",
    )  # fmt: skip
    for name, job, episodes in page.shown:
        for one in episodes:
            seen = one.trajectory
            for step, place in enumerate(seen.observations[:, list(ground.place)]):
                yield (
                    job.pk, name, one.number, one.reset_seed, step, *map(float, place),
                    *map(float, seen.actions[step]), float(seen.rewards[step]),
                    bool(seen.danger[step]),
                )  # fmt: skip


def ground_json(page: GroundPage) -> dict[str, Any]:
    """Return the episodes, every step of them."""
    ground = page.ground
    if ground is None:
        return {"problems": page.problems.by_target}
    return {
        "method": "CDSA, reference design",
        "danger": vars(ground.danger) if ground.danger else None,
        "evaluations": [
            {
                "job": job.pk,
                "policy": name,
                "episodes": [
                    {
                        "episode": one.number,
                        "reset_seed": one.reset_seed,
                        "return": one.total,
                        "danger_steps": one.danger_steps,
                        "terminated": one.terminated,
                        "places": one.trajectory.observations[:, list(ground.place)].tolist(),
                        "actions": one.trajectory.actions.tolist(),
                    }
                    for one in episodes
                ],
            }
            for name, job, episodes in page.shown
        ],
        "problems": page.problems.by_target,
    }
