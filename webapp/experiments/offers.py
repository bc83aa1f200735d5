"""What the New experiment page offers to compare: defaults, the papers' settings, saved presets."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from algorithms.base import UserError
from algorithms.catalogue import ALGORITHMS
from webapp.catalogue.known import KNOWN, Algorithm
from webapp.catalogue.models import Preset
from webapp.catalogue.selectors import presets
from webapp.schema_forms import differences


@dataclass(frozen=True)
class Offer:
    """One line to tick."""

    source: str
    """`topr`, `topr:a preset of the paper`, or `preset:12`."""
    label: str
    algorithm: str
    params: Mapping[str, Any]
    preset_id: int | None = None
    owner: str = ""

    @property
    def changed(self) -> list[tuple[str, str]]:
        """What differs from the algorithm's defaults."""
        return differences(KNOWN[self.algorithm].params, self.params)


@dataclass(frozen=True)
class OfferGroup:
    """One algorithm and everything to tick of it."""

    name: str
    algorithm: Algorithm
    first: Offer
    """Its defaults."""
    others: tuple[Offer, ...]


def offer_groups(catalogue: Mapping[str, Algorithm] = ALGORITHMS) -> list[OfferGroup]:
    """Return everything of a catalogue that may be compared, by algorithm; one query."""
    saved: dict[str, list[Offer]] = {}
    for preset in presets():
        if preset.algorithm in catalogue:
            saved.setdefault(preset.algorithm, []).append(_of_preset(preset))
    return [
        OfferGroup(name, algorithm, first, (*others, *saved.get(name, ())))
        for name, algorithm in catalogue.items()
        for first, *others in [_shipped(name)]
    ]


def find_offer(source: str, catalogue: Mapping[str, Algorithm] = ALGORITHMS) -> Offer:
    """Return the offer of a catalogue that a tick names.

    Raises:
        UserError: the preset was deleted, or the algorithm is not installed.
    """
    kind, _, rest = source.partition(":")
    if kind == "preset" and rest.isdecimal():
        preset = Preset.objects.select_related("owner").filter(pk=int(rest)).first()
        if preset is not None and preset.algorithm in catalogue:
            return _of_preset(preset)
    elif kind in catalogue:
        for offer in _shipped(kind):
            if offer.source == source:
                return offer
    raise UserError("This algorithm or preset is no longer there: reload the page.")


def short_name(name: str) -> str:
    """Return how an algorithm is called in a legend until somebody names it: TOPR, Positives."""
    if KNOWN[name].short:
        return KNOWN[name].short
    return name.upper() if len(name) <= 4 else name.replace("_", " ").capitalize()


def _shipped(name: str) -> Iterator[Offer]:
    short = short_name(name)
    yield Offer(source=name, label=short, algorithm=name, params={})
    for label, params in KNOWN[name].presets.items():
        source = f"{name}:{label}"
        yield Offer(source=source, label=f"{short}: {label}", algorithm=name, params=dict(params))


def _of_preset(preset: Preset) -> Offer:
    return Offer(
        source=f"preset:{preset.pk}",
        label=preset.name,
        algorithm=preset.algorithm,
        params=preset.params,
        preset_id=preset.pk,
        owner=preset.owner.get_username(),
    )
