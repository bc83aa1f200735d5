"""A region is left out of a data set of transitions: page, job, API and files of experiments."""

import json
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse

from algorithms.control_data.transitions import load_transitions
from algorithms.control_specs import CollectSpec
from tests.webapp.jobs.doing import do_all
from webapp.accounts.models import User
from webapp.datasets.models import Dataset
from webapp.datasets.transitions.services import transitions_collect
from webapp.experiments.control.config import ControlConfig
from webapp.experiments.portable import reading
from webapp.experiments.portable.writing import document_of, document_yaml
from webapp.jobs.store import default_store

pytestmark = pytest.mark.django_db
HOLE = {"low-0": "0.3", "high-0": "0.7", "low-1": "0.3", "high-1": "0.7"}


@pytest.fixture
def dataset(browser: Client) -> Dataset:
    """Return a small data set of PointMass that is there, ada's."""
    spec = CollectSpec(amount=20, reference_episodes=2, parallel=4)
    transitions_collect(owner=User.objects.get(), name="Detours", spec=spec)
    assert do_all() == ["collect"]
    return Dataset.objects.select_related("job__artifact").get()


def address(dataset: Dataset) -> str:
    return reverse("datasets:leave_out", args=[dataset.pk])


def test_the_page_tells_beforehand_what_the_job_then_leaves(
    browser: Client, dataset: Dataset
) -> None:
    assert address(dataset) in browser.get(f"/datasets/{dataset.pk}/").content.decode()
    first = browser.get(address(dataset)).content.decode()
    assert "Type bounds to see" in first
    told = {**HOLE, "touching": "state"}
    seen = browser.get(address(dataset), told, headers={"HX-Request": "true"})
    left = seen.context["page"].left
    data = load_transitions(default_store().folder(dataset.job.artifact.path))
    places = data.observations[:, :2]
    inside = ((places >= 0.3) & (places <= 0.7)).all(axis=1)
    assert (left.steps, left.gone) == (len(data), int(inside.sum()))
    answer = browser.post(address(dataset), {**told, "name": "Holed", "description": ""})
    made = Dataset.objects.select_related("job").get(name="Holed")
    assert answer["Location"] == reverse("datasets:detail", args=[made.pk])
    assert (made.family, made.job.kind) == ("transitions", "leave_out")
    assert do_all() == ["leave_out"]
    made = Dataset.objects.select_related("job__artifact").get(name="Holed")
    stored = load_transitions(default_store().folder(made.job.artifact.path))
    np.testing.assert_array_equal(stored.observations, data.observations[~inside])
    assert len(stored.ends) == left.pieces
    assert stored.metadata["reference"] == data.metadata["reference"]
    page = browser.get(answer["Location"]).content.decode()
    assert f"{left.gone} steps that begin there: 0.3 ≤ s0 ≤ 0.7 and 0.3 ≤ s1 ≤ 0.7" in page
    assert "Part 1" in page


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ({}, "Type a smallest or a largest value"),
        ({"low-0": "wide"}, "wide is no number"),
        ({"low-0": "0.9", "high-0": "0.1"}, "is above the largest"),
        ({"low-0": "7"}, "holds no step"),
        ({"high-0": "7"}, "holds every step"),
    ],
)
def test_what_is_no_hole_is_said_and_nothing_made(
    browser: Client, dataset: Dataset, typed: dict[str, str], message: str
) -> None:
    answer = browser.post(address(dataset), {**typed, "touching": "either", "name": "Holed"})
    assert answer.status_code == 422
    assert message in answer.content.decode()
    assert Dataset.objects.count() == 1


def test_the_api_makes_the_same_data_set_and_names_a_wrong_dimension(
    browser: Client, dataset: Dataset
) -> None:
    def post(dimension: int) -> tuple[int, Any]:
        spec = {"region": [{"dimension": dimension, "low": 0.3, "high": 0.7}]}
        body = {"name": "Holed", "dataset_id": dataset.pk, "spec": spec}
        answer = browser.post(
            "/api/v1/transitions/leave-out", json.dumps(body), content_type="application/json"
        )
        return answer.status_code, answer.json()

    status, wrong = post(9)
    assert (status, wrong["errors"][0]["path"]) == (422, "region")
    status, made = post(0)
    assert status == 201
    assert made["origin"] == "Detours v1 without 0.3 ≤ s0 ≤ 0.7"
    assert do_all() == ["leave_out"]


def test_a_file_of_an_experiment_carries_the_hole(browser: Client, dataset: Dataset) -> None:
    told = {**HOLE, "touching": "either", "name": "Holed"}
    browser.post(address(dataset), told)
    made = Dataset.objects.select_related("job").get(name="Holed")
    choice = {"label": "BC", "algorithm": "bc"}
    config = ControlConfig.model_validate({"dataset_id": made.pk, "algorithms": [choice]})
    text = document_yaml(document_of(config))
    assert "kind: leave_out" in text
    found = reading.read(text)
    assert not found.problems
    assert found.nodes.datasets["Holed"].fingerprint == made.job.fingerprint
