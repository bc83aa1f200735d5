"""The plot of the gradient coefficient."""

import json

from webapp.results.figures import coefficient, palette


def test_both_signs_are_drawn_over_a_logarithmic_ratio() -> None:
    curves = coefficient.Coefficients(ratios=[0.1, 1, 10], positive=[1, 1, 1], negative=[0, -1, -1])
    drawn = json.loads(coefficient.draw("topr", curves).to_json())
    positive, negative = drawn["data"]
    assert positive["y"] == [1, 1, 1]
    assert negative["y"] == [0, -1, -1]
    assert (positive["line"]["dash"], negative["line"]["dash"]) == ("solid", "dash")
    assert positive["line"]["color"] == palette.style("topr").colour_light
    assert drawn["layout"]["xaxis"]["type"] == "log"
    assert drawn["layout"]["meta"]["dark"] == palette.dark_replacements()
