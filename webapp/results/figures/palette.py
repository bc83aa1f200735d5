"""Colour, marker and dash of every algorithm: the same in plots, legends, badges and tables.

The colours follow Okabe and Ito, shifted until each stands out from the page in light and in dark
and stays apart from the others for people with any of the three colour-vision deficiencies.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from algorithms.catalogue import ALGORITHMS, CONTROL_ALGORITHMS, CORRECTIONS


@dataclass(frozen=True)
class Colour:
    """One colour as `#RRGGBB`, for the light and for the dark page."""

    light: str
    dark: str


@dataclass(frozen=True)
class Style:
    """How an algorithm looks on a plot."""

    colour_light: str
    colour_dark: str
    marker: str
    dash: str

    @property
    def band(self) -> str:
        """The colour of a confidence band behind the line, on the light page."""
        return f"{_rgba(self.colour_light)}0.16)"

    @property
    def faint(self) -> str:
        """The colour of a single seed behind the mean, on the light page."""
        return f"{_rgba(self.colour_light)}0.38)"


COLOURS: Mapping[str, Colour] = {
    "blue": Colour("#0060B5", "#1F8FF5"),
    "orange": Colour("#CC8400", "#E8A400"),
    "green": Colour("#00865F", "#10B386"),
    "vermillion": Colour("#C73E0A", "#E35205"),
    "sky": Colour("#3A9BDC", "#80D0FF"),
    "purple": Colour("#C060A6", "#D080BC"),
    "ink": Colour("#1A2322", "#F4F2E6"),
}
"""Seven colours that any two people tell apart."""


@dataclass(frozen=True)
class Look:
    """One of the fixed looks: three algorithms share a colour, no two a marker."""

    colour: str
    """A name of `COLOURS`."""
    marker: str
    """Plotly symbol, so that colour is never the only difference."""
    dash: str


MARKERS: Mapping[str, tuple[str, str, str]] = {
    "blue": ("circle", "hexagon2", "star-diamond"),
    "orange": ("square", "diamond-wide", "diamond-tall"),
    "green": ("diamond", "pentagon", "hexagram"),
    "vermillion": ("triangle-up", "triangle-left", "star-triangle-up"),
    "sky": ("triangle-down", "triangle-right", "star-triangle-down"),
    "purple": ("cross", "hourglass", "star-square"),
    "ink": ("x", "bowtie", "octagon"),
}
"""Plotly symbols of a colour's solid, dashed and dotted line."""

LOOKS: Mapping[str, Look] = {
    f"{colour}{suffix}": Look(colour, marker, dash)
    for colour, markers in MARKERS.items()
    for marker, suffix, dash in zip(
        markers, ("", "-dashed", "-dotted"), ("solid", "dash", "dot"), strict=True
    )
}
"""Looks that `LLMAlgorithm.colour` may name: `blue`, `blue-dashed`, `blue-dotted`..."""

BASE = Style("#666F7A", "#8E959C", "star", "dot")
"""The policy that everything starts from."""

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
_OWN_DASHES = 3
"""Dashes of the looks; algorithms without a look take the others."""


def style(algorithm: str, variant: int = 0) -> Style:
    """Return the look of an algorithm by its file name; "" is the base policy.

    Algorithms without a look of their own, plugins among them, get one from their name that
    never changes, in dashes that no built-in one has. `variant` counts the further settings of
    one algorithm in one plot: the same colour, another dash, a hollow marker.
    """
    if not algorithm:
        return BASE
    colour_name = _colour_of(algorithm)
    look = LOOKS[colour_name] if colour_name in LOOKS else _look_of_name(algorithm)
    colour = COLOURS[look.colour]
    marker = look.marker if variant == 0 else f"{look.marker}-open"
    dash = DASHES[(DASHES.index(look.dash) + variant) % len(DASHES)]
    return Style(colour.light, colour.dark, marker, dash)


def _colour_of(name: str) -> str:
    """Return the look that an algorithm or a correction asks for; empty where none does."""
    known = ALGORITHMS.get(name) or CONTROL_ALGORITHMS.get(name) or CORRECTIONS.get(name)
    return known.colour if known is not None else ""


def _look_of_name(name: str) -> Look:
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4])
    colour = list(COLOURS)[number % len(COLOURS)]
    others = DASHES[_OWN_DASHES:]
    return Look(colour, MARKERS[colour][0], others[number // len(COLOURS) % len(others)])


def _rgba(colour: str) -> str:
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red},{green},{blue},"


def dark_replacements() -> dict[str, str]:
    """Return what a dark page writes in place of each colour of a figure drawn for a light one."""
    pairs = [(colour.light, colour.dark) for colour in COLOURS.values()]
    pairs.append((BASE.colour_light, BASE.colour_dark))
    return {
        text: replacement
        for light, dark in pairs
        for text, replacement in ((light, dark), (_rgba(light), _rgba(dark)))
    }


def figure(traces: list[Any], **layout: Any) -> go.Figure:
    """Return a figure whose colours turn with the page's theme (read by lab/figures.js)."""
    drawn = go.Figure(data=traces, layout=layout)
    drawn.layout.template = None
    drawn.layout.meta = {**(drawn.layout.meta or {}), "dark": dark_replacements()}
    return drawn
