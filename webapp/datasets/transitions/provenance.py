"""Where transitions come from, in words: what the job wrote into their metadata."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Fact:
    """One line of the card."""

    label: str
    text: str


def provenance_of(metadata: Mapping[str, Any]) -> Sequence[Fact]:
    """Return how the data were imported or collected."""
    told: Mapping[str, Any] = metadata.get("provenance") or {}
    if "left_out" in told:
        region: Mapping[str, Any] = told["left_out"]
        how = "begin or end there" if region["touching"] == "either" else "begin there"
        text = f"{told['steps_left_out']:,} steps that {how}: {words_of(region)}"
        pieces = Fact("Returns, lengths", "of the pieces that are left of episodes")
        return [Fact("Left out", text), pieces, *provenance_of({"provenance": told.get("of")})]
    if "collected" in told:
        return _collected(told)
    spec: Mapping[str, Any] = told.get("imported") or {}
    source: Mapping[str, Any] = spec.get("source") or {}
    place = source.get("path") or source.get("name") or "upload"
    facts = [Fact("Imported as", str(told.get("name", ""))), Fact("From", str(place))]
    if spec.get("episode_steps"):
        facts.append(Fact("Episodes cut after", f"{spec['episode_steps']:,} steps"))
    return facts


def _collected(told: Mapping[str, Any]) -> list[Fact]:
    spec: Mapping[str, Any] = told["collected"]
    whole = sum(part["share"] for part in spec["parts"])
    facts = [
        Fact(f"Part {number}", _part(part, whole, told.get("policies", {})))
        for number, part in enumerate(spec["parts"], start=1)
    ]
    facts.append(Fact("Amount", f"{spec['amount']:,} {spec['unit']}, seed {spec['seed']}"))
    if spec["environment"].endswith("RiskyPointMass-v0"):
        facts.append(Fact("Start", str(spec["start"])))
    versions = ", ".join(f"{name} {number}" for name, number in told.get("versions", {}).items())
    return [*facts, Fact("Versions", versions)]


def _part(part: Mapping[str, Any], whole: float, policies: Mapping[str, Any]) -> str:
    words = [f"{100 * part['share'] / whole:.3g}% {part['behaviour'].replace('_', ' ')}"]
    about: Mapping[str, Any] = policies.get(part["behaviour"]) or {}
    if trained := about.get("trained"):
        words.append(f"({trained['algorithm'].upper()}, {trained['steps']:,} steps)")
    elif about:
        words.append(f"({about.get('algorithm') or about.get('kind')})")
    if part["stage"]:
        words.append(f"at {part['stage']}")
    if part.get("replay"):
        words.append("from its replay")
    elif part["noise"]:
        words.append(f"with noise {part['noise']:g}")
    if part["stochastic"]:
        words.append("drawn from its distribution")
    return " ".join(words)


def words_of(spec: Mapping[str, Any]) -> str:
    """Return a region in words: 0.3 ≤ s0 ≤ 0.7."""
    words = []
    for bounds in spec["region"]:
        low, high = bounds["low"], bounds["high"]
        text = f"s{bounds['dimension']}"
        text = text if low is None else f"{low:g} ≤ {text}"
        words.append(text if high is None else f"{text} ≤ {high:g}")
    return " and ".join(words)
