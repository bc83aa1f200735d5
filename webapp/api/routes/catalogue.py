"""Algorithms with their schemas, and saved presets."""

from typing import Any

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router, Schema, Status

from webapp.api.auth import caller
from webapp.api.schemas.catalogue import AlgorithmOut, PresetOut, algorithm_out, preset_out
from webapp.api.schemas.common import Page, RangeQuery, page_of
from webapp.api.schemas.experiments import RecipeOut, recipe_out
from webapp.catalogue import selectors, services
from webapp.catalogue.known import KNOWN
from webapp.catalogue.models import Preset
from webapp.experiments.recipes import RECIPE_NAMES, load

router = Router(tags=["algorithms"])


class PresetChange(Schema):
    """Name, hyperparameters and notes of a preset."""

    name: str
    params: dict[str, Any] = {}
    """What is left out takes the algorithm's default."""
    notes: str = ""


class PresetIn(PresetChange):
    """A preset to make."""

    algorithm: str


@router.get("/algorithms", response=list[AlgorithmOut])
def algorithms(request: HttpRequest) -> list[AlgorithmOut]:
    """Return every algorithm and correction with the JSON schema of its hyperparameters."""
    return [algorithm_out(name, one) for name, one in sorted(KNOWN.items())]


@router.get("/algorithms/{name}", response=AlgorithmOut)
def algorithm(request: HttpRequest, name: str) -> AlgorithmOut:
    """Return one algorithm."""
    if name not in KNOWN:
        raise Http404(f"There is no algorithm {name}. Known: {', '.join(sorted(KNOWN))}.")
    return algorithm_out(name, KNOWN[name])


@router.get("/recipes", response=list[RecipeOut])
def recipes(request: HttpRequest) -> list[RecipeOut]:
    """Return every recipe with the JSON schema of its own settings."""
    return [recipe_out(name, load(name)) for name in RECIPE_NAMES]


@router.get("/presets", response=Page[PresetOut])
def presets(
    request: HttpRequest,
    asked: RangeQuery,
    *,
    search: str = "",
    algorithm: str = "",
) -> Page[PresetOut]:
    """Return presets by algorithm and name."""
    return page_of(selectors.presets(search=search, algorithm=algorithm), asked, preset_out)


@router.post("/presets", response={201: PresetOut})
def preset_create(request: HttpRequest, payload: PresetIn) -> Status[PresetOut]:
    """Save a choice of hyperparameters."""
    made = services.preset_create(
        owner=caller(request),
        name=payload.name,
        algorithm=payload.algorithm,
        params=payload.params,
        notes=payload.notes,
    )
    return Status(201, preset_out(made))


@router.get("/presets/{preset_id}", response=PresetOut)
def preset(request: HttpRequest, preset_id: int) -> PresetOut:
    """Return one preset."""
    return preset_out(get_object_or_404(selectors.presets(), pk=preset_id))


@router.put("/presets/{preset_id}", response=PresetOut)
def preset_update(request: HttpRequest, preset_id: int, payload: PresetChange) -> PresetOut:
    """Change a preset; experiments keep what they were launched with."""
    changed = services.preset_update(
        preset=get_object_or_404(selectors.presets(), pk=preset_id),
        user=caller(request),
        name=payload.name,
        params=payload.params,
        notes=payload.notes,
    )
    return preset_out(changed)


@router.delete("/presets/{preset_id}", response={204: None})
def preset_delete(request: HttpRequest, preset_id: int) -> Status[None]:
    """Delete a preset."""
    found = get_object_or_404(Preset, pk=preset_id)
    services.preset_delete(preset=found, user=caller(request))
    return Status(204, None)
