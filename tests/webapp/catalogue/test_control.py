"""The gallery's pages of control algorithms and corrections."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from algorithms.catalogue import CONTROL_ALGORITHMS, CORRECTIONS
from tests.webapp.experiments.control.bench import ControlBench
from tests.webapp.experiments.factories import make_user
from tests.webapp.posted import posted
from webapp.catalogue.known import KNOWN
from webapp.catalogue.models import Preset
from webapp.catalogue.services import preset_create

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(client: Client) -> Client:
    client.force_login(make_user())
    return client


def test_the_gallery_has_chapters_of_control_after_those_of_language_models(page: Client) -> None:
    shown = page.get(reverse("catalogue:gallery")).content.decode()
    for name in (*CONTROL_ALGORITHMS, *CORRECTIONS):
        assert KNOWN[name].title in shown
        assert reverse("catalogue:coefficient", args=[name]) not in shown
    places = [shown.index(f"<h2>{title}") for title in ("Imitation", "Offline", "Correction")]
    assert places == sorted(places)
    assert "corrects any policy" in shown


@pytest.mark.parametrize("name", [*CONTROL_ALGORITHMS, *CORRECTIONS])
def test_each_has_a_page_with_formula_settings_and_presets(page: Client, name: str) -> None:
    known = CONTROL_ALGORITHMS.get(name) or CORRECTIONS[name]
    shown = page.get(reverse("catalogue:algorithm", args=[name])).content.decode()
    assert "<math" in shown
    for field in known.params.model_fields:
        assert f'id="id_p-{field}"' in shown
    for preset in known.presets:
        assert escape(preset) in shown
    assert "recipe=control" in shown
    assert "log π" not in shown
    assert page.get(reverse("catalogue:coefficient", args=[name])).status_code == 404


def test_the_reference_design_is_never_called_the_papers(page: Client) -> None:
    shown = page.get(reverse("catalogue:algorithm", args=["cdsa"])).content.decode()
    assert "CDSA, reference design" in shown
    assert "none is known to be the paper" in shown
    assert "Settings from the paper" not in shown


def test_what_is_typed_is_judged_live_without_a_plot(page: Client) -> None:
    address = reverse("catalogue:algorithm", args=["td3_bc"])
    answer = page.get(address, {"set": "1", "p-alpha": "-1"}, headers={"HX-Request": "true"})
    assert "between 0 and 1,000" in answer.content.decode()
    assert "plot" not in answer.content.decode()
    data = posted(page.get(address).content.decode()) | {"p-alpha": "5"}
    answer = page.get(address, data, headers={"HX-Request": "true"})
    assert "alpha <b>5</b>" in answer.content.decode()
    assert "HX-Trigger" not in answer.headers


def test_a_correction_is_saved_and_leads_to_an_experiment_with_it(client: Client) -> None:
    bench = ControlBench()
    client.force_login(bench.user)
    address = reverse("catalogue:algorithm", args=["cdsa"])
    data = posted(client.get(address).content.decode())
    data["name"], data["p-noise_level"] = "Far", "0.6"
    client.post(reverse("catalogue:preset_create", args=["cdsa"]), dict(data.lists()))
    saved = Preset.objects.get()
    assert (saved.algorithm, saved.params["noise_level"]) == ("cdsa", 0.6)
    new = reverse("experiments:new_control")
    shown = client.get(f"{new}?algorithm=cdsa&preset={saved.pk}").content.decode()
    typed = posted(shown, "new-experiment")
    assert (typed["cor2-name"], typed["cor2p-noise_level"]) == ("Far", "0.6")


def test_a_saved_algorithm_leads_to_an_experiment_with_it(client: Client) -> None:
    bench = ControlBench()
    client.force_login(bench.user)
    saved = preset_create(owner=bench.user, name="Bold", algorithm="iql", params={"expectile": 0.9})
    new = reverse("experiments:new_control")
    shown = client.get(f"{new}?algorithm=iql&preset={saved.pk}").content.decode()
    typed = posted(shown, "new-experiment")
    assert (typed["row0-label"], typed["row0p-expectile"]) == ("Bold", "0.9")
    assert client.get(f"{new}?algorithm=nothing").status_code == 404
