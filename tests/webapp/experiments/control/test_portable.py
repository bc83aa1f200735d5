"""Experiments of the control laboratory as YAML: there and back, built without a database."""

from pathlib import Path
from typing import Any

import pytest

from launcher.build import build
from launcher.errors import LauncherError
from tests.webapp.experiments.control.asked import fingerprints
from tests.webapp.experiments.control.bench import ControlBench
from webapp.experiments.configs import config_of
from webapp.experiments.models import Experiment
from webapp.experiments.planner import plan
from webapp.experiments.portable.reading import read
from webapp.experiments.portable.services import experiment_import
from webapp.experiments.portable.writing import experiment_yaml
from webapp.experiments.services import sources_of
from webapp.jobs.models import Job

TEXT = """
name: Does CDSA repair cloning?
datasets:
  Detours: {collect: {amount: 40}}
policies:
  Beeline: {control_policy: {source: scripted, controller: beeline}}
config:
  recipe: control
  dataset: Detours
  seeds: [0, 1]
  algorithms:
    - {label: BC, algorithm: bc, params: {hidden_size: 16}}
  policies:
    - {label: Straight on, policy: Beeline}
  corrections:
    - {name: uncorrected}
    - {name: CDSA, correction: cdsa, params: {auxiliary: displacement}}
  settings: {steps: 20}
  axes:
    correction.noise_level: [0.2, 0.36]
"""


def test_a_file_plans_without_a_database() -> None:
    reading = read(TEXT)
    assert not reading.problems
    assert reading.config is not None
    made = plan(reading.config, reading.nodes.fingerprints)
    assert made.jobs_by_kind == {
        "train_control": 2,
        "train_score": 1,
        "train_inverse_dynamics": 1,
        "evaluate_control": 9,
    }


def test_problems_name_line_and_field() -> None:
    text = TEXT.replace("algorithm: bc", "algorithm: topr").replace("steps: 20", "steps: 0")
    told = [str(problem) for problem in read(text).problems]
    assert any("Line 12, config.algorithms.0.algorithm: There is no" in one for one in told)
    assert any("config.settings.steps" in one for one in told)
    assert "Known: Detours" in str(read(TEXT.replace("dataset: Detours", "dataset: X")).problems[0])


def test_the_command_line_plans_the_sources_and_the_experiment(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "experiment.yaml"
    file.write_text(TEXT)
    assert build(file, tmp_path / "out", dry_run=True) == 0
    said = capsys.readouterr().out
    assert "9 runs, 15 jobs" in said
    assert "collect-" in said
    file.write_text(TEXT.replace("collect", "collected"))
    with pytest.raises(LauncherError, match="collected"):
        build(file, tmp_path / "out", dry_run=True)


@pytest.mark.django_db
def test_a_file_launched_twice_makes_its_sources_once() -> None:
    bench = ControlBench()
    first, found = experiment_import(owner=bench.user, text=TEXT)
    assert len(found.made) == 2
    jobs = Job.objects.count()
    _, again = experiment_import(owner=bench.user, text=TEXT, name="Again")
    assert (again.made, Job.objects.count()) == ((), jobs)
    assert first.runs.count() == 9


@pytest.mark.django_db
def test_an_experiment_comes_back_from_its_file_as_it_was() -> None:
    bench = ControlBench()
    given = [{"label": "Straight", "policy_id": bench.policy().pk}]
    asked: dict[str, Any] = {"policies": given, "axes": {"dataset_id": [bench.dataset.pk]}}
    experiment = bench.launch(**asked, evaluate={"noise": 0.5}, score={"settings": {"steps": 9}})
    text = experiment_yaml(experiment)
    reading = read(text)
    assert not reading.problems, reading.problems
    assert reading.config is not None
    there = config_of(experiment.config)
    before = plan(there, sources_of(there).fingerprints)
    after = plan(reading.config, reading.nodes.fingerprints)
    assert fingerprints(after) == fingerprints(before)
    imported, found = experiment_import(owner=bench.user, text=text, name="Again")
    assert found.made == ()
    assert imported.config == Experiment.objects.get(pk=experiment.pk).config
