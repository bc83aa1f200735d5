"""What stands above the plots of a study."""

import pytest

from webapp.studies.figure_schema import FigureSpec
from webapp.studies.figures import captions, titles


def _figure(*panels: str) -> FigureSpec:
    return FigureSpec.model_validate(
        {
            "id": "accuracy",
            "title": "Accuracy over updates",
            "kind": "curves",
            "panels": [{"title": title, "of": "pass_at_1"} for title in panels],
        }
    )


@pytest.mark.parametrize(
    ("panels", "above", "alone"),
    [
        ([""], ["Accuracy over updates"], ["Accuracy over updates"]),
        (["Offline"], ["Accuracy over updates · Offline"], ["Accuracy over updates · Offline"]),
        (
            ["Offline", ""],
            ["Offline", "Pass@1"],
            ["Accuracy over updates · Offline", "Accuracy over updates · Pass@1"],
        ),
    ],
)
def test_a_plot_is_told_by_its_figure_and_its_panel(
    panels: list[str], above: list[str], alone: list[str]
) -> None:
    figure = _figure(*panels)
    assert titles(figure) == above
    assert captions(figure) == alone


def test_a_bandit_has_one_plot() -> None:
    figure = FigureSpec.model_validate({"id": "reward", "title": "Reward", "kind": "bandit"})
    assert titles(figure) == captions(figure) == ["Reward"]
