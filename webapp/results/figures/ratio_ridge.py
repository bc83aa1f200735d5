"""How the importance ratios spread over a training: a heat map per sign of the advantage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from algorithms.shared.histograms import SIGNS, bin_places
from webapp.results.figures.palette import COLOURS, figure
from webapp.results.statistics import FloatArray, IntArray

TICKS = (1e-30, 1e-12, 1e-6, 0.001, 0.1, 0.5, 0.9, 0.98, 1, 1.02, 1.1, 2, 10, 1e3, 1e6, 1e12, 1e30)
"""Ratios that may be written at the axis; those in sight are."""
_TITLES = {"positive": "positive advantage", "negative": "negative advantage"}
_COLOURS = {"positive": "blue", "negative": "vermillion"}
_HALF = 0.5


@dataclass(frozen=True)
class RatioHistory:
    """The histograms of one sign: a row per measured step, a column per bin."""

    steps: IntArray
    counts: IntArray

    @property
    def shares(self) -> FloatArray:
        """Share of each step's ratios in each bin."""
        total: FloatArray = self.counts / np.maximum(self.counts.sum(axis=1, keepdims=True), 1)
        return total

    @property
    def medians(self) -> FloatArray:
        """Place of each step's median in bins, interpolated within its bin."""
        cumulative = self.shares.cumsum(axis=1)
        bins = (cumulative < _HALF - 1e-12).sum(axis=1).clip(max=self.counts.shape[1] - 1)
        rows = np.arange(len(bins))
        share = self.shares[rows, bins]
        below = cumulative[rows, bins] - share
        places: FloatArray = bins + (_HALF - below) / np.maximum(share, 1e-12)
        return places


def draw(histories: Mapping[str, RatioHistory], *, unit: str) -> go.Figure:
    """Return the heat maps side by side: steps across, ratios up, each step's fullest bin darkest.

    Args:
        histories: by sign of the advantage; a sign without ratios is left out.
        unit: what one ratio belongs to, in words: completions or tokens.
    """
    present = [sign for sign in SIGNS if sign in histories]
    if not present:
        return figure([])
    low, high = _in_sight([histories[sign] for sign in present])
    traces: list[go.Heatmap | go.Scatter] = []
    for number, sign in enumerate(present):
        axis = "" if number == 0 else str(number + 1)
        traces += _traces(histories[sign], sign, axis, unit)
    ticks = [(float(bin_places(np.log([ratio]))[0]), f"{ratio:g}") for ratio in TICKS]
    seen = _apart([(place, text) for place, text in ticks if low <= place <= high], high - low)
    return figure(
        traces,
        **_panels(present),
        yaxis={
            "title": {"text": "ratio π/μ"},
            "range": [low, high],
            "tickvals": [place for place, _ in seen],
            "ticktext": [text for _, text in seen],
        },
        showlegend=False,
        margin={"l": 70, "t": 34},
    )


def _panels(signs: Sequence[str]) -> dict[str, Any]:
    """Return an axis of steps and a heading for each sign, side by side."""
    gap = 0.06 if len(signs) > 1 else 0.0
    width = (1 - gap * (len(signs) - 1)) / len(signs)
    layout: dict[str, Any] = {"annotations": []}
    for number, sign in enumerate(signs):
        left = number * (width + gap)
        layout[f"xaxis{number + 1 if number else ''}"] = {
            "title": {"text": "Optimizer steps"},
            "domain": [left, left + width],
            "anchor": "y",
        }
        heading = {"text": _TITLES[sign].capitalize(), "x": left + width / 2, "y": 1}
        place = {"xref": "paper", "yref": "paper", "xanchor": "center", "yanchor": "bottom"}
        layout["annotations"].append({**heading, **place, "showarrow": False})
    return layout


def _traces(
    history: RatioHistory, sign: str, axis: str, unit: str
) -> list[go.Heatmap | go.Scatter]:
    shares = history.shares
    heat = np.sqrt(shares / np.maximum(shares.max(axis=1, keepdims=True), 1e-12))
    red, green, blue = (
        int(COLOURS[_COLOURS[sign]].light[start : start + 2], 16) for start in (1, 3, 5)
    )
    colours = [[at, f"rgba({red},{green},{blue},{at})"] for at in (0.0, 0.25, 0.5, 0.75, 1.0)]
    bins = shares.shape[1]
    named = _TITLES[sign]
    return [
        go.Heatmap(
            x=history.steps.tolist(),
            y=(np.arange(bins) + _HALF).tolist(),
            z=np.where(shares.T > 0, heat.T, np.nan).round(4),
            customdata=shares.T.round(5),
            xaxis=f"x{axis}",
            yaxis="y",
            zmin=0,
            zmax=1,
            colorscale=colours,
            showscale=False,
            hoverongaps=False,
            hovertemplate=(
                f"step %{{x:,}}: %{{customdata:.1%}} of the {unit} of {named}<extra></extra>"
            ),
        ),
        go.Scatter(
            x=history.steps.tolist(),
            y=history.medians.round(3).tolist(),
            xaxis=f"x{axis}",
            yaxis="y",
            mode="lines",
            line={"color": COLOURS["ink"].light, "width": 1.5},
            hoverinfo="skip",
            name=f"median, {named}",
        ),
    ]


def _in_sight(histories: Sequence[RatioHistory]) -> tuple[float, float]:
    """Return the bins between which any number fell, with one more on either side."""
    filled = np.flatnonzero(np.any([h.counts.any(axis=0) for h in histories], axis=0))
    bins = histories[0].counts.shape[1]
    return float(max(filled[0] - 1, 0)), float(min(filled[-1] + 2, bins))


def _apart(ticks: list[tuple[float, str]], span: float) -> list[tuple[float, str]]:
    """Return the ticks that leave room for each other; that of ratio 1 always stays."""
    kept = [tick for tick in ticks if tick[1] == "1"]
    for tick in ticks:
        if all(abs(tick[0] - other[0]) > span / 18 for other in kept):
            kept.append(tick)
    return sorted(kept)
