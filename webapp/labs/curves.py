"""Series of the labs' figures, one per chosen algorithm."""

from algorithms.catalogue import ALGORITHMS
from algorithms.shared.gradient import gradient_coefficient
from webapp.catalogue.formulas import RATIOS
from webapp.labs.bandit_page import BanditPage
from webapp.labs.choices import ChoiceRow
from webapp.results.figures.coefficient_curves import CoefficientCurve
from webapp.results.figures.trajectory import Trajectory


def coefficient_curves(rows: list[ChoiceRow]) -> list[CoefficientCurve]:
    """Return c over the ratio for A = +1 and A = -1 of each choice whose settings are valid."""
    found = []
    for row in rows:
        if (chosen := row.chosen) is None:
            continue
        positive, negative = (
            gradient_coefficient(ALGORITHMS[row.algorithm], chosen.params, RATIOS, advantage)
            for advantage in (1.0, -1.0)
        )
        found.append(
            CoefficientCurve(row.label, row.algorithm, row.variant, RATIOS, positive, negative)
        )
    return found


def trajectories(page: BanditPage) -> list[Trajectory]:
    """Return the policies of each algorithm that were recorded so far, with their E[r]."""
    bandit = page.bandit
    if bandit is None:
        return []
    return [
        Trajectory(
            row.label,
            row.algorithm,
            row.variant,
            updates=tuple(sorted(one.recorded)),
            policies=tuple(one.recorded[update] for update in sorted(one.recorded)),
            rewards=tuple(
                bandit.expected_reward(one.recorded[update]) for update in sorted(one.recorded)
            ),
        )
        for row, one in zip(page.choices, page.played, strict=True)
    ]
