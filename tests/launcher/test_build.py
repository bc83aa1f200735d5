"""A whole experiment from a file, without database, broker or web."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from launcher.application import ROOT
from webapp.experiments.planner import plan
from webapp.experiments.portable.reading import read

TINY = """\
name: Small enough for a test
datasets:
  Two digits: {source: {source: arithmetic, digits: 2, train: 60, test: 20}}
policies:
  Tiny: {source: {source: tiny, hidden_size: 16, layers: 1, heads: 2, max_tokens: 32}}
config:
  seeds: [3]
  algorithms: [{label: TOPR, algorithm: topr}]
  generate: {completions: 4, sampling: {max_new_tokens: 5}}
  settings: {steps: 3, batch_size: 16, micro_batch_size: 16, evaluate_every: 0}
"""


def command(file: Path, out: Path, *flags: str) -> list[str]:
    return [sys.executable, "-m", "launcher", "build", str(file), "--out", str(out), *flags]


def without_services() -> dict[str, str]:
    """Return an environment that could not reach a database or a broker."""
    hidden = ("DATABASE_URL", "CELERY_BROKER_URL", "DJANGO_SETTINGS_MODULE")
    return {name: value for name, value in os.environ.items() if name not in hidden}


def build(file: Path, out: Path, *flags: str) -> tuple[int, str]:
    done = subprocess.run(
        command(file, out, *flags),
        cwd=ROOT,
        env=without_services(),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "experiment.yaml"
    path.write_text(TINY)
    return path


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_an_experiment_is_computed_stopped_resumed_and_found_again(
    file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    first = subprocess.Popen(
        command(file, out), cwd=ROOT, env=without_services(), stdout=subprocess.PIPE, text=True
    )
    _wait_for(lambda: len(list((out / "artifacts").glob("[dp]*-*[0-9a-f]"))) >= 1, first)
    # It would be done before another command has imported torch.
    first.send_signal(signal.SIGSTOP)
    code, said = build(file, out)
    assert (code, "Another process is computing" in said) == (2, True)
    first.send_signal(signal.SIGTERM)
    first.send_signal(signal.SIGCONT)
    assert first.wait() == 130
    code, said = build(file, out)
    assert code == 0, said
    assert "TOPR" in said
    _is_the_plan(out)
    code, said = build(file, out)
    assert (code, "0 jobs computed, 7 were there already" in said) == (0, True), said


def _wait_for(happened: object, process: subprocess.Popen[str]) -> None:
    assert callable(happened)
    while not happened():
        assert process.poll() is None
        time.sleep(0.2)


def _is_the_plan(out: Path) -> None:
    """Compare what was computed with what the web application would compute."""
    reading = read(TINY)
    assert reading.config is not None
    made = plan(reading.config, reading.nodes.fingerprints)
    told = [json.loads(path.read_text()) for path in out.glob("jobs/*/job.json")]
    found = {one["fingerprint"]: one for one in told}
    assert set(found) == {node.fingerprint for node in (*made.nodes, *reading.nodes.all)}
    rows = list(csv.DictReader((out / "runs.csv").open()))
    assert [(row["label"], row["seed"]) for row in rows] == [("base policy", "0"), ("TOPR", "3")]
    assert all(0 <= float(row["pass_at_1"]) <= 1 for row in rows)


def test_a_wrong_file_is_refused_by_line(file: Path, tmp_path: Path) -> None:
    file.write_text(TINY.replace("[3]", "[3, 3]"))
    code, said = build(file, tmp_path / "out")
    assert code == 2
    assert "Line 7, config.seeds.1: Seed 3 is given twice" in said
    assert not (tmp_path / "out").exists()


def test_a_dry_run_lists_the_jobs_and_makes_nothing(file: Path, tmp_path: Path) -> None:
    code, said = build(file, tmp_path / "out", "--dry-run")
    assert code == 0
    assert "2 runs, 7 jobs" in said
    places = [said.index(f"to do  {kind}-") for kind in ("dataset", "generate", "grade", "train")]
    assert places == sorted(places)
    assert not (tmp_path / "out").exists()
