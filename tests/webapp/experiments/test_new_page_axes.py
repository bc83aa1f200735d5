"""Axes on the New experiment page."""

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse

from tests.webapp.experiments.factories import Bench, make_dataset
from tests.webapp.experiments.new_page import errors_of, launch, preview, typed
from tests.webapp.posted import posted
from webapp.experiments.models import Experiment
from webapp.experiments.selectors import clone_config

pytestmark = pytest.mark.django_db


def _with_axis(page: Client, data: QueryDict, path: str, values: str) -> QueryDict:
    fragment = posted(page.post(reverse("experiments:axis"), dict(data.lists())).content.decode())
    key = str(fragment["axis"])
    data.appendlist("axis", key)
    data[f"axis{key}-path"], data[f"axis{key}-values"] = path, values
    return data


def test_axes_multiply_the_runs(page: Client) -> None:
    data = typed(page, "topr", name="Grid", seeds="0")
    _with_axis(page, data, "settings.learning_rate", "1e-4, 3e-4")
    _with_axis(page, data, "params.positive_ratio_max", "1, none")
    assert launch(page, data).status_code == 302
    experiment = Experiment.objects.get()
    assert experiment.runs.exclude(algorithm="").count() == 4
    assert clone_config(experiment).axes == {
        "settings.learning_rate": (1e-4, 3e-4),
        "params.positive_ratio_max": (1.0, None),
    }


def test_the_axis_offers_the_hyperparameters_of_what_is_ticked(page: Client) -> None:
    topr = page.post(
        reverse("experiments:axis"), dict(typed(page, "topr").lists())
    ).content.decode()
    ppo = page.post(reverse("experiments:axis"), dict(typed(page, "ppo").lists())).content.decode()
    assert "params.baseline" in topr
    assert "params.baseline" not in ppo
    assert "params.clip_low" in ppo
    assert "evaluate.grading" not in ppo


@pytest.mark.parametrize(
    ("path", "values", "message"),
    [
        ("settings.learning_rate", "3", "less than or equal to 1"),
        ("settings.learning_rate", "1e-4, 0.0001", "twice"),
        ("settings.learning_rate", " , ", "at least one value"),
        ("dataset_id", "Nothing v1", "There is no dataset “Nothing v1”. Known: Addition v1."),
    ],
)
def test_values_that_an_axis_does_not_take_are_told_beside_it(
    page: Client, path: str, values: str, message: str
) -> None:
    data = _with_axis(page, typed(page, "topr"), path, values)
    assert message in errors_of(preview(page, data))["id_axis0-values"]


def test_a_setting_is_an_axis_once(page: Client) -> None:
    data = _with_axis(page, typed(page, "topr"), "settings.steps", "10")
    _with_axis(page, data, "settings.steps", "20")
    assert errors_of(preview(page, data)) == {"id_axis1-path": "This setting is an axis already."}


def test_datasets_are_axis_values_by_name(page: Client, bench: Bench) -> None:
    other = make_dataset(bench.user, "Other", seed=5)
    data = typed(page, "topr", name="x", dataset_id=str(bench.dataset.pk))
    _with_axis(page, data, "dataset_id", "addition v1, Other v1")
    assert launch(page, data).status_code == 302
    assert clone_config(Experiment.objects.get()).axes["dataset_id"] == (
        bench.dataset.pk,
        other.pk,
    )
