"""Puts together what an evaluation asks for: policy, noise, networks, correction."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from algorithms.base import UserError
from algorithms.catalogue import CORRECTIONS
from algorithms.control.cdsa import Models
from algorithms.control_data.scaling import Scaling
from algorithms.control_models.files import StoredDynamics, StoredScore, load_dynamics, load_score
from algorithms.control_specs import EvaluateControlSpec
from algorithms.controllers.base import Controller, Noisy
from algorithms.controllers.corrected import Traced
from algorithms.controllers.files import load_controller
from algorithms.environments.table import known_environment


def environment_of(spec: EvaluateControlSpec, policy: Mapping[str, Any]) -> str:
    """Return the environment to evaluate in.

    Raises:
        UserError: neither job nor policy names one, or jobs cannot make it.
    """
    name = spec.environment or str(policy.get("environment") or "")
    if not name:
        raise UserError(
            "Neither the policy nor the evaluation says which environment it is for: name it."
        )
    known_environment(name)
    return name


def assembled(spec: EvaluateControlSpec, inputs: Mapping[str, Path]) -> Traced:
    """Return the policy with its noise and correction, ready to act.

    Raises:
        UserError: networks are missing, or do not belong together.
    """
    policy = load_controller(
        inputs["policy"],
        seed=spec.policy_seed,
        checkpoint=spec.stage,
        stochastic=spec.stochastic,
    )
    noisy = Noisy(policy, spec.noise, "evaluation noise") if spec.noise else policy
    return wrapped(noisy, spec, inputs)


def wrapped(policy: Controller, spec: EvaluateControlSpec, inputs: Mapping[str, Path]) -> Traced:
    """Return any controller with the correction that a spec asks for.

    Raises:
        UserError: networks are missing, or do not belong together.
    """
    score, state_score, dynamics = _networks(inputs)
    stored = [each for each in (score, state_score, dynamics) if each is not None]
    scaling = _common_scaling([each.scaling for each in stored])
    models = Models(
        score=score.model.score if score else None,
        state_score=state_score.model.score if state_score else None,
        inverse=dynamics.model.inverse if dynamics else None,
        successor=dynamics.model.successor if dynamics and dynamics.params.forward else None,
    )
    correction = _correction(spec, models)
    if scaling is not None and len(scaling.low) != len(policy.low):
        raise UserError(
            f"The policy has {len(policy.low)} action dimensions and the networks "
            f"{len(scaling.low)}: they are of different environments."
        )
    return Traced(
        policy, scaling, correction=correction, score=models.score, ood_level=spec.ood_level
    )


def _networks(
    inputs: Mapping[str, Path],
) -> tuple[StoredScore | None, StoredScore | None, StoredDynamics | None]:
    score = load_score(inputs["score"]) if "score" in inputs else None
    state = load_score(inputs["state_score"]) if "state_score" in inputs else None
    dynamics = load_dynamics(inputs["inverse_dynamics"]) if "inverse_dynamics" in inputs else None
    for found, variables in ((score, "joint"), (state, "state")):
        if found is not None and found.params.variables != variables:
            raise UserError(
                f"A score network of the variables {variables!r} is needed in its place, and the "
                f"one given is of {found.params.variables!r}. Exchange them."
            )
    return score, state, dynamics


def _common_scaling(scalings: list[Scaling]) -> Scaling | None:
    if not scalings:
        return None
    first = scalings[0]
    for other in scalings[1:]:
        same = len(first.mean) == len(other.mean) and np.array_equal(first.kept, other.kept)
        if not (same and np.allclose(first.mean, other.mean, rtol=1e-4, atol=1e-5)):
            raise UserError(
                "Score network and inverse dynamics model were trained on different data sets, so "
                "their units differ. Train both on one."
            )
    return first


def _correction(spec: EvaluateControlSpec, models: Models) -> Any:
    if not spec.correction:
        return None
    if spec.correction not in CORRECTIONS:
        raise UserError(
            f"There is no correction {spec.correction!r} here. There are: {', '.join(CORRECTIONS)}."
        )
    algorithm = CORRECTIONS[spec.correction]
    try:
        params = algorithm.params.model_validate(dict(spec.correction_params))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        raise UserError(
            f"The setting {name} of {algorithm.title} is not valid: {first['msg']}."
        ) from error
    return algorithm.build(models, params)
