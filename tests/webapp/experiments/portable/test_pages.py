"""The pages: download a file, open one in the New experiment page."""

import html

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from tests.webapp.experiments.factories import Bench
from tests.webapp.experiments.portable.files import SHORT, TRINITY
from tests.webapp.posted import posted
from webapp.datasets.models import Dataset
from webapp.experiments.models import Experiment
from webapp.experiments.selectors import clone_config

pytestmark = pytest.mark.django_db
OPEN = "experiments:open_file"


@pytest.fixture
def page(client: Client) -> Client:
    client.force_login(Bench().user)
    return client


def test_a_downloaded_file_opens_as_a_form_that_launches_the_same_again(page: Client) -> None:
    bench = Bench("grace")
    original = bench.launch(
        title="Does c help?",
        axes={"settings.learning_rate": [1e-4, 3e-4]},
        curations=[{"name": "positives", "steps": [{"op": "positives"}]}],
        generate={"completions": 3},
    )
    answer = page.get(reverse("experiments:download", args=[original.pk]))
    assert answer["Content-Disposition"] == 'attachment; filename="does-c-help.yaml"'
    file = SimpleUploadedFile("x.yaml", answer.content)
    shown = page.post(reverse(OPEN), {"file": file, "text": ""}).content.decode()
    assert "Everything that it starts from was here." in shown
    data = posted(shown, "new-experiment")
    assert data["name"] == "Does c help?"
    done = page.post(reverse("experiments:new"), dict(data.lists()))
    assert done.status_code == 302
    again = Experiment.objects.latest("pk")
    assert again != original
    assert clone_config(again) == clone_config(original)


def test_missing_sources_are_made_and_told_and_nothing_is_launched(page: Client) -> None:
    shown = html.unescape(page.post(reverse(OPEN), {"text": SHORT}).content.decode())
    assert "Made for it: dataset “Two digits v1”, policy “Tiny, warm”." in shown
    assert not Experiment.objects.exists()
    assert posted(shown, "new-experiment")["axis0-values"] == "-0.5, 0"


def test_errors_stand_beside_their_lines_and_the_text_is_kept(page: Client) -> None:
    wrong = SHORT.replace("seeds: [0, 1]", "seeds: [0, 0]  # <b>")
    file = SimpleUploadedFile("x.yaml", wrong.encode())
    answer = page.post(reverse(OPEN), {"file": file, "text": "something else"})
    assert answer.status_code == 422
    shown = answer.content.decode()
    assert "Line 11, config.seeds.1: Seed 0 is given twice" in shown
    assert "<code>seeds: [0, 0]  # &lt;b&gt;</code>" in shown
    assert html.escape(wrong) in shown
    assert not Dataset.objects.filter(name="Two digits").exists()


@pytest.mark.parametrize("data", [{}, {"text": "  "}])
def test_an_empty_form_asks_for_a_file(page: Client, data: dict[str, str]) -> None:
    answer = page.post(reverse(OPEN), data)
    assert answer.status_code == 422
    assert "Choose a file, or paste its text." in answer.content.decode()


def test_a_file_that_is_no_text_is_refused(page: Client) -> None:
    file = SimpleUploadedFile("x.yaml", b"\xff\xfe\x00\x80")
    answer = page.post(reverse(OPEN), {"file": file})
    assert answer.status_code == 422
    assert "This file is no text" in answer.content.decode()


def test_a_file_of_trinity_lists_what_it_means_nothing_by(page: Client) -> None:
    shown = html.unescape(page.post(reverse(OPEN), {"text": TRINITY}).content.decode())
    assert "algorithm.policy_loss_fn_args.top_secret = 3" in shown
    data = posted(shown, "new-experiment")
    assert data["row0-algorithm"] == "rec"
    assert data["row0p-clip_high"] == "2"
