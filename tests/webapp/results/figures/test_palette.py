"""Colours: told apart by everybody, in light and dark, and never changing."""

import itertools
import math

import pytest

from algorithms.catalogue import ALGORITHMS
from webapp.catalogue.templatetags.algorithms import MARKS, algorithm_badge
from webapp.results.figures import palette

# Machado, Oliveira, Fernandes 2009, severity 1, on linear RGB.
VISION = {
    "usual": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.1523, 1.0526, -0.2049), (0.1145, 0.7863, 0.0992), (-0.0039, -0.0481, 1.052)),
    "deuteranopia": ((0.3673, 0.8606, -0.228), (0.2801, 0.6725, 0.0474), (-0.0118, 0.0429, 0.9689)),
    "tritanopia": ((1.2555, -0.0767, -0.1788), (-0.0784, 0.9308, 0.1476), (0.0047, 0.6914, 0.3039)),
}
SURFACE = {"light": "#ffffff", "dark": "#151c1f"}


def _linear(colour: str) -> list[float]:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]


def _seen(colour: str, vision: str) -> tuple[float, float, float]:
    """CIELAB of a colour as seen with a deficiency."""
    rgb = _linear(colour)
    rows = VISION[vision]
    r, g, b = (min(1, max(0, sum(w * c for w, c in zip(row, rgb, strict=True)))) for row in rows)
    xyz = (
        (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.95047,
        0.2126 * r + 0.7152 * g + 0.0722 * b,
        (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.08883,
    )
    x, y, z = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _contrast(one: str, other: str) -> float:
    weights = (0.2126, 0.7152, 0.0722)
    dark, light = sorted(
        sum(w * c for w, c in zip(weights, _linear(colour), strict=True)) for colour in (one, other)
    )
    return (light + 0.05) / (dark + 0.05)


def _colours(theme: str) -> list[str]:
    base = palette.BASE.colour_light if theme == "light" else palette.BASE.colour_dark
    return [getattr(colour, theme) for colour in palette.COLOURS.values()] + [base]


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("theme", SURFACE)
def test_any_two_colours_are_told_apart_with_every_colour_vision(theme: str, vision: str) -> None:
    least = 25 if vision == "usual" else 10
    for one, other in itertools.combinations(_colours(theme), 2):
        pairs = zip(_seen(one, vision), _seen(other, vision), strict=True)
        assert sum((a - b) ** 2 for a, b in pairs) ** 0.5 > least, (one, other)


@pytest.mark.parametrize("theme", SURFACE)
def test_every_colour_stands_out_from_the_page(theme: str) -> None:
    assert min(_contrast(colour, SURFACE[theme]) for colour in _colours(theme)) >= 3


def test_every_algorithm_looks_different_from_every_other_and_from_the_base_policy() -> None:
    looks = [palette.style(name) for name in ["", *ALGORITHMS]]
    assert len(set(looks)) == len(looks)


def test_built_in_algorithms_name_a_look_that_exists() -> None:
    assert {a.colour for a in ALGORITHMS.values() if a.colour} <= set(palette.LOOKS)


def test_no_two_looks_share_a_marker_nor_colour_and_dash() -> None:
    looks = palette.LOOKS.values()
    assert len({look.marker for look in looks}) == len(looks) == 21
    assert len({(look.colour, look.dash) for look in looks}) == len(looks)


def test_a_plugin_keeps_its_look_and_never_takes_a_line_of_ours() -> None:
    names = [f"plugin_{number}" for number in range(40)]
    looks = [palette.style(name) for name in names]
    assert looks == [palette.style(name) for name in names]
    assert not {look.dash for look in looks} & {look.dash for look in palette.LOOKS.values()}
    assert len(set(looks)) > 15


def _apart(one: str, other: str, vision: str) -> float:
    pairs = zip(_seen(one, vision), _seen(other, vision), strict=True)
    return float(sum((a - b) ** 2 for a, b in pairs) ** 0.5)


def _shades(name: str, theme: str) -> list[str]:
    place = 0 if theme == "light" else 1
    return [palette.COLOURS[name].of(variant)[place] for variant in range(3)]


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("theme", SURFACE)
def test_shades_of_one_colour_are_told_apart_with_every_colour_vision(
    theme: str, vision: str
) -> None:
    for name in palette.COLOURS:
        for one, other in itertools.combinations(_shades(name, theme), 2):
            assert _apart(one, other, vision) > 10, (name, one, other)
            assert min(_contrast(shade, SURFACE[theme]) for shade in (one, other)) >= 3


@pytest.mark.parametrize("theme", SURFACE)
def test_a_shade_keeps_its_hue(theme: str) -> None:
    for name in set(palette.COLOURS) - {"ink"}:
        hues = [math.atan2(b, a) for _, a, b in (_seen(c, "usual") for c in _shades(name, theme))]
        assert max(abs(math.remainder(hue - hues[0], math.tau)) for hue in hues) < math.radians(25)


def test_variants_keep_hue_and_marker_and_change_shade_and_dash() -> None:
    looks = [palette.style("topr", number) for number in range(18)]
    assert len({(look.colour_light, look.dash) for look in looks}) == 18
    assert len({look.dash for look in looks[:6]}) == 6
    assert len({look.colour_light for look in looks[:3]}) == 3
    assert {look.marker.removesuffix("-open") for look in looks} == {looks[0].marker}
    assert looks[1].marker == f"{looks[0].marker}-open"
    blue = palette.COLOURS["blue"]
    assert blue.of(0) == (blue.light, blue.dark)


def test_dark_pages_replace_lines_and_bands_once_each() -> None:
    replaced = palette.dark_replacements()
    look = palette.style("topr")
    assert replaced[look.colour_light] == look.colour_dark
    assert any(look.band.startswith(text) for text in replaced)
    assert not set(replaced) & set(replaced.values())


def test_every_marker_has_an_outline_for_badges() -> None:
    markers = {look.marker for look in palette.LOOKS.values()} | {palette.BASE.marker}
    assert markers == set(MARKS)


def test_a_badge_escapes_its_label() -> None:
    badge = algorithm_badge("topr", "<b>c < 0</b>")
    assert "&lt;b&gt;c &lt; 0&lt;/b&gt;" in badge
    assert palette.style("topr").colour_dark in badge
