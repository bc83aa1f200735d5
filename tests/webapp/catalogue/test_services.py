"""Presets: complete, validated, owned."""

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from algorithms.catalogue import ALGORITHMS
from tests.webapp.experiments.factories import make_user
from webapp.catalogue.models import Preset
from webapp.catalogue.selectors import presets
from webapp.catalogue.services import preset_create, preset_delete, preset_update

pytestmark = pytest.mark.django_db


def test_a_preset_is_completed_with_defaults() -> None:
    preset = preset_create(
        owner=make_user(), name=" TOPR,  c ", algorithm="topr", params={"baseline": -0.5}
    )
    defaults = ALGORITHMS["topr"].params().model_dump(mode="json")
    assert preset.name == "TOPR, c"
    assert Preset.objects.get().params == defaults | {"baseline": -0.5}


def test_an_algorithm_without_hyperparameters_can_have_a_preset() -> None:
    preset_create(owner=make_user(), name="x", algorithm="positives", params={})
    assert Preset.objects.get().params == {}


@pytest.mark.parametrize(
    ("algorithm", "params", "fields"),
    [
        ("nothing", {}, {"algorithm"}),
        ("topr", {"baseline": "x"}, {"params.baseline"}),
        (
            "topr",
            {"warp": 1, "negative_ratio_max": -1},
            {"params.warp", "params.negative_ratio_max"},
        ),
    ],
)
def test_errors_are_told_at_their_fields(
    algorithm: str, params: dict[str, object], fields: set[str]
) -> None:
    with pytest.raises(ValidationError) as caught:
        preset_create(owner=make_user(), name="x", algorithm=algorithm, params=params)
    assert set(caught.value.message_dict) == fields
    assert not Preset.objects.exists()


@pytest.mark.parametrize("name", ["", " ", "taken"])
def test_a_name_is_needed_and_unique(name: str) -> None:
    user = make_user()
    preset_create(owner=user, name="taken", algorithm="ppo", params={})
    with pytest.raises(ValidationError) as caught:
        preset_create(owner=user, name=name, algorithm="ppo", params={})
    assert list(caught.value.message_dict) == ["name"]


def test_only_the_owner_and_staff_change_a_preset() -> None:
    preset = preset_create(owner=make_user(), name="x", algorithm="ppo", params={})
    eve = make_user("eve")
    with pytest.raises(PermissionDenied):
        preset_update(preset=preset, user=eve, name="y", params={})
    with pytest.raises(PermissionDenied):
        preset_delete(preset=preset, user=eve)
    root = make_user("root", is_staff=True)
    preset_update(preset=preset, user=root, name="y", params={"clip_low": 0.1})
    preset.refresh_from_db()
    assert (preset.name, preset.params["clip_low"], preset.owner.username) == ("y", 0.1, "ada")
    preset_delete(preset=preset, user=root)
    assert not Preset.objects.exists()


def test_presets_are_found_by_algorithm_and_words() -> None:
    user = make_user()
    for name, algorithm in (("Tight clip", "ppo"), ("Paper", "topr"), ("Clip none", "ppo")):
        preset_create(owner=user, name=name, algorithm=algorithm, params={})
    assert [p.name for p in presets(algorithm="ppo")] == ["Clip none", "Tight clip"]
    assert [p.name for p in presets(search="clip tight")] == ["Tight clip"]
