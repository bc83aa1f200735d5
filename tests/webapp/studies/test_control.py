"""Studies of control: groups by policy and correction, replicates, pages that say what they are."""

import json
from pathlib import Path
from uuid import uuid5

import pytest
from django.test import Client
from pytest_django import Settings

from algorithms.environments.table import POINT_MASS
from tests.webapp.studies.small import Summary, finish, small, write_small
from webapp.accounts.models import User
from webapp.experiments.models import Experiment
from webapp.studies.library import StudyFile, read_study
from webapp.studies.planning import StudyPlan
from webapp.studies.services import NAMESPACE, plan_at, study_reproduce

TEXT = (Path(__file__).parent / "control.yaml").read_text(encoding="utf-8")


def _plan(text: str = TEXT) -> StudyPlan:
    file = read_study("small", text)
    assert file.problem == ""
    scale = file.scales["cpu"]
    assert scale.plan is not None, scale.problem
    return scale.plan


def test_groups_are_policies_by_correction_and_data_set() -> None:
    cells = _plan().experiments["main"].cells
    assert [cell.label for cell in cells] == [
        "BC, dataset = First",
        "BC, dataset = Second",
        "BC + CDSA, dataset = First",
        "BC + CDSA, dataset = Second",
    ]
    assert {cell.group for cell in cells} == {"BC"}
    assert cells[3].axes == {"correction": "CDSA", "dataset": "Second"}
    assert [sorted(cell.runs) for cell in cells] == [[0, 1, 2]] * 4


def test_policies_of_one_job_are_seeds_of_one_group() -> None:
    cells = _plan().experiments["given"].cells
    assert [(cell.label, sorted(cell.runs)) for cell in cells] == [
        ("Kept", [0, 1]),
        ("Kept + CDSA", [0, 1]),
    ]
    assert not any(cell.is_fixed for cell in cells)


def test_values_of_a_replicate_axis_are_seeds() -> None:
    cells = _plan().experiments["blocks"].cells
    assert [(cell.label, sorted(cell.runs)) for cell in cells] == [
        ("Line", [0, 1000]),
        ("Line + CDSA", [0, 1000]),
    ]


def test_one_pair_of_networks_serves_all_policies_on_the_data() -> None:
    kinds = [node.kind for node in _plan().nodes]
    assert kinds.count("train_score") == kinds.count("train_inverse_dynamics") == 2
    assert kinds.count("train_control") == 2 * 3 + 1


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("  cpu:\n", "  paper:\n", "have the scales cpu, nightly, d4rl"),
        (
            "kind: bars, panels",
            "kind: bars, paper: [{group: BC, x: [1], y: [2]}], panels",
            "paper_label: CORL",
        ),
        ("axis: dataset, down: group, ", "axis: dataset, ", "two axes"),
        ("replicates: {blocks", "replicates: {blocs", "blocs"),
    ],
)
def test_a_mistake_in_a_file_is_told(old: str, new: str, told: str) -> None:
    assert old in TEXT
    assert told in read_study("small", TEXT.replace(old, new, 1)).problem


@pytest.fixture
def done(settings: Settings, tmp_path: Path, ada: User) -> StudyFile:
    """Return the study with all its jobs at their end."""
    settings.STUDIES_DIR = tmp_path / "studies"
    write_small(tmp_path / "studies", TEXT)
    file = small()
    study_reproduce(owner=ada, file=file, scale="cpu")
    finish(file, _outcome)
    return file


def _outcome(label: str, seed: int) -> Summary:
    mean = (-10.0 if "CDSA" in label else -50.0) + seed % 7 / 10
    return {"return_mean": mean, "cvar": 2 * mean, "environment": POINT_MASS}


@pytest.mark.django_db
def test_the_page_says_what_the_reference_design_is_and_judges(
    browser: Client, done: StudyFile
) -> None:
    page = browser.get("/studies/small/?scale=cpu").content.decode()
    assert "reference design" in page
    assert "not verified" in page
    assert 'class="mono">+40 ' in page  # of the corrected policies, whatever the seed
    assert "BC + CDSA, dataset = Second minus BC, dataset = Second" in page
    assert "does not hold" in page  # the line ends far below ten
    assert "One score network (4 updates" in page


@pytest.mark.django_db
def test_the_heat_map_has_a_cell_per_data_set(browser: Client, done: StudyFile) -> None:
    drawn = json.loads(browser.get("/studies/small/cpu/map/0.json").content)
    (trace,) = drawn["data"]
    assert (trace["x"], trace["y"]) == (["First", "Second"], ["BC"])
    assert trace["text"] == [["-9.9", "-9.9"]]


@pytest.mark.django_db
def test_figures_of_episodes_that_are_gone_are_empty(browser: Client, done: StudyFile) -> None:
    for name in ("returns", "paths"):
        drawn = json.loads(browser.get(f"/studies/small/cpu/{name}/0.json").content)
        assert drawn["data"] == []


@pytest.mark.django_db
def test_doing_it_again_queues_nothing(done: StudyFile, ada: User) -> None:
    assert study_reproduce(owner=ada, file=done, scale="cpu").queued == 0


@pytest.mark.django_db
def test_an_experiment_of_an_older_version_is_found_again(done: StudyFile, ada: User) -> None:
    """Its key was made of labels that told data sets by their place in the study."""
    planned = plan_at(done, "cpu").experiments["main"]
    numbers = {name: str(number) for name, number in planned.sources.numbers.datasets.items()}
    older = sorted(
        f"{by_id(run.label, numbers)} {run.seed} {role} {node.fingerprint}"
        for run in planned.plan.runs
        for role, node in run.nodes.items()
    )
    assert all("dataset_id = " in line for line in older)
    key = uuid5(NAMESPACE, "\n".join([str(ada.pk), done.name, "cpu", "main", *older]))
    assert Experiment.objects.filter(launch_key=key).exists()


def by_id(label: str, numbers: dict[str, str]) -> str:
    for name, number in numbers.items():
        label = label.replace(f"dataset = {name}", f"dataset_id = {number}")
    return label
