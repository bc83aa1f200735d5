"""The New experiment page of either family: drafts by recipe, and what a page is filled with."""

from typing import Any

from django.http import QueryDict

from algorithms.catalogue import CONTROL_ALGORITHMS
from webapp.experiments import prefill
from webapp.experiments.config import ExperimentConfig
from webapp.experiments.configs import AnyConfig, family_of
from webapp.experiments.control import prefill as control_prefill
from webapp.experiments.control.config import ControlConfig
from webapp.experiments.control.draft import ControlDraft
from webapp.experiments.control.offers import correction_offers, given_offers
from webapp.experiments.curations import STARTS
from webapp.experiments.draft import Draft
from webapp.experiments.models import Experiment
from webapp.experiments.offers import offer_groups

AnyDraft = Draft | ControlDraft


def draft_of(data: QueryDict, *, fresh: bool = False, extends: AnyConfig | None = None) -> AnyDraft:
    """Return what was posted as a draft of its family."""
    if isinstance(extends, ControlConfig):
        return ControlDraft(data, fresh=fresh, extends=extends)
    if isinstance(extends, ExperimentConfig):
        return Draft(data, fresh=fresh, extends=extends)
    if family_of(data.get("recipe", "")) == "control":
        return ControlDraft(data, fresh=fresh)
    return Draft(data, fresh=fresh)


def filled(experiment: Experiment, config: AnyConfig) -> QueryDict:
    """Return the page filled with a config, as a browser would post it."""
    if isinstance(config, ControlConfig):
        return control_prefill.clone_data(experiment, config)
    return prefill.clone_data(experiment, config)


def offered(draft: AnyDraft) -> dict[str, Any]:
    """Return what the page of a draft offers to choose from."""
    if isinstance(draft, ControlDraft):
        return {
            "groups": offer_groups(CONTROL_ALGORITHMS),
            "given": given_offers(),
            "starts": correction_offers(),
        }
    return {"groups": offer_groups(), "starts": STARTS}
