"""How CDSA's networks are trained: held-out episodes, the loop, figures by noise level."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from algorithms.base import JobContext
from algorithms.control_base import Learnable, Spaces, TransitionBatch
from algorithms.control_data.scaling import Scaling
from algorithms.control_data.transitions import Transitions
from algorithms.control_models.levels import denoising_losses
from algorithms.control_models.score import ScoreModel
from algorithms.control_specs import ModelSettings
from algorithms.training.control import ControlTrainer, Plan
from algorithms.training.control_checkpoint import Position
from algorithms.training.control_data import BatchStream, ResidentData
from algorithms.training.seeds import stream

HELD_OUT_ROWS = 4096
"""Held-out figures are of at most this many rows."""


@dataclass(frozen=True)
class ModelData:
    """Data that networks learn from, and those they are judged on."""

    learned: ResidentData
    judged: ResidentData | None
    """None where nothing is kept out, or there is one episode only."""
    scaling: Scaling
    spaces: Spaces


def split_data(
    given: Transitions, settings: ModelSettings, seed: int, device: torch.device
) -> ModelData:
    """Return scaled data with whole episodes kept out; constant dimensions are left out."""
    scaling = Scaling.of(given, drop_constant=True)
    count = len(given.ends)
    kept_out = round(settings.held_out * count)
    order = stream("held-out episodes", seed).permutation(count)
    chosen = np.sort(order[kept_out:])
    learned = given.episodes(chosen) if kept_out else given
    data = ResidentData.of(learned, scaling, device)
    judged = None
    if 0 < kept_out < count:
        rest = given.episodes(np.sort(order[:kept_out]))
        rows = np.arange(len(rest)) < HELD_OUT_ROWS
        judged = ResidentData.of(rest.rows(rows), scaling, device)
    spaces = Spaces(data.observation_size, data.action_size, (seed,), device)
    return ModelData(data, judged, scaling, spaces)


def fit(
    model: Learnable, data: ModelData, settings: ModelSettings, context: JobContext
) -> Position:
    """Train a network to the end; see `ControlTrainer.run` for what it raises."""
    batches = BatchStream(
        data.learned,
        data.spaces,
        settings.batch_size,
        model.normals,
        model.uniforms,
        settings.steps,
    )
    plan = Plan(log_every=settings.log_every, checkpoint_every=settings.checkpoint_every)
    trainer = ControlTrainer(
        model, batches, plan, reporter=context.reporter, checkpoints=context.checkpoints
    )
    return trainer.run()


def whole_batch(data: ResidentData, normals: Tensor, uniforms: Tensor) -> TransitionBatch:
    """Return all rows as one batch."""
    return data.batch(data.packed[None], normals, uniforms)


@torch.no_grad()
def losses_by_level(model: ScoreModel, data: ResidentData) -> list[float]:
    """Return the mean denoising loss at each noise level, on all rows with fixed noise."""
    generator = torch.Generator().manual_seed(0)
    shape = (1, len(data), model.size)
    noise = torch.randn(shape, generator=generator).to(data.packed.device)
    batch = whole_batch(data, noise, torch.zeros(1, len(data), 1, device=noise.device))
    rows = model.rows(batch)
    found = []
    for level in model.predictor.levels:
        levels = level.expand(1, len(data))
        predicted = model.predicted_noise(rows + level * noise, levels)
        found.append(float(denoising_losses(predicted, noise).mean()))
    return found
