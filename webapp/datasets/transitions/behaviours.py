"""Who can collect in an environment, and named compositions as starting points."""

from collections.abc import Mapping
from dataclasses import dataclass

from algorithms.control_specs import Part
from algorithms.environments.table import ENVIRONMENTS
from webapp.policies.control.selectors import behaviours, keeps_replay, stages_of
from webapp.policies.models import Policy

NOISE_OF_EXPERTS, NOISE_OF_MEDIUM = 0.15, 0.5
"""Of scripted controllers: without noise they visit a few lines only."""
SEPARATOR = "@"


@dataclass(frozen=True)
class Behaviour:
    """One entry of the list of behaviours: a controller, or one stage of a policy."""

    value: str
    """`random`, `detour`, `12` or `12@step-500`: what the form sends."""
    label: str
    group: str = "Scripted"
    policy: Policy | None = None
    stage: str = ""

    @property
    def has_replay(self) -> bool:
        """Whether the transitions of its training can be taken."""
        return self.policy is not None and keeps_replay(self.policy.job)


def offered(environment: str) -> dict[str, Behaviour]:
    """Return who can collect in an environment, by the value that the form sends."""
    scripted = ENVIRONMENTS[environment].scripted if environment in ENVIRONMENTS else ()
    found = [Behaviour("random", "random actions")]
    found += [Behaviour(name, name.replace("_", " ")) for name in scripted]
    for policy in behaviours(environment):
        stages = stages_of(policy.job)
        if not stages:
            found.append(Behaviour(str(policy.pk), str(policy), "Policies", policy))
        for stage in reversed(stages):
            value = f"{policy.pk}{SEPARATOR}{stage}"
            group = f"Stages of {policy}"
            found.append(Behaviour(value, f"{policy}, {stage}", group, policy, stage))
    return {each.value: each for each in found}


def grouped(offers: Mapping[str, Behaviour]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the entries as the choices of a select."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for each in offers.values():
        groups.setdefault(each.group, []).append((each.value, each.label))
    return list(groups.items())


@dataclass(frozen=True)
class Chosen:
    """A part of a composition, as the form has it."""

    behaviour: str
    share: float = 1.0
    noise: float = 0.0
    replay: bool = False

    def values(self) -> dict[str, object]:
        """Return the part's settings without its behaviour."""
        return {"share": self.share, "noise": self.noise, "replay": self.replay}


def compositions(offers: Mapping[str, Behaviour]) -> dict[str, tuple[Chosen, ...]]:
    """Return the usual compositions that can be made of these behaviours, by name.

    Expert is the last stage of the newest policy, or else the first scripted controller with a
    little noise; medium is a stage half way, or else the controller with much noise.
    """
    random = Chosen("random")
    found: dict[str, tuple[Chosen, ...]] = {"random": (random,)}
    policies = [each for each in offers.values() if each.policy is not None]
    if policies:
        same = [each for each in policies if each.policy == policies[0].policy]
        best, middle = Chosen(same[0].value), Chosen(same[len(same) // 2].value)
        if len(same) == 1:
            middle = Chosen(same[0].value, noise=NOISE_OF_MEDIUM)
        if same[0].has_replay:
            found["medium-replay"] = (Chosen(middle.behaviour, replay=True),)
    elif len(offers) > 1:
        name = list(offers)[1]
        best = Chosen(name, noise=NOISE_OF_EXPERTS)
        middle = Chosen(name, noise=NOISE_OF_MEDIUM)
    else:
        return found
    found |= {
        "medium": (middle,),
        "medium-expert": (middle, best),
        "expert": (best,),
        "mixed": (random, middle, best),
    }
    return {name: found[name] for name in ORDER if name in found}


ORDER = ("random", "medium", "medium-replay", "medium-expert", "expert", "mixed")


def part_of(chosen: Behaviour, role: str, values: Mapping[str, object]) -> Part:
    """Return a part of the spec; `role` names the policy among the job's inputs."""
    behaviour = role if chosen.policy is not None else chosen.value
    stage = chosen.stage if chosen.policy is not None else ""
    return Part.model_validate({**values, "behaviour": behaviour, "stage": stage})
