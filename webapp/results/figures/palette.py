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

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")


@dataclass(frozen=True)
class Colour:
    """One colour as `#RRGGBB`, for the light and for the dark page."""

    light: str
    dark: str
    shades: tuple[tuple[str, str], ...] = ()
    """The same hue, lighter and darker, for further settings of one algorithm."""

    def of(self, variant: int) -> tuple[str, str]:
        """Return the shade of a variant on the light and on the dark page."""
        shades = ((self.light, self.dark), *self.shades)
        # Shifted by one after each round of dashes, so that not all six pairs come again.
        return shades[(variant + variant // len(DASHES)) % len(shades)]


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
    "blue": Colour("#0060B5", "#1F8FF5", (("#3888E0", "#73B6FE"), ("#0D427A", "#066ABC"))),
    "orange": Colour("#CC8400", "#E8A400", (("#996928", "#C58D19"), ("#623F0B", "#FABF5A"))),
    "green": Colour("#00865F", "#10B386", (("#1A6046", "#50DAAA"), ("#063D2A", "#92FED4"))),
    "vermillion": Colour("#C73E0A", "#E35205", (("#F2663C", "#F87C4D"), ("#91381D", "#B94207"))),
    "sky": Colour("#3A9BDC", "#80D0FF", (("#1C6FA3", "#58A8D6"), ("#10527B", "#297DA8"))),
    "purple": Colour("#C060A6", "#D080BC", (("#7D2168", "#9B4F89"), ("#520343", "#FEABE9"))),
    "ink": Colour("#1A2322", "#F4F2E6", (("#505A59", "#ADABA0"), ("#8A9594", "#6B695F"))),
}
"""Seven colours that any two people tell apart, and shades of each that they tell apart, too."""


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

_OWN_DASHES = 3
"""Dashes of the looks; algorithms without a look take the others."""


def style(algorithm: str, variant: int = 0) -> Style:
    """Return the look of an algorithm by its file name; "" is the base policy.

    Algorithms without a look of their own, plugins among them, get one from their name that
    never changes, in dashes that no built-in one has. `variant` counts the further settings of
    one algorithm in one plot: the same hue and marker in another shade and dash, every second
    marker hollow.
    """
    if not algorithm:
        return BASE
    colour_name = _colour_of(algorithm)
    look = LOOKS[colour_name] if colour_name in LOOKS else _look_of_name(algorithm)
    light, dark = COLOURS[look.colour].of(variant)
    marker = f"{look.marker}-open" if variant % 2 else look.marker
    dash = DASHES[(DASHES.index(look.dash) + variant) % len(DASHES)]
    return Style(light, dark, marker, dash)


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
    pairs = [shade for c in COLOURS.values() for shade in ((c.light, c.dark), *c.shades)]
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
