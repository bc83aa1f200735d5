"""Compared algorithms of an experiment, as a person asks for them; pure."""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field, ValidationInfo, field_validator

from algorithms.base import LLMAlgorithm, Schema
from algorithms.catalogue import ALGORITHMS, CONTROL_ALGORITHMS
from algorithms.control_base import ControlAlgorithm
from webapp.experiments.complaints import complaint

BASE_LABEL = "base policy"
"""Label of the run that only evaluates the policy everything starts from."""


def free_label(label: str) -> str:
    """Return a name without spaces to spare.

    Raises:
        PydanticCustomError: it is empty, or that of the policy's own evaluation.
    """
    label = " ".join(label.split())
    if not label:
        raise complaint("Give it a name.")
    if label == BASE_LABEL:
        raise complaint("This name is taken by the policy's own evaluation.")
    return label


class Choice(Schema):
    """One compared group: an algorithm with its hyperparameters under a name of its own."""

    catalogue: ClassVar[Mapping[str, LLMAlgorithm] | Mapping[str, ControlAlgorithm]]
    """What there is to choose from."""

    label: str = Field(min_length=1, max_length=80)
    """Name in legends and tables, such as "TOPR, c = -0.5"."""
    algorithm: str
    """File name of the algorithm, such as topr."""
    params: Mapping[str, Any] = Field(default={}, validate_default=True)
    """Hyperparameters; what is left out takes the algorithm's default."""
    preset_id: int | None = None
    """The saved preset it came from."""

    @property
    def chosen(self) -> tuple[type[Schema], Mapping[str, Any]]:
        """The schema of its hyperparameters, and the hyperparameters."""
        return self.catalogue[self.algorithm].params, self.params

    @field_validator("label")
    @classmethod
    def _label_is_free(cls, label: str) -> str:
        return free_label(label)

    @field_validator("algorithm")
    @classmethod
    def _algorithm_is_known(cls, name: str) -> str:
        if name not in cls.catalogue:
            known = ", ".join(sorted(cls.catalogue))
            raise complaint(f"There is no algorithm {name}. Known: {known}.")
        return name

    @field_validator("params")
    @classmethod
    def _params_are_complete(
        cls, params: Mapping[str, Any], info: ValidationInfo
    ) -> dict[str, Any]:
        if "algorithm" not in info.data:
            return dict(params)
        schema = cls.catalogue[info.data["algorithm"]].params
        return schema.model_validate(dict(params)).model_dump(mode="json")


class AlgorithmChoice(Choice):
    """An algorithm that trains a language model."""

    catalogue = ALGORITHMS


class ControlChoice(Choice):
    """An algorithm that learns a policy for control from transitions, such as td3_bc."""

    catalogue = CONTROL_ALGORITHMS
