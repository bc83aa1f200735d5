"""Settings of a study's experiments, put together from what the study, its scale and pilot say."""

from collections.abc import Mapping, Sequence
from typing import Any

from webapp.experiments.axes import AxisValue
from webapp.studies.claim_schema import BASE, BelowBase, ClaimSpec, Side
from webapp.studies.schema import Pilot, Profile, Study


def experiment_config(study: Study, profile: Profile, key: str) -> dict[str, Any]:
    """Return an experiment's config: the study's, the scale's for all, the scale's for it."""
    config = merged(study.experiments[key], profile.shared)
    return {
        "seeds": list(profile.seeds),
        **merged(config, profile.experiments.get(key, {})),
    }


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with others put over them, section by section; lists are replaced."""
    found = dict(base)
    for name, value in over.items():
        below = found.get(name)
        both = isinstance(below, Mapping) and isinstance(value, Mapping)
        found[name] = merged(below, value) if both else value  # type: ignore[arg-type]
    return found


def pilot_config(study: Study, profile: Profile, pilot: Pilot) -> tuple[str, dict[str, Any]]:
    """Return the experiment that a pilot checks, and its config cut down to the two sides."""
    claim = study.claim(pilot.claim)
    assert claim is not None  # checked by the study
    sides = sides_of(claim)
    config = merged(experiment_config(study, profile, claim.experiment), pilot.change)
    config["seeds"] = list(pilot.seeds)
    named = {side.group for side in sides}
    config["algorithms"] = [one for one in config["algorithms"] if one.get("label") in named]
    for path, values in dict(config.get("axes", {})).items():
        wanted = [_place(side, path, values) for side in sides if side.group != BASE]
        kept = [value for value in values if value in wanted] or list(values)
        config["axes"] = {**config["axes"], path: kept}
    chosen = {side.axes["curation"] for side in sides if "curation" in side.axes}
    if chosen:
        config["curations"] = [one for one in config["curations"] if one.get("name") in chosen]
    return claim.experiment, config


def _place(side: Side, path: str, values: Sequence[AxisValue]) -> AxisValue:
    if path in side.places:
        return values[side.places[path]]
    return side.axes.get(path)


def sides_of(claim: ClaimSpec) -> list[Side]:
    """Return the sides that a claim compares; the base policy where it names it."""
    found = [getattr(claim, name, None) for name in ("left", "right")]
    sides = [side for side in found if isinstance(side, Side)]
    return [*sides, Side(group=BASE)] if isinstance(claim, BelowBase) else sides
