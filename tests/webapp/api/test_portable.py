"""Experiments as YAML over the API and the command line."""

from pathlib import Path

import pytest
import yaml
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from tests.webapp.api.callers import ROOT, Caller, answer
from tests.webapp.experiments.factories import Bench
from tests.webapp.experiments.portable.files import SHORT
from webapp.api.cli.__main__ import main
from webapp.api.services import token_create
from webapp.datasets.models import Dataset
from webapp.experiments.models import Experiment


@pytest.mark.django_db
def test_a_file_is_checked_imported_and_exported() -> None:
    caller = Caller(Bench().user)
    plan = answer(caller.post("/experiments/yaml/check", {"text": SHORT}))
    assert plan["runs"] == 7
    assert plan["jobs"] == {"generate": 1, "grade": 1, "train": 6, "evaluate": 7}
    assert not Dataset.objects.filter(name="Two digits").exists()
    made = answer(caller.post("/experiments/yaml", {"text": SHORT, "name": "Mine"}), 201)
    assert made["made"] == ["dataset “Two digits v1”", "policy “Tiny, warm”"]
    pk = made["experiment"]["id"]
    assert made["experiment"]["name"] == "Mine"
    text = caller.client.get(f"{ROOT}/experiments/{pk}/yaml").content.decode()
    again = answer(caller.post("/experiments/yaml", {"text": text}), 201)
    assert again["made"] == []
    assert again["experiment"]["config"] == made["experiment"]["config"]


@pytest.mark.django_db
def test_what_is_wrong_names_line_and_field() -> None:
    caller = Caller(Bench().user)
    refused = caller.post("/experiments/yaml", {"text": SHORT.replace("tiny", "giant")})
    [error] = answer(refused, 422)["errors"]
    assert error["path"] == "line 8: policies.Tiny, warm.source"
    assert not Experiment.objects.exists()


@pytest.fixture
def served(
    live_server: LiveServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Settings
) -> None:
    settings.VAR = tmp_path / "var"
    monkeypatch.setenv("LAB_URL", live_server.url)
    secret = token_create(owner=Bench().user, name="tests").secret
    monkeypatch.setenv("LAB_TOKEN", secret)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("served")
def test_the_command_line_imports_and_exports(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "experiment.yaml"
    file.write_text(SHORT)
    assert main(["check", str(file)]) == 0
    assert "7 runs; 7 evaluate, 1 generate, 1 grade, 6 train" in capsys.readouterr().out
    assert main(["import", str(file)]) == 0
    told = capsys.readouterr()
    assert "made dataset “Two digits v1”" in told.err
    experiment = Experiment.objects.get()
    assert main(["export", str(experiment.pk)]) == 0
    exported = yaml.safe_load(capsys.readouterr().out)
    assert exported["format"] == "offpolicy-lab/experiment/1"
    assert exported["config"]["policy"] == "Tiny, warm"
    file.write_text(SHORT.replace("algorithm: topr", "algorithm: tropr"))
    assert main(["import", str(file)]) == 1
    assert "line 13: config.algorithms.0.algorithm" in capsys.readouterr().err
