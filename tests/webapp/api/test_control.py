"""Experiments of the control laboratory by API: preview, launch, read, extend, errors."""

from typing import Any

import pytest

from tests.webapp.api.callers import Caller, answer, paths_of
from tests.webapp.experiments.control.bench import ControlBench
from webapp.experiments.models import Experiment
from webapp.jobs.models import Job

pytestmark = pytest.mark.django_db


@pytest.fixture
def bench() -> ControlBench:
    return ControlBench()


@pytest.fixture
def emmy(bench: ControlBench) -> Caller:
    return Caller(bench.user)


def body(bench: ControlBench, **changes: Any) -> dict[str, Any]:
    config = bench.config(**changes).model_dump(mode="json")
    return {"name": "By API", "config": config}


def test_a_launch_by_api_equals_a_launch_by_service(bench: ControlBench, emmy: Caller) -> None:
    by_service = bench.launch()
    jobs = Job.objects.count()
    detail = answer(emmy.post("/experiments", body(bench)), 201)
    assert Job.objects.count() == jobs
    assert Experiment.objects.get(pk=detail["id"]).config == by_service.config
    assert detail["recipe"] == "control"
    labels = {run["label"] for run in detail["run_list"]}
    assert labels == {"BC", "BC + CDSA", "TD3+BC", "TD3+BC + CDSA"}
    shared = {node["role"]: node["run_ids"] for node in detail["graph"] if not node["run_ids"]}
    assert set(shared) == {"dataset", "score", "inverse_dynamics"}


def test_a_preview_counts_jobs_updates_and_episodes(bench: ControlBench, emmy: Caller) -> None:
    told = answer(emmy.post("/experiments/preview", body(bench)["config"]))
    assert (told["runs"], told["groups"], told["jobs"]) == (8, 4, 14)
    assert told["total"]["episodes"] == 800
    assert told["total"]["steps"] == 4 * 20_000 + 12_000 + 6_000


def test_an_extension_by_api_adds_a_correction(bench: ControlBench, emmy: Caller) -> None:
    made = answer(emmy.post("/experiments", body(bench)), 201)
    path = f"/experiments/{made['id']}"
    config = answer(emmy.get(f"{path}/config"))
    stronger = {"name": "stronger", "correction": "cdsa", "params": {"action_gain": 2.0}}
    config["corrections"].append(stronger)
    assert answer(emmy.post(f"{path}/extend", config))["runs"] == 12
    config["corrections"] = config["corrections"][1:]
    assert "keeps every run" in answer(emmy.post(f"{path}/extend", config), 409)["detail"]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"algorithms": [{"label": "x", "algorithm": "topr"}]}, "config.algorithms.0.algorithm"),
        ({"settings": {"batch_size": 0}}, "config.settings.batch_size"),
        ({"policy_id": 1}, "config.policy_id"),
        ({"dataset_id": 999}, "config.dataset_id"),
        ({"policies": [{"label": "x", "policy_id": 999}]}, "config.policies.0.policy_id"),
        ({"axes": {"correction.steps": [1, -1]}}, "config.axes.correction.steps.1"),
        ({"axes": {"dataset_id": [999]}}, "config.axes.dataset_id"),
    ],
)
def test_an_error_names_the_path_that_was_sent(
    bench: ControlBench, emmy: Caller, changes: dict[str, Any], path: str
) -> None:
    sent = body(bench)
    sent["config"] |= changes
    assert paths_of(emmy.post("/experiments", sent)) == [path]
    assert not Experiment.objects.exists()


def test_algorithms_corrections_and_recipes_say_what_they_work_on(emmy: Caller) -> None:
    kinds = {one["name"]: one["kind"] for one in answer(emmy.get("/algorithms"))}
    assert (kinds["topr"], kinds["td3_bc"], kinds["cdsa"]) == ("language", "control", "correction")
    assert answer(emmy.get("/algorithms/cdsa"))["presets"]["PointMass"]["noise_level"] == 0.2
    families = {one["name"]: one["family"] for one in answer(emmy.get("/recipes"))}
    assert (families["control"], families["offline"]) == ("control", "language")
