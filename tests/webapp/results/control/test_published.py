"""CORL's numbers stand beside runs on D4RL's data, and only there."""

import csv
import json

import pytest
from django.test import Client
from django.urls import reverse

from tests.webapp.results.control.made import (
    ControlLab,
    evaluation_spec,
    make_control_lab,
    publish_evaluation,
    returns_of,
)
from webapp.jobs.models import Artifact, Job
from webapp.results.control.choice import ControlChoice
from webapp.results.control.comparison import load
from webapp.results.control.exports import as_json, table_csv, table_latex
from webapp.results.control.published import CORL, d4rl_name, published_of

D4RL = {"random": -20.272305, "expert": 3234.3, "source": "D4RL"}


def test_the_table_has_the_averages_that_its_source_gives() -> None:
    locomotion = [row for name, row in CORL.items() if not name.startswith("antmaze")]
    mazes = [row for name, row in CORL.items() if name.startswith("antmaze")]
    expected = {
        "bc": (50.40, 17.21), "bc_best": (69.29, 19.71), "td3_bc": (76.45, 19.33),
        "cql": (78.28, 50.71), "iql": (81.63, 57.17),
    }  # fmt: skip
    assert (len(locomotion), len(mazes)) == (9, 6)
    for algorithm, averages in expected.items():
        for rows, average in zip((locomotion, mazes), averages, strict=True):
            found = sum(row[algorithm].mean for row in rows) / len(rows)
            assert found == pytest.approx(average, abs=0.006)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("hopper-medium-v2", "hopper-medium"),
        ("d4rl/hopper_medium_replay-v2.hdf5", "hopper-medium-replay"),
        ("upload of antmaze-umaze-diverse-v2.hdf5", "antmaze-umaze-diverse"),
        ("hopper-medium-v0", ""),
        ("hopper-medium", ""),
        ("hopper-expert-v2", ""),
        ("mujoco/hopper/medium-v2", ""),
    ],
)
def test_a_data_set_is_known_by_its_d4rl_name_and_version(text: str, name: str) -> None:
    assert d4rl_name("", text) == name


def test_bc_of_the_best_tenth_has_a_column_of_its_own() -> None:
    assert published_of("hopper-medium", "bc", 1.0) == CORL["hopper-medium"]["bc"]
    assert published_of("hopper-medium", "bc", 0.1) == CORL["hopper-medium"]["bc_best"]
    assert published_of("hopper-medium", "bc", 0.5) is None
    assert published_of("hopper-medium", "por", None) is None
    assert published_of("", "bc", 1.0) is None


@pytest.fixture
def lab(db: None) -> ControlLab:
    """Return runs on what an import says is hopper-medium-v2, normalised by D4RL."""
    made = make_control_lab(seeds=(0,), environment="Hopper-v5", dataset="Hopper")
    spec = {"reference": "hopper-medium-v2", "source": {"source": "file", "path": ""}}
    Job.objects.filter(pk=made.dataset.job_id).update(kind="transitions", spec=spec)
    Artifact.objects.filter(job__kind="evaluate_control").delete()
    for (algorithm, correction, seed), run in made.runs.items():
        job = run.needs.get(role="evaluate").job
        told = evaluation_spec(correction, environment="Hopper-v5", episodes=60)
        returns = returns_of(algorithm, correction, seed, 60)
        Job.objects.filter(pk=job.pk).update(attempt=2)
        publish_evaluation(Job.objects.get(pk=job.pk), returns, told, reference=D4RL)
    return made


def test_uncorrected_policies_stand_beside_corls_and_corrected_ones_do_not(
    ada: Client, lab: ControlLab
) -> None:
    found = load(ControlChoice(runs=tuple(lab.run_ids)))
    shown = {one.name: one.published for one in found.variants}
    assert shown["TD3+BC"] == CORL["hopper-medium"]["td3_bc"]
    assert shown["TD3+BC + CDSA"] is None
    query = {"runs": ",".join(map(str, lab.run_ids)), "outcome": "normalized_return"}
    page = ada.get(reverse("results:compare"), query).content.decode()
    assert "CORL 60.4 ± 3.5" in page
    bars = ada.get(reverse("results:compare_figure", args=["bars"]), query)
    drawn = json.loads(bars.content)
    (overlay,) = [trace for trace in drawn["data"] if trace["name"] == "CORL, published"]
    assert sorted(overlay["y"]) == [53.51, 60.37]
    assert overlay["marker"]["symbol"] == "diamond-open"
    other = ada.get(reverse("results:compare_figure", args=["bars"]), {**query, "outcome": "cvar"})
    assert "CORL" not in other.content.decode()
    groups = {row["name"]: row for row in as_json(found)["groups"]}
    assert groups["TD3+BC"]["published"] == {"whose": "CORL", "mean": 60.37, "std": 3.49}
    rows = {row["group"]: row for row in csv.DictReader(table_csv(found).splitlines())}
    ours = rows["TD3+BC"]
    assert (ours["corl_normalized_return"], ours["corl_std"]) == ("60.37", "3.49")
    assert rows["TD3+BC + CDSA"]["corl_std"] == ""
    latex = [line for line in table_latex(found).splitlines() if " & " in line]
    assert {line.count(" & ") for line in latex} == {latex[0].count(" & ")}
    assert " & CORL & VaR" in latex[0].replace("$", "")
    (line,) = [line for line in latex if line.startswith("TD3+BC &")]
    assert r" & $60.37 \pm 3.49$ & " in line


def test_data_that_were_collected_or_normalised_otherwise_have_no_published_numbers(
    lab: ControlLab,
) -> None:
    Job.objects.filter(pk=lab.dataset.job_id).update(kind="leave_out")
    found = load(ControlChoice(runs=tuple(lab.run_ids)))
    assert {one.published for one in found.variants} == {None}
    assert "CORL" not in table_latex(found)
