"""Figures of the labs: two signs over each other, paths on a simplex, rewards on a log axis."""

from webapp.results.figures import coefficient_curves, expected_reward, simplex
from webapp.results.figures.coefficient_curves import CoefficientCurve
from webapp.results.figures.trajectory import Trajectory

PATH = Trajectory(
    "<b>mine</b>",
    "topr",
    0,
    updates=(0, 1, 10),
    policies=((0.5, 0.3, 0.2), (0.6, 0.2, 0.2), (0.9, 0.05, 0.05)),
    rewards=(0.1, 0.2, 0.8),
)


def test_both_signs_of_the_advantage_share_one_legend_entry() -> None:
    curve = CoefficientCurve("TOPR", "topr", 0, (0.1, 1, 10), (1, 1, 1), (-0.1, -1, -1))
    positive, negative = coefficient_curves.draw([curve]).data
    assert (positive.yaxis, negative.yaxis) == ("y", "y2")
    assert (positive.showlegend, negative.showlegend) == (True, False)
    assert tuple(negative.y) == (-0.1, -1, -1)
    assert positive.legendgroup == negative.legendgroup


def test_settings_of_one_algorithm_differ_in_shade_and_dash() -> None:
    curves = [CoefficientCurve(str(n), "topr", n, (1,), (1,), (1,)) for n in range(2)]
    drawn = coefficient_curves.draw(curves).data
    assert drawn[0].line.color != drawn[2].line.color
    assert drawn[0].line.dash != drawn[2].line.dash


def test_a_path_runs_from_the_start_to_the_algorithms_marker() -> None:
    line, end, start = simplex.draw([PATH], 3).data
    assert (line.a[0], line.b[0], line.c[0]) == PATH.policies[0]
    assert (end.a[0], end.b[0], end.c[0]) == PATH.policies[-1]
    assert (start.a[0], start.text[0]) == (0.5, "start")
    assert line.name == "&lt;b>mine&lt;/b>".replace(">", "&gt;")


def test_the_start_is_left_out_of_the_logarithmic_axis() -> None:
    drawn = expected_reward.draw([PATH], 1.0)
    assert tuple(drawn.data[0].x) == (1, 10)
    assert tuple(drawn.data[0].y) == (0.2, 0.8)
    assert drawn.layout.shapes[0].y0 == 1.0
    assert expected_reward.draw([], None).layout.meta["empty"] == "Nothing played yet."
