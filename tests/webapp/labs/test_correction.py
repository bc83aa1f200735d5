"""The correction page: what it shows is what evaluations do, and its address restores it."""

import csv
import io
import itertools
import json
from typing import Any

import numpy as np
import pytest
from django.test import Client

from algorithms.control_data.transitions import load_transitions
from algorithms.control_specs import EvaluateControlSpec
from algorithms.controllers.assembly import assembled
from algorithms.evaluation.control import load_trajectories
from tests.webapp.labs.asked import HTMX, error_at, figure_url
from tests.webapp.labs.control_made import CDSA
from webapp.jobs.models import Job
from webapp.labs.sources import folder_of

URL = "/labs/correction/"


def address(jobs: dict[str, Job], **changed: Any) -> dict[str, Any]:
    """Return the address of the tests' correction of row 5."""
    settings = {f"c-{name}": value for name, value in CDSA.items()}
    rest = {"action_gain": 1, "step_scale": 1, "density": "joint", "max_shift": 0, "seed": 0}
    settings |= {f"c-{name}": value for name, value in rest.items()}
    settings |= {"c-langevin_step": "2e-5", "c-anneal_from": ""}
    chosen = {"policy": jobs["policy"].pk, "score": jobs["score"].pk, "inverse": jobs["inverse"].pk}
    return {**settings, **chosen, "at": "row", "row": "5", **changed}


def test_without_networks_the_page_says_what_is_needed(page: Client) -> None:
    text = page.get(URL).content.decode()
    assert "A score network is needed first" in text
    assert "recipe=control" in text


def test_the_page_opens_with_the_preset_of_its_environment_and_everything_of_one_data_set(
    page: Client, jobs: dict[str, Job]
) -> None:
    text = page.get(URL).content.decode()
    assert "CDSA, reference design" in text
    assert '<option value="displacement" selected>' in text
    assert text.count('<th scope="row" class="num">') == 1 + 5  # the preset PointMass: K = 5
    assert f'<option value="{jobs["policy"].pk}" selected>' in text


@pytest.mark.parametrize("changed", [{}, {"c-max_shift": "0.05"}, {"c-anneal_from": "1"}])
def test_the_last_line_is_the_evaluations_action_bit_for_bit(
    page: Client, jobs: dict[str, Job], changed: dict[str, str]
) -> None:
    found = page.get(f"{URL}corrections.json", address(jobs, **changed)).json()
    seen = load_transitions(folder_of(jobs["data"])).observations[5]
    numbers = {name.removeprefix("c-"): float(value) for name, value in changed.items()}
    spec = EvaluateControlSpec(correction="cdsa", correction_params={**CDSA, **numbers})
    roles = {"policy": "policy", "score": "score", "inverse_dynamics": "inverse"}
    inputs = {role: folder_of(jobs[name]) for role, name in roles.items()}
    controller = assembled(spec, inputs)
    controller.start([0], 1)
    acted = controller.act(seen[None], np.zeros(1, np.int64))[0]
    assert np.array(found["action"], np.float32).tobytes() == acted.tobytes()
    assert found["observation"] == seen.tolist()
    assert len(found["corrections"]) == 3
    assert found["ood_before"] == controller.traces[0].ood_before[0]


def test_the_table_and_the_csv_tell_every_part_of_the_shift(
    page: Client, jobs: dict[str, Job]
) -> None:
    answer = page.get(f"{URL}corrections.csv", address(jobs)).content.decode()
    lines = list(csv.DictReader(io.StringIO(answer)))
    assert [line["correction"] for line in lines] == ["0", "1", "2", "3"]
    for before, line in itertools.pairwise(lines):
        for at in ("a0", "a1"):
            moved = sum(
                float(text)
                for text in (before[at], line[f"action_part_{at}"], line[f"state_part_{at}"])
            )
            assert float(line[at]) == pytest.approx(max(-1, min(1, moved)), abs=1e-6)
        assert line["ood_before"] == before["ood_after"]
    text = page.get(URL, address(jobs), headers=HTMX).content.decode()
    assert f"{float(lines[-1]['a0']):.4g}".replace("-", "−") in text
    path = json.loads(page.get(figure_url(text, "correction")).content)["data"]
    [way] = [trace for trace in path if trace.get("name") == "corrections"]
    assert way["x"] == pytest.approx([float(line["a0"]) for line in lines])


def test_a_typed_state_and_a_typed_action_need_no_policy(
    page: Client, jobs: dict[str, Job]
) -> None:
    typed = {"at": "typed", "state": "0.5 0.5 0.1 0.1", "action": "0.7, -0.2", "policy": ""}
    found = page.get(f"{URL}corrections.json", address(jobs, **typed)).json()
    assert found["policy_action"] == pytest.approx([0.7, -0.2])
    assert found["observation"] == pytest.approx([0.5, 0.5, 0.1, 0.1])
    scripted = page.get(f"{URL}corrections.json", address(jobs, policy=jobs["beeline"].pk)).json()
    assert scripted["policy_action"][0] < 0  # towards the goal


def test_a_click_on_a_state_fills_in_its_row(page: Client, jobs: dict[str, Job]) -> None:
    figure = page.get(f"{URL}states.json", address(jobs)).json()
    data = load_transitions(folder_of(jobs["data"]))
    assert figure["layout"]["meta"]["fills"] == {"0": "row"}
    assert figure["layout"]["meta"]["also"] == {"at": "row"}
    number = figure["data"][0]["customdata"][9]
    assert figure["data"][0]["x"][9] == pytest.approx(float(data.observations[number, 0]), abs=1e-4)
    assert figure["layout"]["shapes"][0]["x0"] == pytest.approx(0.2)  # the danger zone


WRONG: list[tuple[dict[str, Any], tuple[str, str]]] = [
    ({"row": "99999"}, ("id_row", "The data set has rows 0 to")),
    ({"at": "typed"}, ("id_state", "Type the observation")),
    ({"at": "typed", "state": "1 2"}, ("id_state", "Type 4 finite numbers; there are 2.")),
    ({"action": "fast"}, ("id_action", "“fast” is not a number.")),
    ({"policy": ""}, ("errors-correction", "Choose a policy, or type an action")),
    ({"inverse": ""}, ("errors-correction", "an inverse dynamics model")),
    ({"c-auxiliary": "next"}, ("errors-correction", "a forward model")),
    ({"c-steps": "900"}, ("errors-correction", "more than this page computes at once")),
    ({"c-noise_level": "-1"}, ("id_c-noise_level", "Enter a number between 0 and 100")),
    ({"stage": "7"}, ("errors-correction", "The policy has the seeds 0, not 7.")),
]


@pytest.mark.parametrize(("changed", "told"), WRONG)
def test_what_is_wrong_is_told_at_its_place(
    page: Client, jobs: dict[str, Job], changed: dict[str, str], told: tuple[str, str]
) -> None:
    answer = page.get(URL, address(jobs, **changed), headers=HTMX).content.decode()
    assert told[1] in error_at(answer, told[0])
    assert "Every correction" in answer


def test_foreign_code_does_not_act_in_the_web_process_but_its_trajectory_can_be_corrected(
    page: Client, jobs: dict[str, Job]
) -> None:
    file = folder_of(jobs["policy"]) / "policy.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "kind": "torchscript"}))
    answer = page.get(URL, address(jobs), headers=HTMX).content.decode()
    assert "acts on workers only" in error_at(answer, "errors-correction")
    asked = {"by": jobs["after"].pk, "of": jobs["before"].pk, "episode": 1, "step": 2}
    went = page.get(f"{URL}step/", asked)["Location"]
    found = page.get(went.replace("/correction/", "/correction/corrections.json")).json()
    acted = load_trajectories(folder_of(jobs["before"]))[1].actions[2]
    assert found["policy_action"] == pytest.approx(np.clip(acted, -1, 1).tolist(), abs=1e-6)
    assert len(found["corrections"]) == 3
