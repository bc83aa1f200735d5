"""What a study draws: figures in the paper's layout, with published numbers beside."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from algorithms.base import Schema
from webapp.experiments.axes import AxisValue
from webapp.studies.claim_schema import Measure, short_measure

PAPER = "paper"


class PaperSeries(Schema):
    """Published numbers for one group of a figure."""

    group: str
    """Label of the group, or a name of the paper's own such as its 70B model."""
    panel: str = ""
    """Panel of the figure, by its title; empty for figures of one panel."""
    x: tuple[float | str, ...]
    """Places on the figure's axis, in its unit."""
    y: tuple[float, ...]
    """Values; shares, not per cent."""

    @model_validator(mode="after")
    def _pairs(self) -> "PaperSeries":
        if len(self.x) != len(self.y):
            raise ValueError(f"{self.group}: {len(self.x)} places, but {len(self.y)} values")
        return self


class Panel(Schema):
    """One part of a figure: some of the groups of an experiment."""

    title: str = ""
    """Above the panel."""
    experiment: str = "main"
    """Experiment that it draws."""
    of: Measure
    """What is drawn."""
    groups: tuple[str, ...] = ()
    """Labels of algorithms, `base` among them; empty draws all."""
    axes: Mapping[str, AxisValue] = {}
    """Only groups with these axis values; of control, `correction` is one of them."""

    @field_validator("of", mode="before")
    @classmethod
    def _short_measure(cls, value: Any) -> Any:
        return short_measure(value)


class FigureSpec(Schema):
    """One figure: panels of one kind side by side."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    """Stable name, that of its files."""
    title: str
    """Caption."""
    kind: Literal[
        "curves", "shares", "axis", "rounds", "cardinality", "bars", "bandit",
        "heat", "returns", "trajectories",
    ]  # fmt: skip
    """curves: a metric over steps; shares: correct, incorrect and invalid over steps; axis: the end
    against an axis; rounds: after each iteration; cardinality: problems by number of correct
    completions; bars: the end of each group; bandit: expected reward over updates. Of control:
    heat: the end over two axes; returns: how returns are distributed, with VaR and CVaR;
    trajectories: kept episodes of each group."""
    axis: str = ""
    """Of kinds axis and heat: path of the axis drawn from left to right; of heat also `group`."""
    down: str = ""
    """Of kind heat: path of the axis drawn from top to bottom, or `group`."""
    tail: float = Field(0.1, gt=0, lt=1)
    """Of kind returns: share of worst episodes that VaR and CVaR are of."""
    log_x: bool = False
    """Of kind axis: logarithmic."""
    x_title: str = ""
    """Of kind axis: what the axis is; the paper's unit where `x_values` translates."""
    x_values: Mapping[str, float] = {}
    """Of kind axis: where axis values are drawn, by their text (such as p_eff by baseline c)."""
    panels: tuple[Panel, ...] = ()
    """From left to right."""
    paper: tuple[PaperSeries, ...] = ()
    """Published numbers, drawn at the scale of their sizes only (paper, d4rl)."""
    paper_label: str = PAPER
    """Whose numbers they are: the paper's, or those of others such as CORL."""
    paper_source: str = ""
    """How these numbers were had: printed, or read off the plot."""

    @model_validator(mode="after")
    def _is_complete(self) -> "FigureSpec":
        if self.kind == "axis" and not self.axis:
            raise ValueError("a figure of kind axis names its axis")
        if self.kind == "heat" and not (self.axis and self.down):
            raise ValueError("a figure of kind heat names two axes: axis and down")
        if not self.panels and self.kind != "bandit":
            raise ValueError("a figure has one panel at least")
        titles = [panel.title for panel in self.panels]
        if len(set(titles)) != len(titles):
            raise ValueError("panels of one figure have titles of their own")
        unknown = {series.panel for series in self.paper} - {"", *titles}
        if unknown:
            raise ValueError(f"the paper's numbers name no panel: {', '.join(sorted(unknown))}")
        return self


class TableSpec(Schema):
    """The study's table: final figures of each group, by experiment."""

    metrics: tuple[str, ...] = ("pass_at_1", "greedy_accuracy", "maj_at_n", "invalid_share")
    """Figures of the final evaluation, one column each."""
    paper: Mapping[str, Mapping[str, float]] = {}
    """Published numbers by group and metric, shown at the scale of their sizes only."""
    paper_label: str = PAPER
    """Whose numbers they are."""
