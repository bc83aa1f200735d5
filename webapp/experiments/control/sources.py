"""The data sets of transitions and the policies that an experiment names by id."""

from django.core.exceptions import ValidationError

from webapp.datasets.selectors import datasets
from webapp.experiments.control.config import ControlConfig
from webapp.experiments.sources import FoundSources
from webapp.policies.selectors import policies


def find_control_sources(config: ControlConfig) -> FoundSources:
    """Return the data sets and policies of a config; 2 queries.

    Raises:
        ValidationError: one does not exist; the field that names it is told.
    """
    asked = {config.dataset_id, *config.dataset_ids}
    found = datasets(family="transitions").in_bulk(asked)
    acting = policies(family="control").in_bulk(config.policy_ids)
    errors: dict[str, str] = {}
    if config.dataset_id not in found:
        errors["dataset_id"] = f"{config.dataset_id} {_GONE}"
    if lost := sorted(set(config.dataset_ids) - {config.dataset_id} - set(found)):
        errors["axes.dataset_id"] = f"{', '.join(map(str, lost))}: no such data set of transitions."
    for number, one in enumerate(config.policies):
        if one.policy_id not in acting:
            errors[f"policies.{number}.policy_id"] = f"{one.policy_id} {_GONE}"
    if errors:
        raise ValidationError(errors)
    return FoundSources(found, acting)


_GONE = "does not exist (any more), or is of another family: choose another."


def control_warnings(config: ControlConfig, sources: FoundSources) -> list[str]:
    """Return sentences about data that do not say which environment they are of."""
    if config.evaluate.environment and not config.settings.evaluate_every:
        return []
    return [
        f"“{row}” does not say which environment it is of: name the environment to evaluate in."
        for pk, row in sources.datasets.items()
        if pk in config.dataset_ids and row.job.spec.get("environment") == ""
    ]
