"""A person with a data set of transitions, who launches experiments of the control laboratory."""

from typing import Any

from algorithms.control_specs import CollectSpec, ImportPolicySpec
from tests.webapp.experiments.control.asked import LABELS, TWO
from tests.webapp.experiments.factories import make_user
from webapp.datasets.models import Dataset
from webapp.datasets.transitions.services import transitions_collect
from webapp.experiments.control.config import ControlConfig
from webapp.experiments.models import Experiment
from webapp.experiments.services import experiment_launch
from webapp.jobs.graph import Node
from webapp.jobs.services import jobs_ensure
from webapp.policies.models import Policy


class ControlBench:
    """A person with transitions of Risky PointMass."""

    def __init__(self, name: str = "emmy") -> None:
        self.user = make_user(name)
        self.dataset = self.collected("Detours")

    def collected(self, name: str, **changes: Any) -> Dataset:
        spec = CollectSpec(**changes)
        return transitions_collect(owner=self.user, name=name, spec=spec)

    def policy(self, name: str = "Beeline") -> Policy:
        """Return a scripted policy."""
        node = Node(kind="control_policy", spec=ImportPolicySpec(), title=name)
        job = jobs_ensure(nodes=[node], user=self.user)[node.fingerprint]
        return Policy.objects.create(owner=self.user, name=name, job=job)

    def config(self, names: tuple[str, ...] = TWO, **changes: Any) -> ControlConfig:
        choices = [{"label": LABELS[name], "algorithm": name} for name in names]
        values = {"dataset_id": self.dataset.pk, "algorithms": choices, "seeds": [0, 1]}
        return ControlConfig.model_validate(values | changes)

    def launch(self, names: tuple[str, ...] = TWO, **changes: Any) -> Experiment:
        config = self.config(names, **changes)
        return experiment_launch(owner=self.user, name="Control", config=config)
