"""One compared algorithm of an experiment, as a person asks for it; pure."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, ValidationInfo, field_validator

from algorithms.base import Schema
from algorithms.catalogue import ALGORITHMS
from webapp.experiments.complaints import complaint

BASE_LABEL = "base policy"
"""Label of the run that only evaluates the policy everything starts from."""


class AlgorithmChoice(Schema):
    """One compared group: an algorithm with its hyperparameters under a name of its own."""

    label: str = Field(min_length=1, max_length=80)
    """Name in legends and tables, such as "TOPR, c = -0.5"."""
    algorithm: str
    """File name of the algorithm, such as topr."""
    params: Mapping[str, Any] = Field(default={}, validate_default=True)
    """Hyperparameters; what is left out takes the algorithm's default."""
    preset_id: int | None = None
    """The saved preset it came from."""

    @field_validator("label")
    @classmethod
    def _label_is_free(cls, label: str) -> str:
        label = " ".join(label.split())
        if not label:
            raise complaint("Give it a name.")
        if label == BASE_LABEL:
            raise complaint("This name is taken by the policy's own evaluation.")
        return label

    @field_validator("algorithm")
    @classmethod
    def _algorithm_is_known(cls, name: str) -> str:
        if name not in ALGORITHMS:
            known = ", ".join(sorted(ALGORITHMS))
            raise complaint(f"There is no algorithm {name}. Known: {known}.")
        return name

    @field_validator("params")
    @classmethod
    def _params_are_complete(
        cls, params: Mapping[str, Any], info: ValidationInfo
    ) -> dict[str, Any]:
        if "algorithm" not in info.data:
            return dict(params)
        schema = ALGORITHMS[info.data["algorithm"]].params
        return schema.model_validate(dict(params)).model_dump(mode="json")
