"""The first experiment of the control laboratory: Risky PointMass in three minutes."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid5

from django.db import transaction

from algorithms.control_specs import CollectSpec
from webapp.accounts.models import User
from webapp.datasets.models import Dataset
from webapp.datasets.transitions.services import transitions_collect
from webapp.experiments.control.config import ControlConfig
from webapp.experiments.models import Experiment
from webapp.experiments.services import experiment_launch

NAMESPACE = UUID("2d0f3c1e-52a4-4d2e-8f6e-8f0f4f1c2b90")
DATASET = "Risky PointMass, detours"
NAME = "PointMass in three minutes"
QUESTION = (
    "The data drive around a danger zone on either side. Cloning them averages the two ways and "
    "drives through it, and so does TD3+BC. Does CDSA (reference design) bring both back to the "
    "data, and what does that do to the worst episodes?"
)
SETTINGS: Mapping[str, Any] = {
    "algorithms": [
        {
            "label": "BC",
            "algorithm": "bc",
            "params": {"hidden_size": 128, "learning_rate": 1e-3},
        },
        {"label": "TD3+BC", "algorithm": "td3_bc", "params": {"hidden_size": 128}},
    ],
    "seeds": [0, 1],
    "settings": {"steps": 4_000, "log_every": 250},
    "score": {"params": {"hidden_size": 128}, "settings": {"steps": 6_000}},
    "inverse_dynamics": {
        "params": {"hidden_size": 128, "activation": "tanh"},
        "settings": {"steps": 3_000},
    },
    "evaluate": {"episodes": 200},
}
"""Those of docs/how-to/control.md with fewer updates: about two minutes of one core in all."""


@transaction.atomic
def point_mass_launch(*, owner: User) -> Experiment:
    """Return the experiment, launched with its data unless this person has launched it before."""
    dataset = _dataset(owner)
    config = ControlConfig.model_validate({"dataset_id": dataset.pk, **SETTINGS})
    return experiment_launch(
        owner=owner,
        name=NAME,
        question=QUESTION,
        tags=("point mass", "cdsa"),
        config=config,
        launch_key=uuid5(NAMESPACE, f"{owner.pk} {config.model_dump_json()}"),
    )


def _dataset(owner: User) -> Dataset:
    """Return the default collection, whoever made it; made where nobody has."""
    spec = CollectSpec()
    same = Dataset.objects.filter(job__kind="collect", job__spec=spec.model_dump(mode="json"))
    found = same.order_by("pk").first()
    if found is not None:
        return found
    others = Dataset.objects.filter(name=DATASET).exclude(owner=owner).exists()
    name = f"{DATASET} ({owner.get_username()})"[:120] if others else DATASET
    return transitions_collect(owner=owner, name=name, spec=spec)
