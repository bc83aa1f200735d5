"""The command line against a running server."""

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import yaml
from django.db import connection
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from tests.webapp.experiments.factories import Bench
from tests.webapp.jobs import graphs
from webapp.api.cli.__main__ import main
from webapp.api.services import token_create
from webapp.datasets.models import Dataset
from webapp.experiments.models import Experiment
from webapp.jobs.models import Job

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bench(
    live_server: LiveServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Settings
) -> Bench:
    settings.VAR = tmp_path / "var"
    bench = Bench()
    monkeypatch.setenv("LAB_URL", live_server.url)
    monkeypatch.setenv("LAB_TOKEN", token_create(owner=bench.user, name="tests").secret)
    return bench


def write(path: Path, bench: Bench, **changes: object) -> Path:
    config = bench.config(("topr",), seeds=[0]).model_dump(mode="json") | changes
    path.write_text(yaml.safe_dump({"name": "From a file", "tags": ["cli"], "config": config}))
    return path


def test_an_experiment_is_launched_from_a_file_and_compared(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path / "experiment.yaml", bench)
    assert main(["preview", str(file)]) == 0
    assert "2 runs, 5 jobs, 0 exist already" in capsys.readouterr().out
    assert main(["launch", str(file)]) == 0
    experiment = Experiment.objects.get()
    assert (experiment.name, experiment.tags, experiment.owner) == (
        "From a file", ["cli"], bench.user,
    )  # fmt: skip
    assert "topr" in capsys.readouterr().out
    assert main(["experiments", "--tag", "cli"]) == 0
    assert "From a file" in capsys.readouterr().out
    graphs.run_all()
    assert main(["compare", str(experiment.pk)]) == 0
    assert "base policy" in capsys.readouterr().out
    assert main(["compare", str(experiment.pk), "--format", "table.csv"]) == 0
    assert capsys.readouterr().out.startswith("group,algorithm,runs")


def test_watching_ends_with_the_experiment(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def work() -> None:
        while not Experiment.objects.exists():
            time.sleep(0.05)
        graphs.run_all()
        connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    code = main(["launch", str(write(tmp_path / "x.yaml", bench)), "--watch", "--name", "Watched"])
    worker.join()
    assert code == 0
    assert "succeeded, 100%" in capsys.readouterr().out


def test_watching_a_cancelled_experiment_does_not_look_like_success(bench: Bench) -> None:
    experiment = bench.launch(("topr",), seeds=[0])
    assert main(["cancel", str(experiment.pk)]) == 0
    assert main(["watch", str(experiment.pk)]) == 2
    assert main(["retry", str(experiment.pk)]) == 0
    assert main(["priority", str(experiment.pk), "5"]) == 0
    experiment.refresh_from_db()
    assert (experiment.priority, experiment.cancelled_at) == (5, None)


def test_a_clone_is_a_file_that_can_be_launched(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    experiment = bench.launch()
    assert main(["clone", str(experiment.pk)]) == 0
    file = tmp_path / "clone.yaml"
    file.write_text(capsys.readouterr().out)
    jobs = Job.objects.count()
    assert main(["launch", str(file)]) == 0
    clone = Experiment.objects.latest("id")
    assert (clone.name, clone.cloned_from) == ("First (copy)", experiment)
    assert Job.objects.count() == jobs


def test_a_file_is_uploaded(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "sums.csv"
    file.write_text("question,answer\n1+1=,2\n1+2=,3\n")
    assert main(["upload", str(file), "--name", "Sums"]) == 0
    assert capsys.readouterr().out == f"dataset {Dataset.objects.get(name='Sums').pk}: 2 rows\n"
    file.write_text("question,answer\n1+1=,\n1+2=,3\n")
    assert main(["upload", str(file), "--name", "More"]) == 1
    assert "line 2" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command", ["datasets", "policies", "presets", "jobs", "algorithms", "workers", "queue"]
)
def test_every_list_prints_text_and_json(
    bench: Bench, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    graphs.make_worker()
    assert main([command]) == 0
    assert capsys.readouterr().out
    assert main(["--json", command]) == 0
    json.loads(capsys.readouterr().out)


def test_errors_come_with_their_fields_and_a_code(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path / "x.yaml", bench, seeds=[0, 0])
    assert main(["launch", str(file)]) == 1
    assert "config.seeds.1: Seed 0 is given twice" in capsys.readouterr().err
    file.write_text("- a list")
    assert main(["launch", str(file)]) == 1
    assert "no mapping" in capsys.readouterr().err
    assert main(["experiment", "999"]) == 1
    assert not Experiment.objects.exists()


def test_any_route_can_be_called(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    data = json.dumps({"name": "Tight", "algorithm": "ppo"})
    assert main(["call", "POST", "/presets", "--data", data]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "Tight"


def test_a_job_log_is_printed(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    job = bench.policy.job
    job.log_lines.create(attempt=1, at=job.created_at, text="hello")
    assert main(["log", str(job.pk)]) == 0
    assert "info: hello" in capsys.readouterr().out


def test_without_token_or_server_it_says_what_to_do(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LAB_URL", "http://127.0.0.1:9")
    assert main(["experiments"]) == 1
    assert "does not answer" in capsys.readouterr().err
    monkeypatch.setenv("LAB_TOKEN", "lab_wrong")
    monkeypatch.delenv("LAB_TOKEN")
    assert main(["experiments"]) == 1
    assert "LAB_TOKEN is not set" in capsys.readouterr().err


def test_the_command_line_needs_no_django() -> None:
    code = "import sys, webapp.api.cli.__main__; print('django' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
