"""From a step of an evaluation's episode to the page of its correction."""

from typing import Any
from urllib.parse import urlencode

from algorithms.base import UserError
from algorithms.control_specs import EvaluateControlSpec
from webapp.jobs.models import Job
from webapp.labs import sources
from webapp.labs.cells import number_texts
from webapp.labs.correction_page import CDSA, PREFIX
from webapp.labs.correction_walk import acts_here
from webapp.labs.ground_page import episodes_of
from webapp.schema_forms import form_values


def step_query(*, by: str, of: str, episode: str, step: str) -> str:
    """Return the address of the correction of one step.

    Args:
        by: Job of the evaluation whose networks and settings correct.
        of: Job of the evaluation that the step is of.
        episode: Number of a kept episode, from 0; `step` likewise.

    Raises:
        UserError: there is no such step.
    """
    jobs = sources.finished("evaluate_control")
    networks = next((job for job in jobs if str(job.pk) == by), None)
    source = next((job for job in jobs if str(job.pk) == of), None)
    if networks is None or source is None or not (episode.isdecimal() and step.isdecimal()):
        raise UserError("That evaluation is no longer there. Choose another on the PointMass page.")
    episodes = episodes_of(source)
    if int(episode) >= len(episodes) or int(step) >= episodes[int(episode)].length:
        raise UserError("The evaluation kept no such step.")
    seen = episodes[int(episode)].trajectory
    spec = EvaluateControlSpec.model_validate(source.spec)
    asked: dict[str, Any] = {**_networks(networks), **_policy(source, spec)}
    asked |= {"at": "typed", "state": number_texts(seen.observations[int(step)].tolist())}
    if _was_played_as_it_is(source, spec):
        asked["action"] = number_texts(seen.actions[int(step)].tolist())
    return urlencode(asked)


def _networks(job: Job) -> dict[str, Any]:
    inputs = sources.inputs_of(job)
    roles = {"score": "score", "inverse": "inverse_dynamics", "state_score": "state_score"}
    found: dict[str, Any] = {
        name: inputs[role].pk if role in inputs else "" for name, role in roles.items()
    }
    found["ood_level"] = job.spec.get("ood_level", 0.2)
    if job.spec.get("correction") == "cdsa":
        found |= form_values(CDSA.params, job.spec["correction_params"], prefix=PREFIX)
    return found


def _policy(job: Job, spec: EvaluateControlSpec) -> dict[str, Any]:
    stage = spec.stage if spec.policy_seed is None else str(spec.policy_seed)
    return {"policy": sources.inputs_of(job)["policy"].pk, "stage": stage}


def _was_played_as_it_is(job: Job, spec: EvaluateControlSpec) -> bool:
    """Whether the step's action is the policy's own, and asking the policy would not give it."""
    if spec.correction:
        return False
    return spec.noise > 0 or spec.stochastic or not _acts_here(job)


def _acts_here(job: Job) -> bool:
    return acts_here(sources.policy_record(sources.inputs_of(job)["policy"]))
