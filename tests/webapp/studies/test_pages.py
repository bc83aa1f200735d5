"""Pages of studies: what they show, what they ask of the database, and the files they offer."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from tests.webapp.studies.small import SMALL, finish, write_small
from tests.webapp.studies.test_judge import outcome
from webapp.accounts.models import User
from webapp.jobs.models import Job
from webapp.studies.library import StudyFile
from webapp.studies.pages import study_page
from webapp.studies.services import study_reproduce

pytestmark = pytest.mark.django_db
BANDIT = """
title: Two arms
paper: arXiv:2509.24203
shows: A test
question: Which arm?
reports: Nothing.
bandit:
  bandit: {behaviour: [0.5, 0.5], rewards: [0.0, 1.0], updates: 200}
  choices:
    - {label: REINFORCE, algorithm: rec, params: {clip: none}}
figures:
  - {id: reward, title: Expected reward, kind: bandit}
claims:
  - {id: second, kind: exact, says: It ends on arm 2., label: REINFORCE, arm: 2, low: 0.9}
  - {id: first, kind: exact, says: It ends on arm 1., label: REINFORCE, arm: 1, low: 0.9}
"""


def _text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer.content[:500]
    return answer.content.decode()


def test_the_list_names_studies_scales_and_files_that_cannot_be_read(
    file: StudyFile, browser: Client, settings: Settings
) -> None:
    (Path(settings.STUDIES_DIR) / "broken.yaml").write_text("title: [", encoding="utf-8")
    text = _text(browser, "/studies/")
    assert "Does a small study work?" in text
    assert "broken.yaml" in text
    assert "cannot be read" in text
    assert "jobs, none yet" in text


def test_reproduce_queues_and_says_so(file: StudyFile, browser: Client) -> None:
    answer = browser.post("/studies/small/reproduce/", {"scale": "cpu"}, follow=True)
    assert "jobs are queued" in answer.content.decode()
    assert Job.objects.filter(kind="train").exists()


def test_a_finished_study_shows_verdicts_with_their_runs(
    file: StudyFile, browser: Client, ada: User
) -> None:
    study_reproduce(owner=ada, file=file, scale="cpu")
    finish(file, outcome)
    text = _text(browser, "/studies/small/?scale=cpu")
    assert "TOPR ends above REINFORCE." in text
    assert ">holds</a>" in text
    assert "tells them apart" in text
    assert "/compare/?runs=" in text
    assert "Still to do here" in text
    fragment = _text(browser, "/studies/small/?scale=cpu&fragment=state")
    assert "<html" not in fragment


def test_a_study_page_asks_the_same_number_of_queries_whatever_has_run(
    file: StudyFile, ada: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    study_reproduce(owner=ada, file=file, scale="cpu")
    finish(file, outcome)
    # Jobs and their runs; one curve of the claims; edges, models and jobs for the estimate.
    with django_assert_num_queries(6):
        study_page(file, "cpu")


@pytest.mark.parametrize("figure", ["accuracy", "shares", "final", "cardinality"])
def test_every_figure_is_drawn_before_and_after(
    file: StudyFile, browser: Client, ada: User, figure: str
) -> None:
    address = f"/studies/small/cpu/{figure}/0.json"
    assert json.loads(_text(browser, address))["data"] == []
    study_reproduce(owner=ada, file=file, scale="cpu")
    finish(file, outcome)
    drawn: dict[str, Any] = json.loads(_text(browser, address))
    assert drawn["data"] or figure == "cardinality"  # its file is not made here
    assert browser.get(f"/studies/small/cpu/{figure}/7.json").status_code == 404


@pytest.mark.parametrize(
    "kept",
    [
        ("claims.csv", "ends_above,greater"),
        ("runs.csv", "main,TOPR,topr,0"),
        ("curves.csv", "eval_sampled_accuracy,main,TOPR"),
        ("table.tex", r"\begin{tabular}"),
        ("claims.md", "| TOPR ends above REINFORCE. | holds |"),
        ("methods.txt", "4 updates of 16 completions"),
    ],
)
def test_a_study_can_be_kept_as_files(
    file: StudyFile, browser: Client, ada: User, kept: tuple[str, str]
) -> None:
    study_reproduce(owner=ada, file=file, scale="cpu")
    finish(file, outcome)
    name, part = kept
    assert part in _text(browser, f"/studies/small/cpu/export/{name}")


def test_a_bandit_is_computed_and_judged_without_a_test(
    file: StudyFile, browser: Client, settings: Settings
) -> None:
    (Path(settings.STUDIES_DIR) / "arms.yaml").write_text(BANDIT, encoding="utf-8")
    _text(browser, "/studies/arms/?fragment=state")
    text = _text(browser, "/studies/arms/")
    assert "holds" in text
    assert "does not hold" in text
    assert 'name="scale"' not in text
    assert json.loads(_text(browser, "/studies/arms/exact/reward/0.json"))["data"]
    assert "arm_2" in _text(browser, "/studies/arms/exact/export/bandit.csv")


def test_the_command_line_prints_and_writes_what_pages_show(
    file: StudyFile, ada: User, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("studies", "run", "small", "--no-wait")
    assert "jobs are queued" in capsys.readouterr().out
    finish(file, outcome)
    call_command("studies", "table")
    assert "| small | cpu | TOPR ends above REINFORCE. | holds |" in capsys.readouterr().out
    call_command("studies", "export", "small", "--out", str(tmp_path / "out"))
    written = {path.name for path in (tmp_path / "out" / "small").iterdir()}
    assert written == {"claims-cpu.csv", "runs-cpu.csv", "curves-cpu.csv", "README-cpu.md"}


def test_the_papers_numbers_are_drawn_at_the_papers_scale_only(
    settings: Settings, tmp_path: Path, browser: Client
) -> None:
    settings.STUDIES_DIR = tmp_path / "overlay"
    panel = "    panels: [{of: eval_sampled_accuracy}]\n"
    paper = f"{panel}    paper:\n      - {{group: TOPR, x: [0, 4], y: [0.5, 0.7]}}\n"
    write_small(tmp_path / "overlay", SMALL.replace(panel, paper).replace("  cpu:\n", "  paper:\n"))
    drawn = json.loads(_text(browser, "/studies/small/paper/accuracy/0.json"))
    assert [trace["name"] for trace in drawn["data"]] == ["TOPR (paper)"]
