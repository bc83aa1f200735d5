"""The planner: from a config and the fingerprints of its sources to runs and jobs; pure."""

from webapp.experiments import recipes
from webapp.experiments.config import ExperimentConfig
from webapp.experiments.configs import AnyConfig
from webapp.experiments.control.config import ControlConfig
from webapp.experiments.named_ids import named_ids
from webapp.experiments.plan import Plan, Sources


def plan(config: AnyConfig, sources: Sources) -> Plan:
    """Return every run and job of the experiment; equal inputs give equal plans."""
    return recipes.load(config.recipe).plan(config, sources)


def source_ids(config: AnyConfig) -> tuple[set[int], set[int]]:
    """Return the ids of all datasets and of all policies that the config names."""
    if isinstance(config, ControlConfig):
        return {config.dataset_id, *config.dataset_ids}, set(config.policy_ids)
    datasets = {config.dataset_id, *_ids(config, "dataset_id")}
    if config.eval_dataset_id is not None:
        datasets.add(config.eval_dataset_id)
    datasets |= {*config.benchmarks, *named_ids(config, "dataset_id").values()}
    policies = {config.policy_id, *_ids(config, "policy_id")}
    if config.reference_policy_id is not None:
        policies.add(config.reference_policy_id)
    return datasets, policies | set(named_ids(config, "policy_id").values())


def rollout_ids(config: AnyConfig) -> set[int]:
    """Return the ids of all given sets of completions that the config names."""
    if isinstance(config, ControlConfig):
        return set()
    own = set() if config.rollouts_id is None else {config.rollouts_id}
    return own | set(named_ids(config, "rollouts_id").values())


def _ids(config: ExperimentConfig, path: str) -> set[int]:
    return {value for value in config.axes.get(path, ()) if isinstance(value, int)}
