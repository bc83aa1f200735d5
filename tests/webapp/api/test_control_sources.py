"""Data sets and policies of control by API: the same services, errors at their fields."""

import json
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django import Settings

from algorithms.environments.table import POINT_MASS
from tests.algorithms.controllers.test_imported import sac_weights, zipped
from tests.webapp.api.callers import ROOT, Caller, answer, paths_of
from tests.webapp.datasets.test_transitions import npz
from tests.webapp.experiments.factories import make_policy, make_user
from tests.webapp.jobs.doing import do_all

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(tmp_path: Path, settings: Settings) -> Caller:
    settings.VAR = tmp_path
    return Caller(make_user())


def test_transitions_are_collected_and_read_by_api(ada: Caller) -> None:
    policy = answer(
        ada.post("/control-policies", {"name": "Beeline", "spec": {"controller": "beeline"}}), 201
    )
    parts = [{"behaviour": "policy"}, {"behaviour": "random"}]
    spec = {"parts": parts, "amount": 4, "reference_episodes": 2}
    body = {"name": "Mixed", "spec": spec, "policies": {"policy": policy["id"]}}
    made = answer(ada.post("/transitions/collect", body), 201)
    assert (made["family"], policy["family"]) == ("transitions", "control")
    assert "50% Beeline" in made["origin"]
    assert "no transitions yet" in answer(
        ada.get(f"/transitions/{made['id']}/statistics"), 409
    )["detail"]  # fmt: skip
    assert do_all() == ["control_policy", "collect"]
    figures = answer(ada.get(f"/transitions/{made['id']}/statistics"))
    assert (figures["episodes"], figures["reference"]) == (4, "local-normalised")
    csv = b"".join(ada.get(f"/transitions/{made['id']}/episodes.csv"))
    assert len(csv.splitlines()) == 5
    assert "holds transitions" in answer(ada.get(f"/datasets/{made['id']}/rows"), 409)["detail"]
    listed = answer(ada.get("/datasets", family="transitions"))
    assert [row["id"] for row in listed["items"]] == [made["id"]]
    assert answer(ada.get("/datasets", family="prompts"))["total"] == 0
    about = answer(ada.get(f"/control-policies/{policy['id']}"))
    assert about["environment"] == POINT_MASS
    assert answer(ada.get("/policies", family="control"))["total"] == 1


def test_what_a_composition_lacks_is_told(ada: Caller) -> None:
    body = {"name": "Mixed", "spec": {"parts": [{"behaviour": "policy"}]}}
    assert paths_of(ada.post("/transitions/collect", body)) == ["parts"]
    language = make_policy(ada.user)
    body["policies"] = {"policy": language.pk}
    response = ada.post("/transitions/collect", body)
    assert "completes prompts" in json.loads(response.content)["errors"][0]["message"]
    body["spec"] = {"environment": "Hoper-v5"}
    assert paths_of(ada.post("/transitions/collect", body)) == ["environment"]


def test_stages_and_replays_must_have_been_kept(ada: Caller) -> None:
    train = {"environment": "Pendulum-v1", "steps": 400, "stages": 2}
    policy = answer(ada.post("/control-policies/train", {"name": "SAC", "spec": train}), 201)
    assert answer(ada.get(f"/control-policies/{policy['id']}"))["planned_stages"] == [
        "step-200", "final",
    ]  # fmt: skip
    for part, message in (
        ({"stage": "step-100"}, "has no stage step-100. Its stages: step-200, final."),
        ({"stage": "step-200", "replay": True}, "kept no transitions of its training"),
    ):
        spec = {"environment": "Pendulum-v1", "parts": [{"behaviour": "policy", **part}]}
        body = {"name": "Data", "spec": spec, "policies": {"policy": policy["id"]}}
        errors = answer(ada.post("/transitions/collect", body), 422)["errors"]
        assert (errors[0]["path"], message in errors[0]["message"]) == ("parts", True)


def test_files_are_uploaded_and_judged(ada: Caller, tmp_path: Path) -> None:
    good = {"name": "mine", "file": SimpleUploadedFile("a.npz", npz())}
    assert answer(ada.client.post(f"{ROOT}/transitions", good), 201)["name"] == "mine"
    bad = {"name": "bad", "environment": "Hopper-v5", "file": SimpleUploadedFile("a.npz", npz())}
    detail = answer(ada.client.post(f"{ROOT}/transitions", bad), 409)["detail"]
    assert "Hopper-v5 has 11 and 3" in detail
    content = zipped(tmp_path / "p.zip", sac_weights()).read_bytes()
    told = {"name": "SAC", "source": "sb3", "environment": "Pendulum-v1"}
    file = SimpleUploadedFile("p.zip", content)
    made = answer(ada.client.post(f"{ROOT}/control-policies/upload", told | {"file": file}), 201)
    assert made["kind"] == "control_policy"
    file = SimpleUploadedFile("p.zip", content)
    wrong = told | {"environment": POINT_MASS, "file": file}
    assert paths_of(ada.client.post(f"{ROOT}/control-policies/upload", wrong)) == ["file"]
    assert not list((tmp_path / "uploads").iterdir())
