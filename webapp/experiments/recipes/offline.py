"""One round off-policy: generate, grade and curate once, train every algorithm, evaluate."""

from webapp.experiments.config import ExperimentConfig
from webapp.experiments.plan import Plan, Recipe, Sources
from webapp.experiments.stages import matrix, one_round


def plan(config: ExperimentConfig, sources: Sources) -> Plan:
    """Return runs that train on one shared set of graded completions."""
    return matrix(config, sources, one_round)


RECIPE = Recipe(
    title="Offline, one round",
    summary=(
        "The policy completes every prompt once. All algorithms and seeds train on this one set "
        "of graded completions, or on what curations keep of it, and are evaluated on the same "
        "held-out problems."
    ),
    plan=plan,
)
