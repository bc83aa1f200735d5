"""The compare page of experiments in control: page, plots, files, and what it is not for."""

import csv
import io
import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.webapp.results import made
from tests.webapp.results.control.made import ControlLab, make_control_lab
from webapp.results.control.figures import FIGURES

pytestmark = pytest.mark.django_db
MIXED = "cannot be compared with each other"


@pytest.fixture
def lab(ada: Client) -> ControlLab:
    return make_control_lab(seeds=(0, 1))


def shown(client: Client, runs: list[int], **query: Any) -> str:
    response = client.get(reverse("results:compare"), {"runs": ",".join(map(str, runs)), **query})
    assert response.status_code == 200
    return response.content.decode()


def plot(client: Client, name: str, runs: list[int], **query: Any) -> dict[str, Any]:
    address = reverse("results:compare_figure", args=[name])
    response = client.get(address, {"runs": ",".join(map(str, runs)), **query})
    assert response.status_code == 200
    return json.loads(response.content)  # type: ignore[no-any-return]


def file(client: Client, name: str, runs: list[int], **query: Any) -> str:
    address = reverse("results:compare_export", args=[name])
    return client.get(address, {"runs": ",".join(map(str, runs)), **query}).content.decode()


def test_the_page_shows_the_table_with_its_label_and_nothing_of_completions(
    ada: Client, lab: ControlLab
) -> None:
    text = shown(ada, lab.run_ids)
    assert "the paper's values are not verified" in text
    assert "TD3+BC + CDSA" in text
    assert "CDSA, reference design" in text
    assert "local-normalised" in text
    assert "CVaR 10%" in text
    for word in ("completions", "Pass@", "Problem by problem"):
        assert word not in text


def test_the_level_of_the_tail_is_chosen_on_the_page(ada: Client, lab: ControlLab) -> None:
    assert "CVaR 25%" in shown(ada, lab.run_ids, alpha="0.25")
    assert "rounded down" in shown(ada, lab.run_ids, tail="floor")
    assert "CVaR 10%" in shown(ada, lab.run_ids, alpha="nonsense")


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_every_plot_can_be_drawn(ada: Client, lab: ControlLab, name: str) -> None:
    drawn = plot(ada, name, lab.run_ids)
    assert "data" in drawn


def test_returns_are_drawn_with_var_and_cvar_of_each_group(ada: Client, lab: ControlLab) -> None:
    for shape in ("histogram", "ecdf"):
        drawn = plot(ada, "returns", lab.run_ids, shape=shape)
        names = [trace["name"] for trace in drawn["data"]]
        assert names.count("TD3+BC + CDSA: CVaR") == 1
        assert names.count("TD3+BC: VaR") == 1


def test_bars_have_a_dot_per_seed_that_leads_to_its_evaluation(
    ada: Client, lab: ControlLab
) -> None:
    drawn = plot(ada, "bars", lab.run_ids)
    dots = [trace for trace in drawn["data"] if trace["type"] == "scatter"]
    addresses = {row[0] for trace in dots for row in trace["customdata"]}
    own = {lab.runs[key].needs.get(role="evaluate").job_id for key in lab.runs}
    assert addresses == {reverse("jobs:detail", args=[job]) for job in own}


def test_curves_show_each_training_once(ada: Client, lab: ControlLab) -> None:
    drawn = plot(ada, "curves", lab.run_ids)
    means = [trace["name"] for trace in drawn["data"] if trace.get("line", {}).get("width") == 2.4]
    assert means == ["Behaviour cloning (N = 2)", "TD3+BC (N = 2)"]


def test_trajectories_stand_over_the_danger_zone(ada: Client, lab: ControlLab) -> None:
    drawn = plot(ada, "trajectories", lab.run_ids)
    assert drawn["layout"]["shapes"][0]["x0"] == pytest.approx(0.2)
    names = [trace["name"] for trace in drawn["data"]]
    assert names[:2] == ["Behaviour cloning, seed 0", "Behaviour cloning + CDSA, seed 0"]
    goal = next(trace for trace in drawn["data"] if trace["name"] == "goal")
    assert goal["x"] == [pytest.approx(0.1)]


def test_without_a_ground_states_are_drawn_over_time(ada: Client) -> None:
    lab = make_control_lab(algorithms=("bc",), seeds=(0,), environment="Pendulum-v1")
    drawn = plot(ada, "trajectories", lab.run_ids, episode=1)
    assert drawn["layout"]["yaxis"]["title"]["text"] == "cos angle"
    assert "steps in danger" not in shown(ada, lab.run_ids)


def test_files_hold_the_numbers_of_the_page(ada: Client, lab: ControlLab) -> None:
    table = list(csv.DictReader(io.StringIO(file(ada, "table.csv", lab.run_ids, alpha=0.2))))
    assert len(table) == 4
    assert {row["alpha"] for row in table} == {"0.2"}
    corrected = [row for row in table if row["correction"] == "CDSA, reference design"]
    assert {row["verdict"] for row in corrected} == {"higher"}
    episodes = list(csv.DictReader(io.StringIO(file(ada, "episodes.csv", lab.run_ids))))
    assert len(episodes) == 2 * 2 * 2 * 60
    mean = sum(float(row["return"]) for row in episodes if row["group"] == "TD3+BC") / 120
    plain = next(row for row in table if row["group"] == "TD3+BC")
    assert float(plain["return_mean"]) == pytest.approx(mean)
    assert r"\begin{tabular}" in file(ada, "table.tex", lab.run_ids)
    everything = json.loads(file(ada, "comparison.json", lab.run_ids))
    assert len(everything["groups"]) == 4
    assert "reference design" in everything["note"]
    points = list(csv.DictReader(io.StringIO(file(ada, "points.csv", lab.run_ids))))
    assert {row["metric"] for row in points} == {"eval_return_mean"}


def test_language_and_control_together_get_a_sentence_instead_of_a_table(
    ada: Client, lab: ControlLab
) -> None:
    other = made.make_lab(seeds=(0,), problems=10, steps=5)
    text = shown(ada, lab.run_ids + other.run_ids)
    assert MIXED in text
    assert "final-table" not in text


def test_choosing_runs_of_the_other_kind_leads_to_their_page(ada: Client, lab: ControlLab) -> None:
    other = made.make_lab(seeds=(0,), problems=10, steps=5)
    address = reverse("results:compare")
    headers = {"HX-Request": "true", "HX-Target": "comparison"}
    for runs, page in ((lab.run_ids, "language"), (other.run_ids, "control")):
        query = {"runs": ",".join(map(str, runs)), "family": page, "form": "1"}
        response = ada.get(address, query, headers=headers)
        assert response.headers["HX-Redirect"].startswith(f"{address}?runs=")
    own = {"runs": ",".join(map(str, lab.run_ids)), "family": "control", "form": "1"}
    response = ada.get(address, own, headers=headers)
    assert "HX-Redirect" not in response.headers
    assert "final-table" in response.content.decode()


def test_the_number_of_queries_does_not_grow_with_the_runs(
    ada: Client, lab: ControlLab, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(16):
        shown(ada, lab.run_ids)
