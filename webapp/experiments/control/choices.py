"""What an experiment of the control laboratory compares beside algorithms; pure."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, ValidationInfo, field_validator

from algorithms.base import Schema
from algorithms.catalogue import CORRECTIONS
from webapp.experiments.choices import free_label
from webapp.experiments.complaints import complaint

UNCORRECTED = "uncorrected"
"""Usual name of acting as the policy says."""


class Which(Schema):
    """Which of the policies that one artifact holds."""

    stage: str = ""
    """Of a policy trained online: which of its stages; empty takes the last."""
    policy_seed: int | None = Field(None, ge=0)
    """Of policies trained side by side: which one; empty takes the first."""


class GivenPolicy(Which):
    """A policy for control that exists, evaluated as it is."""

    label: str = Field(min_length=1, max_length=80)
    """Name in legends and tables."""
    policy_id: int
    """The policy."""

    @field_validator("label")
    @classmethod
    def _label_is_free(cls, label: str) -> str:
        return free_label(label)


class CorrectionChoice(Schema):
    """One way of acting that every policy is compared in: as it is, or corrected."""

    name: str = Field(min_length=1, max_length=60)
    """Name in legends and tables, behind that of the policy: TD3+BC + CDSA."""
    correction: str = ""
    """File name of the correction, such as cdsa; empty corrects nothing."""
    params: Mapping[str, Any] = Field(default={}, validate_default=True)
    """Its settings; what is left out takes the correction's default."""
    preset_id: int | None = None
    """The saved preset it came from."""

    @property
    def chosen(self) -> tuple[type[Schema], Mapping[str, Any]]:
        """The schema of its settings, and the settings; only where it corrects."""
        return CORRECTIONS[self.correction].params, self.params

    @field_validator("name")
    @classmethod
    def _name_is_seen(cls, name: str) -> str:
        name = " ".join(name.split())
        if not name:
            raise complaint("Give it a name.")
        return name

    @field_validator("correction")
    @classmethod
    def _correction_is_known(cls, name: str) -> str:
        if name and name not in CORRECTIONS:
            known = ", ".join(sorted(CORRECTIONS))
            raise complaint(f"There is no correction {name}. Known: {known}.")
        return name

    @field_validator("params")
    @classmethod
    def _params_are_complete(
        cls, params: Mapping[str, Any], info: ValidationInfo
    ) -> dict[str, Any]:
        name = info.data.get("correction")
        if name is None:
            return dict(params)
        if not name:
            if params:
                raise complaint("Nothing is corrected: there is nothing to set.")
            return {}
        return CORRECTIONS[name].params.model_validate(dict(params)).model_dump(mode="json")


POINT_MASS_PRESET = "PointMass"
"""Settings that were found to work on Risky PointMass; the reference design's, not the paper's."""
USUAL = (
    CorrectionChoice(name=UNCORRECTED),
    CorrectionChoice(
        name="CDSA", correction="cdsa", params=CORRECTIONS["cdsa"].presets[POINT_MASS_PRESET]
    ),
)
"""Each policy as it is, and corrected."""
