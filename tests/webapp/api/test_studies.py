"""The API of studies: what they ask, reproducing one, and its files."""

from pathlib import Path

import pytest
from pytest_django import Settings

from tests.webapp.api.callers import Caller, answer
from tests.webapp.studies.small import finish, small, write_small
from tests.webapp.studies.test_judge import outcome
from webapp.accounts.models import User
from webapp.jobs.models import Job

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(tmp_path: Path, settings: Settings) -> Caller:
    settings.VAR = tmp_path
    settings.STUDIES_DIR = tmp_path / "studies"
    write_small(tmp_path / "studies")
    return Caller(User.objects.create_user(username="ada"))


def test_a_study_is_reproduced_once_and_its_verdicts_name_their_runs(ada: Caller) -> None:
    listed = answer(ada.get("/studies"))
    assert [(one["name"], one["scales"][0]["state"]) for one in listed] == [("small", "missing")]
    first = answer(ada.post("/studies/small/reproduce", {"scale": "cpu"}), 202)
    assert first["queued"] == Job.objects.count()
    again = answer(ada.post("/studies/small/reproduce", {}), 202)
    assert (again["queued"], again["experiments"]) == (0, first["experiments"])
    finish(small(), outcome)
    found = answer(ada.get("/studies/small", scale="cpu"))
    assert (found["state"], found["done"]) == ("succeeded", found["total"])
    held = next(one for one in found["claims"] if one["says"] == "TOPR ends above REINFORCE.")
    assert held["verdict"] == "holds"
    assert held["runs"]


def test_the_files_of_a_study_come_as_on_its_page(ada: Caller) -> None:
    table = ada.get("/studies/small/cpu/claims.csv")
    assert table.content.decode().startswith("claim,kind,says")
    answer(ada.get("/studies/small/cpu/nothing.csv"), 404)
    answer(ada.get("/studies/unknown"), 404)
