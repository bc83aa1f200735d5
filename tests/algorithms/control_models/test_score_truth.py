"""A score network is judged by the score of its data: the right one is perfect, a fresh one not."""

import pytest
import torch
from torch import Tensor
from typing_extensions import override

from algorithms.control_base import Spaces
from algorithms.control_data.scaling import Scaling
from algorithms.control_models.score import ScoreModel, ScoreParams
from algorithms.training import score_truth
from algorithms.training.control_data import ResidentData
from tests.algorithms.control.worlds import random_transitions

PARAMS = ScoreParams(levels=2, level_max=1.0, level_min=0.1, hidden_size=8, hidden_layers=1)


class Exact(ScoreModel):
    """Gives the score of its rows, written out as a sum over them."""

    data: Tensor

    @override
    def score(self, points: Tensor, level: float) -> Tensor:
        apart = self.data[None] - points[:, None]
        weights = torch.softmax(-(apart**2).sum(-1) / (2 * level**2), dim=1)
        return (weights[..., None] * apart).sum(1) / level**2


@pytest.fixture
def rows() -> ResidentData:
    """Return 400 scaled rows of 3 observation and 2 action dimensions."""
    given = random_transitions()
    return ResidentData.of(given, Scaling.of(given), torch.device("cpu"))


def test_the_score_of_the_data_themselves_has_no_error(rows: ResidentData) -> None:
    model = Exact(Spaces(3, 2), PARAMS)
    model.data = rows.packed[:, [0, 1, 2, 6, 7]]
    found = score_truth.compared(model, rows, rows)
    assert found["score_error"] == pytest.approx(0, abs=1e-4)
    assert found["score_error_fine"] == pytest.approx(0, abs=1e-3)
    assert found["score_cosine"] == pytest.approx(1, abs=1e-5)


def test_a_fresh_network_is_far_off(rows: ResidentData) -> None:
    found = score_truth.compared(ScoreModel(Spaces(3, 2), PARAMS), rows, rows)
    assert float(found["score_error"]) > 0.5
    assert float(found["score_cosine"]) < 0.9


def test_large_data_sets_are_not_compared(
    rows: ResidentData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(score_truth, "MOST_ROWS", 399)
    assert score_truth.compared(ScoreModel(Spaces(3, 2), PARAMS), rows, rows) == {}
