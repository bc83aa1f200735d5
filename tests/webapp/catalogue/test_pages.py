"""The gallery, the page of one algorithm with its live plot, and presets."""

import json
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.text import slugify
from pytest_django import DjangoAssertNumQueries

from algorithms.catalogue import ALGORITHMS
from algorithms.shared import families
from webapp.accounts.models import User
from webapp.catalogue import formulas, selectors
from webapp.catalogue.known import KNOWN
from webapp.catalogue.models import Preset
from webapp.catalogue.services import preset_create

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada", password="ada")


@pytest.fixture
def page(client: Client, ada: User) -> Client:
    client.force_login(ada)
    return client


@pytest.fixture
def preset(ada: User) -> Preset:
    return preset_create(
        owner=ada, name="TOPR, c = -0.5", algorithm="topr", params={"baseline": -0.5}
    )


def _topr(**changed: str) -> dict[str, str]:
    params = {
        "baseline": "0",
        "positive_ratio_min": "1",
        "positive_ratio_max": "1",
        "negative_ratio_min": "0",
        "negative_ratio_max": "1",
        "ratio_granularity": "sequence",
        "length_normalisation": "on",
    } | changed
    return {"set": "1", **{f"p-{name}": text for name, text in params.items()}}


def _coefficients(page: Client, **changed: str) -> tuple[dict[float, float], dict[float, float]]:
    answer = page.get(reverse("catalogue:coefficient", args=["topr"]), _topr(**changed))
    drawn = json.loads(answer.content)
    positive, negative = (
        dict(zip((round(x, 9) for x in trace["x"]), trace["y"], strict=True))
        for trace in drawn["data"]
    )
    return positive, negative


def test_the_gallery_shows_every_algorithm_with_formula_paper_and_plot(page: Client) -> None:
    shown = page.get(reverse("catalogue:gallery")).content.decode()
    for name, algorithm in ALGORITHMS.items():
        assert algorithm.title in shown
        assert reverse("catalogue:coefficient", args=[name]) in shown
    assert shown.count("<math") == len(KNOWN)
    assert "https://arxiv.org/abs/2503.14286" in shown


def test_the_gallery_is_ordered_by_family(page: Client) -> None:
    shown = page.get(reverse("catalogue:gallery")).content.decode()
    places = [
        shown.index(f'<section class="family" id="{slugify(name)}"') for name in families.ORDER
    ]
    assert places == sorted(places)
    assert shown.index(reverse("catalogue:algorithm", args=["sft"])) < shown.index(
        reverse("catalogue:algorithm", args=["dpo"])
    )


def test_the_gallery_is_searched_by_words_that_all_occur(page: Client) -> None:
    found = page.get(reverse("catalogue:gallery"), {"q": "group CLIPPED"}).content.decode()
    assert reverse("catalogue:coefficient", args=["grpo"]) in found
    assert reverse("catalogue:coefficient", args=["topr"]) not in found
    nothing = page.get(reverse("catalogue:gallery"), {"q": "<b>no such"}).content.decode()
    assert "says “&lt;b&gt;no such”" in nothing
    assert "/coefficient.json" not in nothing


def test_the_gallery_asks_as_often_for_many_presets_as_for_one(
    page: Client, ada: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(12):
        preset_create(owner=ada, name=f"P{number}", algorithm="ppo", params={})
    with django_assert_num_queries(3):  # session, user, presets
        page.get(reverse("catalogue:gallery"))


@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_algorithm_has_a_page_and_a_plot(page: Client, name: str) -> None:
    shown = page.get(reverse("catalogue:algorithm", args=[name]))
    assert shown.status_code == 200
    for field in ALGORITHMS[name].params.model_fields:
        assert f'name="p-{field}"' in shown.content.decode()
    drawn = json.loads(page.get(reverse("catalogue:coefficient", args=[name])).content)
    assert [len(trace["x"]) for trace in drawn["data"]] == [len(formulas.RATIOS)] * 2


def test_an_algorithm_that_does_not_exist_is_not_found(page: Client) -> None:
    assert page.get(reverse("catalogue:algorithm", args=["nothing"])).status_code == 404
    assert page.get(reverse("catalogue:coefficient", args=["nothing"])).status_code == 404


def test_topr_never_pushes_negatives_down_more_than_their_ratio(page: Client) -> None:
    positive, negative = _coefficients(page)
    assert positive[0.01] == positive[10.0] == 1
    assert negative[0.01] == pytest.approx(-0.01)
    assert negative[10.0] == -1


def test_the_plot_follows_the_hyperparameters_of_the_address(page: Client) -> None:
    positive, negative = _coefficients(page, baseline="-0.5", negative_ratio_max="")
    assert positive[1.0] == 1.5
    assert negative[10.0] == pytest.approx(-5)


def test_htmx_gets_the_differences_and_the_address_of_the_new_plot(page: Client) -> None:
    answer = page.get(
        reverse("catalogue:algorithm", args=["topr"]), _topr(baseline="-0.5"), headers=HTMX
    )
    event = json.loads(answer["HX-Trigger"])["lab:coefficient"]
    assert "p-baseline=-0.5" in event["url"]
    assert page.get(event["url"]).status_code == 200
    assert re.search(r"baseline <b>-0\.5</b>", answer.content.decode())


def test_htmx_gets_each_error_for_its_field_and_the_plot_stays(page: Client) -> None:
    answer = page.get(
        reverse("catalogue:algorithm", args=["topr"]), _topr(baseline="3"), headers=HTMX
    )
    assert "HX-Trigger" not in answer
    expected = '<template data-error-for="id_p-baseline">Enter a number between -1 and 1.'
    assert expected in answer.content.decode()


def test_rules_between_hyperparameters_are_told_above_the_form(page: Client) -> None:
    values = _topr(positive_ratio_min="2")
    answer = page.get(reverse("catalogue:algorithm", args=["topr"]), values)
    assert "Positive ratio min must not exceed positive ratio max." in answer.content.decode()
    figure = page.get(reverse("catalogue:coefficient", args=["topr"]), values)
    assert figure.status_code == 400


def _save(page: Client, **values: str) -> Any:
    return page.post(
        reverse("catalogue:preset_create", args=["topr"]),
        _topr(baseline="-0.5") | {"name": "TOPR, low", "notes": "why"} | values,
    )


def test_a_preset_is_saved_with_all_its_values(page: Client, ada: User) -> None:
    answer = _save(page)
    preset = Preset.objects.get()
    assert answer.url == reverse("catalogue:preset", args=[preset.pk])
    assert (preset.owner, preset.name, preset.notes) == (ada, "TOPR, low", "why")
    assert (
        preset.params == ALGORITHMS["topr"].params.model_validate({"baseline": -0.5}).model_dump()
    )
    assert "TOPR, low" in page.get(reverse("catalogue:gallery")).content.decode()


def test_a_name_that_is_taken_is_refused_and_nothing_typed_is_lost(page: Client) -> None:
    _save(page)
    answer = _save(page, **{"p-baseline": "-0.25"})
    shown = answer.content.decode()
    assert answer.status_code == 422
    assert "already exists" in shown
    assert 'value="-0.25"' in shown
    assert Preset.objects.count() == 1


def test_an_invalid_preset_is_not_saved(page: Client) -> None:
    answer = _save(page, **{"p-baseline": "7"})
    assert answer.status_code == 422
    assert "Enter a number between -1 and 1." in answer.content.decode()
    assert not Preset.objects.exists()


def test_a_preset_page_shows_its_values_and_saves_changes(page: Client, preset: Preset) -> None:
    address = reverse("catalogue:preset", args=[preset.pk])
    assert 'value="-0.5"' in page.get(address).content.decode()
    page.post(address, _topr(baseline="-0.75") | {"name": "renamed", "notes": ""})
    preset.refresh_from_db()
    assert (preset.name, preset.params["baseline"]) == ("renamed", -0.75)


def test_a_stored_value_that_is_no_longer_allowed_is_shown_with_its_error(
    page: Client, preset: Preset
) -> None:
    Preset.objects.filter(pk=preset.pk).update(params={"baseline": 5, "gone": 1})
    shown = page.get(reverse("catalogue:preset", args=[preset.pk]))
    assert 'value="5"' in shown.content.decode()
    assert "Enter a number between -1 and 1." in shown.content.decode()


def test_only_the_owner_changes_or_deletes_a_preset(client: Client, preset: Preset) -> None:
    client.force_login(User.objects.create_user("bob"))
    address = reverse("catalogue:preset", args=[preset.pk])
    assert "duplicate it to change it" in client.get(address).content.decode()
    assert client.post(address, _topr() | {"name": "mine", "notes": ""}).status_code == 403
    delete = reverse("catalogue:preset_delete", args=[preset.pk])
    assert client.post(delete).status_code == 403
    assert Preset.objects.get().name == preset.name


def test_anybody_duplicates_a_preset_and_owns_the_copy(client: Client, preset: Preset) -> None:
    bob = User.objects.create_user("bob")
    client.force_login(bob)
    for _ in range(2):
        client.post(reverse("catalogue:preset_duplicate", args=[preset.pk]))
    copies = Preset.objects.filter(owner=bob).order_by("pk")
    assert [copy.name for copy in copies] == [f"{preset.name} copy", f"{preset.name} copy 2"]
    assert {copy.params["baseline"] for copy in copies} == {-0.5}


def test_a_copy_of_the_longest_name_still_fits(ada: User) -> None:
    preset_create(owner=ada, name="x" * 114, algorithm="topr", params={})
    assert selectors.free_name("x" * 120) == "x" * 114 + " 2"


def test_a_deleted_preset_is_gone(page: Client, preset: Preset) -> None:
    page.post(reverse("catalogue:preset_delete", args=[preset.pk]))
    assert not Preset.objects.exists()


def test_markup_in_names_and_notes_is_shown_as_text(page: Client, preset: Preset) -> None:
    Preset.objects.filter(pk=preset.pk).update(name="<script>alert(1)</script>", notes="<b>")
    for address in (
        reverse("catalogue:gallery"),
        reverse("catalogue:algorithm", args=["topr"]),
        reverse("catalogue:preset", args=[preset.pk]),
    ):
        assert "<script>alert" not in page.get(address).content.decode()


@pytest.mark.parametrize("latex", ["", r"\frac{", r"\left( a", "a_b_c"])
def test_a_formula_that_cannot_be_read_is_shown_as_it_is(latex: str) -> None:
    assert formulas.mathml(latex) == f"<code>{latex}</code>"


@pytest.mark.parametrize(
    ("paper", "url"),
    [("arXiv:2503.14286", "https://arxiv.org/abs/2503.14286"), ("Williams 1992", "")],
)
def test_only_arxiv_numbers_become_links(paper: str, url: str) -> None:
    assert formulas.paper_url(paper) == url
