"""The labs: losses token by token, and bandits."""

from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema

from algorithms.labs.bandit import Bandit
from algorithms.labs.batch import LabBatch, LabCompletion
from algorithms.labs.loss_lab import Scale
from webapp.api.schemas.labs import ChoiceIn, chosen_of
from webapp.labs import exports, services

router = Router(tags=["labs"])
SLICE_S = 20.0
"""How long one request plays bandits before it answers with what there is."""


class LossIn(Schema):
    """A batch, and the algorithms to look at it with."""

    completions: list[LabCompletion]
    algorithms: list[ChoiceIn]
    scale: Scale = "completion"
    """What -d loss / d log pi is multiplied by: the completions times the tokens of its
    completion, the tokens of the batch, or 1 (gradient)."""


class BanditIn(Schema):
    """A bandit, and the algorithms that play it."""

    bandit: Bandit
    algorithms: list[ChoiceIn]


@router.post("/labs/loss")
def loss(request: HttpRequest, payload: LossIn) -> list[dict[str, Any]]:
    """Return advantages, weights, masks, coefficients and loss of each algorithm on a batch."""
    batch = LabBatch(completions=tuple(payload.completions))
    looks = services.batch_look(
        batch=batch, chosen=chosen_of(payload.algorithms), scale=payload.scale
    )
    return exports.looks_json(looks)


@router.post("/labs/bandit")
def bandit(request: HttpRequest, payload: BanditIn) -> list[dict[str, Any]]:
    """Return how each algorithm plays a bandit; ask again where `is_done` is false."""
    played = services.bandit_play(
        bandit=payload.bandit, chosen=chosen_of(payload.algorithms), seconds=SLICE_S
    )
    return exports.played_json(payload.bandit, played)
