"""A score network beside the ground truth: the score of its data under the same noise."""

import torch
from torch import Tensor

from algorithms.base import Summary
from algorithms.control_models.empirical import empirical_score
from algorithms.control_models.score import ScoreModel
from algorithms.training.control_data import ResidentData
from algorithms.training.control_models import whole_batch

COARSE = 0.2
"""Levels from here on have data near every query; below, no network comes close (T14: relative
error 0.7 to 0.8 at 0.01)."""
QUERIES = 256
MOST_ROWS = 200_000
"""Larger data sets are not compared: every query looks at every row."""
_CHUNK = 32


@torch.no_grad()
def compared(model: ScoreModel, learned: ResidentData, judged: ResidentData) -> Summary:
    """Return errors against the data's own score, at noisy rows; nothing for large data sets.

    The truth is grad log q_sigma of the rows learned from, q_sigma their mean of Gaussians of
    deviation sigma (a kernel density estimate): what denoising score matching has as its optimum.
    """
    if len(learned) > MOST_ROWS:
        return {}
    rows, queries = _rows(model, learned), _rows(model, judged)
    generator = torch.Generator().manual_seed(0)
    chosen = torch.randint(len(queries), (QUERIES,), generator=generator).to(queries.device)
    noise = torch.randn((QUERIES, model.size), generator=generator).to(queries.device)
    coarse: list[float] = []
    fine: list[float] = []
    cosines: list[float] = []
    for level in model.predictor.levels.tolist():
        points = queries[chosen] + level * noise
        parts = points.split(_CHUNK)
        truth = torch.cat([empirical_score(rows, part, level) for part in parts])
        found = model.score(points, level)
        error = float((found - truth).norm() / truth.norm())
        (coarse if level >= COARSE else fine).append(error)
        if level >= COARSE:
            cosines.append(float(torch.cosine_similarity(found, truth, dim=-1).mean()))
    named = {"score_error": coarse, "score_cosine": cosines, "score_error_fine": fine}
    return {name: sum(one) / len(one) for name, one in named.items() if one}


def _rows(model: ScoreModel, data: ResidentData) -> Tensor:
    """Return the rows that the density is of, one each [N, D]."""
    nothing = torch.zeros(1, len(data), 1, device=data.packed.device)
    return model.rows(whole_batch(data, nothing, nothing))[0]
