"""The jobs behind a policy for control, before they are rows; pure."""

from algorithms.control_specs import ImportPolicySpec, TrainBehaviourSpec
from webapp.jobs.graph import Given, Node, Source


def behaviour_node(spec: TrainBehaviourSpec, name: str, label: str = "cpu") -> Node:
    """Return the job that trains a behaviour policy online."""
    title = f"Behaviour policy {name}"[:200]
    return Node(kind="train_behaviour", spec=spec, title=title, label=label)


def import_node(spec: ImportPolicySpec, name: str, upload: str = "", label: str = "cpu") -> Node:
    """Return the job that takes in a policy.

    Args:
        upload: fingerprint of the uploaded file; empty where the spec names one or needs none.
    """
    inputs: dict[str, Source] = {"file": Given(upload)} if upload else {}
    title = f"Control policy {name}"[:200]
    return Node(kind="control_policy", spec=spec, title=title, inputs=inputs, label=label)
