"""The jobs behind a policy, before they are rows; pure."""

from algorithms.catalogue import ALGORITHMS
from algorithms.specs import TrainSpec
from webapp.jobs.graph import Given, Node


class WarmStartError(ValueError):
    """The algorithm of a warm start does not learn from reference answers."""


def warm_started(policy: Node, spec: TrainSpec, rows: Given | Node, name: str) -> Node:
    """Return the supervised training of a policy on a dataset's reference answers.

    Raises:
        WarmStartError: the algorithm is not one that learns from them.
    """
    algorithm = ALGORITHMS.get(spec.algorithm)
    if algorithm is None or algorithm.trains_on != "references":
        able = ", ".join(sorted(n for n, a in ALGORITHMS.items() if a.trains_on == "references"))
        raise WarmStartError(
            f"A warm start learns from reference answers. Algorithms that do: {able}."
        )
    params = algorithm.params.model_validate(dict(spec.params)).model_dump(mode="json")
    return Node(
        kind="train",
        spec=spec.model_copy(update={"params": params}),
        title=f"Warm start of {name}"[:200],
        inputs={"policy": policy, "dataset": rows, "eval_dataset": rows},
        label=policy.label,
        code_version=f"{spec.algorithm}-{algorithm.version}",
    )
