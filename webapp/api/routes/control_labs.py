"""The labs of control: score fields, single corrections, and episodes before and after."""

from typing import Any

from django.http import HttpRequest
from ninja import Router

from algorithms.base import UserError
from webapp.api.schemas.control_labs import (
    CorrectionIn,
    FieldIn,
    GroundIn,
    correction_query,
    field_query,
    ground_query,
    query,
    require_among,
    require_sound,
)
from webapp.labs import correction_drawing, ground_drawing, score_drawing
from webapp.labs.correction_page import open_correction_page
from webapp.labs.ground_page import open_ground_page
from webapp.labs.score_page import open_score_page

router = Router(tags=["labs"])
NO_NETWORK = (
    "There is no score network yet: launch an experiment in control that corrects a policy."
)


@router.post("/labs/score-field")
def score_field(request: HttpRequest, payload: FieldIn) -> dict[str, Any]:
    """Return a score network's field in a plane, its log density along lines and its losses."""
    first = open_score_page(query({} if payload.score is None else {"score": str(payload.score)}))
    require_among(first.jobs, payload.score, "score", "score network")
    if first.job is None:
        raise UserError(NO_NETWORK)
    require_sound((), first.problems, {})
    assert first.opened is not None  # or its problems were told
    told = field_query(payload, first.opened)
    told["score"] = str(first.job.pk)
    page = open_score_page(told)
    require_sound([page.form], page.problems, {})
    return score_drawing.field_json(page)


@router.post("/labs/correction")
def correction(request: HttpRequest, payload: CorrectionIn) -> dict[str, Any]:
    """Return how one action is corrected, step by step; actions in [-1, 1], the last in units."""
    page = open_correction_page(correction_query(payload))
    asked = (
        ("policy", payload.policy, "policy", "policy for control"),
        ("score", payload.score, "score", "score network"),
        ("inverse_dynamics", payload.inverse_dynamics, "inverse_dynamics", "dynamics model"),
        ("state_score", payload.state_score, "score", "score network"),
    )
    for path, pk, role, what in asked:
        require_among(page.jobs[role], pk, path, what)
    if "score" not in page.chosen:
        raise UserError(NO_NETWORK)
    paths = {"inverse": "inverse_dynamics", "state": "observation"}
    require_sound([page.form], page.problems, paths)
    return correction_drawing.walk_json(page)


@router.post("/labs/point-mass")
def point_mass(request: HttpRequest, payload: GroundIn) -> dict[str, Any]:
    """Return episodes of an evaluation before and after a correction, every step of them."""
    page = open_ground_page(ground_query(payload))
    for path, pk in (("before", payload.before), ("after", payload.after)):
        require_among(page.jobs, pk, path, "evaluation with kept episodes in a plane")
    if page.before is None:
        raise UserError("There is no evaluation yet whose episodes happen in a plane.")
    require_sound([page.form], page.problems, {})
    return ground_drawing.ground_json(page)
