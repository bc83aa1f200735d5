"""What a larger config adds to an experiment."""

from typing import Any

from algorithms.base import UserError
from webapp.experiments.configs import AnyConfig
from webapp.experiments.models import Experiment
from webapp.experiments.plan import Plan, RunPlan
from webapp.experiments.selectors import clone_config

ADDABLE = frozenset({"algorithms", "policies", "corrections", "seeds", "axes", "label"})
"""Parts of a config that an extension may change."""


def new_runs(experiment: Experiment, config: AnyConfig, plan: Plan) -> list[RunPlan]:
    """Return the planned runs that the experiment does not have yet.

    Raises:
        UserError: a present run would change or go away, or nothing is new.
    """
    before, after = (one.model_dump(mode="json") for one in (clone_config(experiment), config))
    changed = [name for name in after if name not in ADDABLE and before.get(name) != after[name]]
    if changed:
        raise UserError(
            f"An extension only adds algorithms, seeds or axis values; {', '.join(changed)} "
            "differs. Clone the experiment to change it."
        )
    missing = {(run.label, run.seed): run.config for run in experiment.runs.all()}
    added = [run for run in plan.runs if not _is_present(run, missing)]
    if missing:
        label, seed = next(iter(missing))
        raise UserError(
            f"An extension keeps every run: {label}, seed {seed} would change or go away. "
            "Clone the experiment to change it."
        )
    if not added:
        raise UserError("Nothing is added: name another algorithm, seed or axis value.")
    return added


def _is_present(run: RunPlan, missing: dict[tuple[str, int], dict[str, Any]]) -> bool:
    """Whether the experiment has this run; what was found is taken out of `missing`."""
    if missing.get((run.label, run.seed)) != run.specs:
        return False
    del missing[run.label, run.seed]
    return True
