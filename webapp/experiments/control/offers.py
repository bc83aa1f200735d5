"""What the New experiment page of the control laboratory offers beside algorithms."""

from collections.abc import Mapping
from dataclasses import dataclass

from algorithms.base import UserError
from algorithms.catalogue import CORRECTIONS
from algorithms.environments.table import ENVIRONMENTS
from webapp.datasets.models import Dataset
from webapp.experiments.control.choices import POINT_MASS_PRESET, UNCORRECTED
from webapp.experiments.offers import Offer, find_offer, offer_groups
from webapp.policies.models import Policy
from webapp.policies.selectors import policies

POLICY = "policy:"
"""Start of the source of a given policy; its id follows."""
NOTHING = Offer(source="", label=UNCORRECTED, algorithm="", params={})
"""Acting as the policy says."""
_PRESETS = {"pointmass": POINT_MASS_PRESET, "mujoco": "MuJoCo"}
"""Which of CDSA's presets an environment's family begins with."""


@dataclass(frozen=True)
class GivenOffer:
    """A policy that exists."""

    source: str
    label: str
    policy_id: int
    environment: str
    owner: str


def given_offers() -> list[GivenOffer]:
    """Return every policy for control; one query."""
    return [_given(row) for row in policies(family="control")]


def find_given(source: str) -> GivenOffer:
    """Return the policy that a tick names.

    Raises:
        UserError: it was deleted.
    """
    number = source.removeprefix(POLICY)
    row = policies(family="control").filter(pk=int(number)).first() if number.isdecimal() else None
    if row is None:
        raise UserError("This policy is no longer there: reload the page.")
    return _given(row)


def _given(row: Policy) -> GivenOffer:
    environment = str(row.job.spec.get("environment") or "")
    return GivenOffer(
        source=f"{POLICY}{row.pk}",
        label=row.name[:74],
        policy_id=row.pk,
        environment=ENVIRONMENTS[environment].title if environment in ENVIRONMENTS else "",
        owner=row.owner.get_username(),
    )


def correction_offers() -> list[Offer]:
    """Return the ways of acting to choose from; one query."""
    groups = offer_groups(CORRECTIONS)
    return [NOTHING, *(one for group in groups for one in (group.first, *group.others))]


def find_correction(source: str) -> Offer:
    """Return the way of acting that was chosen.

    Raises:
        UserError: its preset was deleted.
    """
    return find_offer(source, CORRECTIONS) if source else NOTHING


def usual_correction(dataset: Dataset | None) -> Offer:
    """Return CDSA with the preset for a data set's environment, or its defaults."""
    spec: Mapping[str, object] = dataset.job.spec if dataset else {}
    known = ENVIRONMENTS.get(str(spec.get("environment") or ""))
    preset = _PRESETS.get(known.family) if known else None
    return find_offer(f"cdsa:{preset}" if preset else "cdsa", CORRECTIONS)
