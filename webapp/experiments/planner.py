"""The planner: from a config and the fingerprints of its sources to runs and jobs; pure."""

from webapp.experiments import recipes
from webapp.experiments.config import ExperimentConfig
from webapp.experiments.plan import Plan, Sources


def plan(config: ExperimentConfig, sources: Sources) -> Plan:
    """Return every run and job of the experiment; equal inputs give equal plans."""
    return recipes.load(config.recipe).plan(config, sources)


def source_ids(config: ExperimentConfig) -> tuple[set[int], set[int]]:
    """Return the ids of all datasets and of all policies that the config names."""
    datasets = {config.dataset_id, *_ids(config, "dataset_id")}
    if config.eval_dataset_id is not None:
        datasets.add(config.eval_dataset_id)
    datasets |= set(config.benchmarks)
    policies = {config.policy_id, *_ids(config, "policy_id")}
    if config.reference_policy_id is not None:
        policies.add(config.reference_policy_id)
    return datasets, policies


def _ids(config: ExperimentConfig, path: str) -> set[int]:
    return {value for value in config.axes.get(path, ()) if isinstance(value, int)}
