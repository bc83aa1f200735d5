"""The generated pages of docs/algorithms."""

from pathlib import Path

import pytest
from pydantic import Field

from algorithms.base import Schema
from algorithms.catalogue import ALGORITHMS
from algorithms.documentation import pages, range_of, write
from algorithms.llm import topr

FOLDER = Path(__file__).parents[2] / "docs" / "algorithms"


def test_the_pages_are_those_of_the_code() -> None:
    stored = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}
    fresh = pages()
    assert set(stored) == set(fresh), "write them with `python -m algorithms docs`"
    stale = [name for name, text in fresh.items() if stored[name] != text]
    assert not stale, "write them with `python -m algorithms docs`"


def test_a_page_holds_formula_settings_presets_metrics_and_deviations() -> None:
    text = pages()["topr.md"]
    assert f"$$\n{topr.ALGORITHM.formula}\n$$" in text
    assert "| `negative_ratio_max` | `1.0` | [0, ∞) or empty | Cap of the importance" in text
    assert "| Naive REINFORCE | `negative_ratio_min` = 1.0 |" in text
    assert "| `weight_mean` | Mean importance weight |" in text
    assert "Differs from the paper: the sign is that of R - c" in text
    assert "Args:" not in text


def test_the_index_links_every_algorithm_of_ours_once() -> None:
    text = pages()["README.md"]
    for name, algorithm in ALGORITHMS.items():
        if algorithm.family != "Other":
            assert text.count(f"({name}.md)") == 1


def test_only_what_changed_is_written(tmp_path: Path) -> None:
    assert len(write(tmp_path)) == len(pages())
    (tmp_path / "topr.md").write_text("old")
    assert write(tmp_path) == [tmp_path / "topr.md"]


class Limited(Schema):
    """Settings with every kind of range."""

    share: float = Field(0.5, ge=0, lt=1)
    count: int | None = Field(None, gt=0)
    flag: bool = False
    free: float = 0.0


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("share", "[0, 1)"),
        ("count", "(0, ∞) or empty"),
        ("flag", "`true`, `false`"),
        ("free", "(-∞, ∞)"),
    ],
)
def test_ranges_are_intervals_or_choices(name: str, text: str) -> None:
    assert range_of(Limited.model_fields[name]) == text
