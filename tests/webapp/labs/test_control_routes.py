"""The API's routes of the labs of control: the numbers of their pages, and errors with paths."""

import json
from typing import Any

import numpy as np
import pytest
import torch
from django.test import Client

from algorithms.control_models.files import load_score
from algorithms.evaluation.control import load_trajectories
from tests.webapp.labs.control_made import CDSA
from webapp.jobs.models import Job
from webapp.labs.sources import folder_of


def ask(client: Client, name: str, body: dict[str, Any], status: int = 200) -> dict[str, Any]:
    answer = client.post(f"/api/v1/labs/{name}", json.dumps(body), content_type="application/json")
    assert answer.status_code == status, answer.content.decode()
    found: dict[str, Any] = answer.json()
    return found


def paths(answer: dict[str, Any]) -> list[str]:
    return [error["path"] for error in answer["errors"]]


def test_without_networks_and_evaluations_the_routes_say_what_is_missing(page: Client) -> None:
    for name in ("score-field", "correction"):
        assert "no score network yet" in ask(page, name, {}, 409)["detail"]
    assert "no evaluation yet" in ask(page, "point-mass", {}, 409)["detail"]


def test_the_score_field_is_the_networks_at_the_named_coordinates(
    page: Client, jobs: dict[str, Job]
) -> None:
    asked = {"x": "x", "y": "a1", "values": {"y": 0.25, "a0": -0.5}, "level": 2}
    found = ask(page, "score-field", {**asked, "units": "normalised"})
    assert found["method"] == "CDSA, reference design"
    assert found["axes"] == ["x", "a1"]
    stored = load_score(folder_of(jobs["score"]))
    row, column = 7, 11
    y = (0.25 - stored.scaling.mean[1]) / stored.scaling.deviation[1]
    point = [found["x"][column], y, -0.5, found["y"][row]]
    score = stored.model.score(torch.tensor([point], dtype=torch.float32), found["sigma"])[0]
    expected = [float(score[0]), float(score[3])]
    assert found["score"][row][column] == pytest.approx(expected, rel=2e-3, abs=1e-4)


def test_a_wrong_coordinate_level_or_job_is_named(page: Client, jobs: dict[str, Job]) -> None:
    wrong = {"x": "speed", "values": {"mass": 1}}
    assert paths(ask(page, "score-field", wrong, 422)) == ["x", "values.mass"]
    assert paths(ask(page, "score-field", {"x": 1, "y": 1}, 422)) == ["y"]
    assert paths(ask(page, "score-field", {"level": 99}, 422)) == ["level"]
    assert paths(ask(page, "score-field", {"row": 10**9}, 422)) == ["row"]
    assert paths(ask(page, "score-field", {"score": jobs["data"].pk}, 422)) == ["score"]
    assert paths(ask(page, "correction", {"policy": jobs["data"].pk}, 422)) == ["policy"]
    assert paths(ask(page, "correction", {"observation": [1.0]}, 422)) == ["observation"]
    assert paths(ask(page, "correction", {"settings": {"steps": -1}}, 422)) == ["settings.steps"]
    assert paths(ask(page, "point-mass", {"after": jobs["score"].pk}, 422)) == ["after"]


def test_a_correction_is_the_one_that_the_evaluation_made(
    page: Client, jobs: dict[str, Job]
) -> None:
    first = load_trajectories(folder_of(jobs["after"]))[0]
    body = {
        "policy": jobs["policy"].pk,
        "observation": first.observations[0].tolist(),
        "settings": CDSA,
    }
    found = ask(page, "correction", body)
    assert found["action"] == pytest.approx(first.actions[0].tolist(), abs=1e-5)
    assert len(found["corrections"]) == CDSA["steps"]
    assert found["jobs"]["inverse_dynamics"] == jobs["inverse"].pk
    typed = ask(page, "correction", {**body, "action": [0.5, -0.25]})
    assert typed["policy_action"] == [0.5, -0.25]


def test_the_episodes_are_those_that_both_evaluations_kept(
    page: Client, jobs: dict[str, Job]
) -> None:
    found = ask(page, "point-mass", {"episodes": 2})
    assert [each["job"] for each in found["evaluations"]] == [jobs["before"].pk, jobs["after"].pk]
    for each, name in zip(found["evaluations"], ("before", "after"), strict=True):
        kept = load_trajectories(folder_of(jobs[name]))
        assert len(each["episodes"]) == 2
        for episode, trajectory in zip(each["episodes"], kept, strict=False):
            places = trajectory.observations[:, :2]
            np.testing.assert_allclose(episode["places"], places, rtol=1e-6)
    alone = ask(page, "point-mass", {"before": jobs["before"].pk, "after": None})
    assert [each["job"] for each in alone["evaluations"]] == [jobs["before"].pk]
    apart = {"before": jobs["before"].pk, "after": jobs["other"].pk}
    assert "same reset seed" in ask(page, "point-mass", apart, 409)["detail"]
