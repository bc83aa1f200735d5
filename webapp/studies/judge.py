"""The claims of a study put to the test with what its runs have measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from algorithms.evaluation.claims import kinds
from algorithms.evaluation.claims.decision import Decision, decide
from algorithms.evaluation.claims.evidence import Evidence, nothing_known
from webapp.results.curves import XAxis
from webapp.studies.cells import Cell
from webapp.studies.claim_schema import (
    BASE,
    BelowBase,
    ClaimSpec,
    Coincide,
    Exact,
    Faster,
    Greater,
    Grows,
    Measure,
    NotWorse,
    Optimum,
    Side,
)
from webapp.studies.facts import Facts
from webapp.studies.planning import StudyError
from webapp.studies.schema import Study
from webapp.studies.values import Measured, curve_of, measured


@dataclass(frozen=True)
class Judged:
    """One claim with its verdict."""

    claim: ClaimSpec
    decision: Decision
    cells: tuple[Cell, ...]
    """The groups that it is about."""
    seeds_planned: int
    runs: tuple[int, ...]
    """Runs behind the verdict that have a page."""
    unit: str = ""
    """What the estimate is in."""


@dataclass(frozen=True)
class _Found:
    evidence: Evidence
    cells: tuple[Cell, ...] = ()


def judge(study: Study, facts: Facts) -> list[Judged]:
    """Return every claim of a study with its verdict, corrected together."""
    found = {claim.id: _examine(claim, facts) for claim in study.claims}
    decisions = decide({key: one.evidence for key, one in found.items()})
    return [
        Judged(
            claim=claim,
            decision=decisions[claim.id],
            cells=found[claim.id].cells,
            seeds_planned=max(
                (len(cell.runs) for cell in found[claim.id].cells if not cell.is_fixed), default=0
            ),
            runs=tuple(facts.run_ids(found[claim.id].cells)),
            unit=_unit(claim),
        )
        for claim in study.claims
    ]


def _unit(claim: ClaimSpec) -> str:
    if isinstance(claim, Faster):
        return str(claim.axis)
    return "per step" if isinstance(claim, Grows) else ""


def _examine(claim: ClaimSpec, facts: Facts) -> _Found:
    experiment = claim.experiment
    if experiment not in facts.plan.experiments:
        return _Found(nothing_known("Its experiment is not part of this scale."))
    try:
        match claim:
            case Optimum():
                return _optimum(claim, facts)
            case Exact():
                return _Found(nothing_known("Computed by the bandit, not here."))
        return _two_sided(claim, facts)
    except StudyError as error:
        return _Found(nothing_known(f"Not at this scale: {error}."))


def _two_sided(
    claim: Greater | NotWorse | Coincide | Grows | BelowBase | Faster, facts: Facts
) -> _Found:
    left = facts.plan.cell(claim.left, claim.experiment)
    other = Side(group=BASE) if isinstance(claim, BelowBase) else claim.right
    if other is None:
        than = claim.than if isinstance(claim, Greater) else 0.0
        return _Found(_alone(measured(facts, left, claim.of), than), (left,))
    right = facts.plan.cell(other, claim.experiment)
    if isinstance(claim, Faster):
        return _Found(_faster(claim, facts, left, right), (left, right))
    sides = measured(facts, left, claim.of), measured(facts, right, claim.of)
    return _Found(_compare(claim, *sides), (left, right))


def _alone(values: Measured, than: float) -> Evidence:
    return kinds.greater(list(values.by_seed.values()), threshold=than)


def _compare(
    claim: Greater | NotWorse | Coincide | Grows | BelowBase, left: Measured, right: Measured
) -> Evidence:
    differences = kinds.paired(left.for_seeds(right.by_seed), right.for_seeds(left.by_seed))
    step = max(left.resolution, right.resolution)
    match claim:
        case Greater():
            return kinds.greater(differences, smallest=claim.smallest, resolution=step)
        case NotWorse():
            return kinds.greater(differences, threshold=-claim.margin, resolution=step)
        case Coincide():
            return kinds.coincide(differences, margin=claim.margin, resolution=step)
        case BelowBase():
            return kinds.greater(-differences, smallest=claim.smallest, resolution=step)
    return kinds.greater(differences)


def _faster(claim: Faster, facts: Facts, left: Cell, right: Cell) -> Evidence:
    axis = XAxis(claim.axis)
    curves = {
        side.label: {
            run.seed: curve
            for run in facts.runs_of(side)
            if (curve := curve_of(facts, run, claim.of.metric, axis)) is not None and curve.x.size
        }
        for side in (left, right)
    }
    ends = [float(curve.x[-1]) for side in curves.values() for curve in side.values()]
    if not ends:
        return nothing_known("No seed of both sides has finished.")
    horizon = min(ends)
    reached: list[dict[int, kinds.Reached]] = []
    for side in (left, right):
        times = {
            seed: kinds.first_reached(curve.x, curve.y, target=claim.target, horizon=horizon)
            for seed, curve in curves[side.label].items()
        }
        reached.append({seed: at for seed, at in times.items() if at is not None})
    return kinds.faster(*reached, smallest=claim.smallest)


def _optimum(claim: Optimum, facts: Facts) -> _Found:
    cells = [
        cell
        for cell in facts.plan.select(claim.experiment, (claim.group,), claim.axes)
        if claim.axis in cell.axes
    ]
    if len(cells) < 3:
        return _Found(nothing_known("The axis has fewer than three values at this scale."))
    places = [cell.axes[claim.axis] for cell in cells]
    wanted = claim.inner or tuple(places[1:-1])
    inner = [number for number, place in enumerate(places) if place in wanted]
    if not inner or len(inner) == len(places):
        return _Found(nothing_known("Not at this scale: its axis has other values."))
    columns = [measured(facts, cell, claim.of) for cell in cells]
    table = _complete_rows(columns)
    step = max(one.resolution for one in columns)
    evidence = kinds.optimum_within(table, inner, resolution=step)
    if table.shape[0] > 1:
        shares = kinds.best_shares(table)
        best = int(shares.argmax())
        note = f"Highest at {places[best]} in {shares[best]:.0%} of the resamples of the seeds."
        evidence = Evidence(**{**vars(evidence), "note": note})
    return _Found(evidence, tuple(cells))


def _complete_rows(columns: Sequence[Measured]) -> np.ndarray:
    """Return seeds x points of the seeds that every point has."""
    seeds = sorted(set.intersection(*(set(one.by_seed) for one in columns)))
    rows = [[one.by_seed[seed] for one in columns] for seed in seeds]
    return np.array(rows, dtype=np.float64).reshape(len(seeds), len(columns))


def final_values(facts: Facts, cells: Sequence[Cell], metric: str) -> Mapping[str, Measured]:
    """Return a figure of the final evaluation of some groups, by label."""
    return {cell.label: measured(facts, cell, Measure(metric=metric)) for cell in cells}
