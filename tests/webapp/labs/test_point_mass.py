"""The PointMass page: paired episodes, frames, and the way from a step to its correction."""

import csv
import io
import json
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from algorithms.evaluation.control import load_episodes, load_trajectories
from tests.webapp.labs.asked import HTMX, error_at, figure_url
from tests.webapp.labs.control_made import Made, store
from webapp.jobs.models import Job
from webapp.labs.sources import folder_of

URL = "/labs/point-mass/"


def test_without_evaluations_the_page_says_what_is_needed(page: Client) -> None:
    assert "An evaluation of a policy is needed first" in page.get(URL).content.decode()


def test_the_page_opens_with_the_newest_correction_beside_what_it_corrected(
    page: Client, jobs: dict[str, Job]
) -> None:
    text = page.get(URL).content.decode()
    assert "policy of PointMass + CDSA, reference design (σ 0.36, K 3)" in text
    assert f'<option value="{jobs["before"].pk}" selected>' in text  # not job "other": its seed
    rows = load_episodes(folder_of(jobs["after"])).to_pylist()
    assert "3 kept episodes are shown" in text
    danger = np.mean([row["danger_steps"] for row in rows])
    assert f"{danger:.3g} steps in danger per episode" in text or danger == 0


def test_a_newer_correction_without_its_counterpart_is_passed_over(
    page: Client, jobs: dict[str, Job]
) -> None:
    Job.objects.filter(pk=jobs["other"].pk).update(spec={"correction": "cdsa", "seed": 7})
    text = page.get(URL).content.decode()
    for name in ("before", "after"):
        assert f'<option value="{jobs[name].pk}" selected>' in text
    text = page.get(URL, {"after": jobs["other"].pk}).content.decode()
    assert f'<option value="{jobs["other"].pk}" selected>' in text
    assert f'<option value="{jobs["before"].pk}" selected>' in text


def test_frames_move_the_heads_and_nothing_else(page: Client, jobs: dict[str, Job]) -> None:
    text = page.get(URL, headers=HTMX).content.decode()
    figure = json.loads(page.get(figure_url(text, "point-mass")).content)
    paths = load_trajectories(folder_of(jobs["before"]))
    others = load_trajectories(folder_of(jobs["after"]))
    longest = max(len(one.observations) for one in (*paths, *others))
    assert [frame["name"] for frame in figure["frames"]] == [str(at) for at in range(longest)]
    before, after = figure["frames"][-1]["traces"]
    assert len(figure["data"][before]["x"]) == len(paths)
    assert figure["data"][before]["x"][1] == pytest.approx(paths[1].observations[0, 0], abs=1e-4)
    moved = figure["frames"][4]["data"][1]["x"]
    assert figure["frames"][4]["traces"] == [before, after]
    last = [one.observations[min(4, len(one.observations) - 1), 0] for one in others]
    assert moved == pytest.approx(last, abs=1e-4)
    assert figure["layout"]["shapes"][0]["x1"] == pytest.approx(0.8)


def test_a_click_on_a_step_opens_its_correction_with_the_evaluations_settings(
    page: Client, jobs: dict[str, Job]
) -> None:
    figure = page.get(f"{URL}episodes.plot.json").json()
    url, name = figure["data"][0]["customdata"][2]
    assert name.startswith("episode 1, return ")
    assert name.endswith(", step 2")
    went = page.get(url)
    assert went.status_code == 302
    query = parse_qs(urlsplit(went["Location"]).query)
    seen = load_trajectories(folder_of(jobs["before"]))[0].observations[2]
    assert [float(text) for text in query["state"][0].split()] == pytest.approx(seen.tolist())
    assert query["policy"] == [str(jobs["policy"].pk)]
    assert query["c-auxiliary"] == ["displacement"]
    assert "action" not in query  # the policy itself is asked
    shown = page.get(went["Location"].replace("/correction/", "/correction/corrections.json"))
    assert len(shown.json()["corrections"]) == 3


def test_the_corrected_step_is_what_the_evaluation_did(page: Client, jobs: dict[str, Job]) -> None:
    """One observation alone and a batch of them may differ in the last bits."""
    url = page.get(f"{URL}episodes.plot.json").json()["data"][1]["customdata"][3][0]
    address = page.get(url)["Location"].replace("/correction/", "/correction/corrections.json")
    acted = load_trajectories(folder_of(jobs["after"]))[0].actions[3]
    assert page.get(address).json()["action"] == pytest.approx(acted.tolist(), abs=1e-5)


def test_a_step_that_was_not_kept_is_not_found(page: Client, jobs: dict[str, Job]) -> None:
    by = jobs["after"].pk
    for asked in ({"by": by, "of": by, "episode": 99, "step": 0}, {"by": by, "of": 0}, {}):
        assert page.get("/labs/correction/step/", asked).status_code == 404


def test_episodes_of_other_reset_seeds_are_refused_in_words(
    page: Client, jobs: dict[str, Job]
) -> None:
    asked = {"before": jobs["other"].pk, "after": jobs["after"].pk, "episodes": 8}
    answer = page.get(URL, asked, headers=HTMX).content.decode()
    assert "began at the same reset seed" in error_at(answer, "errors-ground")
    asked["episodes"] = 0
    answer = page.get(URL, asked, headers=HTMX).content.decode()
    assert error_at(answer, "id_episodes")


def test_the_csv_has_every_step_of_both(page: Client, jobs: dict[str, Job]) -> None:
    answer = page.get(f"{URL}steps.csv", {"episodes": 2}).content.decode()
    lines = list(csv.DictReader(io.StringIO(answer)))
    for name in ("before", "after"):
        seen = load_trajectories(folder_of(jobs[name]))[1]
        own = [row for row in lines if row["job"] == str(jobs[name].pk) and row["episode"] == "1"]
        places = [[float(row["x"]), float(row["y"])] for row in own]
        assert places == pytest.approx(seen.observations[:, :2])
        assert [row["danger"] == "True" for row in own] == seen.danger.tolist()


@pytest.mark.parametrize("address", [URL, "/labs/correction/", "/labs/score-field/"])
def test_listing_more_jobs_costs_no_more_queries(
    page: Client, jobs: dict[str, Job], made: Mapping[str, Made], address: str
) -> None:
    with CaptureQueriesContext(connection) as few:
        page.get(address)
    for _ in range(2):
        store(made)
    with CaptureQueriesContext(connection) as many:
        page.get(address)
    assert len(many) == len(few)
