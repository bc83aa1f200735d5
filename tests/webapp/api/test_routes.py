"""What the API does: the same as the services, told in JSON, with errors at their fields."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from algorithms.catalogue import ALGORITHMS
from tests.webapp.api.callers import ROOT, Caller, answer, paths_of
from tests.webapp.experiments.factories import FIVE, Bench, job_of, run_until
from tests.webapp.jobs import graphs
from webapp.catalogue.known import KNOWN
from webapp.datasets.models import Dataset
from webapp.experiments.models import Experiment
from webapp.experiments.services import experiment_preview
from webapp.jobs.leases import Claim
from webapp.jobs.models import Job, LogLine, MetricPoint
from webapp.jobs.states import FailureClass
from webapp.policies.models import Policy

pytestmark = pytest.mark.django_db

TINY = {"source": {"source": "tiny", "hidden_size": 16, "layers": 1, "heads": 2}}


@pytest.fixture
def bench(tmp_path: Path, settings: Settings) -> Bench:
    settings.VAR = tmp_path
    return Bench()


@pytest.fixture
def ada(bench: Bench) -> Caller:
    return Caller(bench.user)


def launch_body(bench: Bench, **changes: Any) -> dict[str, Any]:
    config = bench.config(**changes).model_dump(mode="json")
    return {"name": "By API", "question": "Why?", "tags": ["night"], "config": config}


def test_a_launch_by_api_equals_a_launch_by_service(bench: Bench, ada: Caller) -> None:
    by_service = bench.launch(FIVE)
    jobs = Job.objects.count()
    detail = answer(ada.post("/experiments", launch_body(bench, names=FIVE)), 201)
    by_api = Experiment.objects.get(pk=detail["id"])
    assert Job.objects.count() == jobs
    assert by_api.config == by_service.config
    fields = ("label", "algorithm", "seed", "position", "config")
    assert list(by_api.runs.values(*fields)) == list(by_service.runs.values(*fields))
    needs = [sorted(one.needs.values_list("job", "role")) for one in (by_api, by_service)]
    assert needs[0] == needs[1]
    assert (by_api.owner, by_api.tags, by_api.question) == (bench.user, ["night"], "Why?")
    assert len(detail["run_list"]) == 11
    assert len(detail["graph"]) == 25


def test_a_doubled_launch_request_launches_once(bench: Bench, ada: Caller) -> None:
    body = launch_body(bench) | {"launch_key": str(uuid4())}
    first, second = (answer(ada.post("/experiments", body), 201) for _ in range(2))
    assert first["id"] == second["id"]


def test_a_preview_by_api_tells_what_the_service_tells(bench: Bench, ada: Caller) -> None:
    config = bench.config(FIVE)
    told = answer(ada.post("/experiments/preview", config.model_dump(mode="json")))
    preview = experiment_preview(config=config)
    assert (told["runs"], told["jobs"], told["existing"]) == (11, 23, 0)
    assert told["total"]["completions"] == preview.total.completions
    assert not Experiment.objects.exists()


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"algorithms": [{"label": "x", "algorithm": "none"}]}, "config.algorithms.0.algorithm"),
        (
            {"algorithms": [{"label": "x", "algorithm": "topr", "params": {"baseline": 9}}]},
            "config.algorithms.0.params.baseline",
        ),
        ({"settings": {"learning_rate": -1}}, "config.settings.learning_rate"),
        ({"axes": {"settings.steps": [1, 0]}}, "config.axes.settings.steps.1"),
        ({"dataset_id": 999}, "config.dataset_id"),
        ({"policy_id": None}, "config.policy_id"),
        ({"surprise": 1}, "config.surprise"),
    ],
)
def test_an_error_names_the_path_that_was_sent(
    bench: Bench, ada: Caller, changes: dict[str, Any], path: str
) -> None:
    body = launch_body(bench)
    body["config"] |= changes
    assert paths_of(ada.post("/experiments", body)) == [path]
    assert not Experiment.objects.exists()


def test_a_name_that_is_missing_or_empty_is_told(bench: Bench, ada: Caller) -> None:
    body = launch_body(bench)
    assert paths_of(ada.post("/experiments", body | {"name": ""})) == ["name"]
    del body["name"]
    assert paths_of(ada.post("/experiments", body)) == ["name"]


def test_what_is_no_json_is_told(ada: Caller) -> None:
    response = ada.client.post(f"{ROOT}/experiments", "{", content_type="application/json")
    assert answer(response, 400)["detail"]


def test_the_life_of_an_experiment(bench: Bench, ada: Caller) -> None:
    made = answer(ada.post("/experiments", launch_body(bench)), 201)
    path = f"/experiments/{made['id']}"
    config = answer(ada.get(f"{path}/config"))
    config["seeds"].append(2)
    assert answer(ada.post(f"{path}/extend", config))["runs"] == 7
    assert answer(ada.post(f"{path}/extend", config), 409)["detail"].startswith("Nothing is added")
    answer(ada.post(f"{path}/priority", {"priority": 7}), 204)
    assert answer(ada.get(path))["priority"] == 7
    report = answer(ada.post(f"{path}/cancel"))
    assert report["message"].startswith("15 jobs cancelled. 2 jobs kept for the dataset")
    assert answer(ada.get(path))["state"] == "cancelled"
    assert answer(ada.post(f"{path}/retry")) == {"retried": 15}
    assert "cancel it first" in answer(ada.delete(path), 409)["detail"]
    graphs.run_all()
    assert answer(ada.get(path))["state"] == "succeeded"
    renamed = answer(ada.send("put", path, {"name": "New", "tags": ["x"]}))
    assert (renamed["name"], renamed["tags"]) == ("New", ["x"])
    clone = {"name": "Clone", "config": config, "cloned_from": made["id"]}
    assert answer(ada.post("/experiments", clone), 201)["cloned_from"] == made["id"]
    answer(ada.delete(path), 204)
    assert ada.get(path).status_code == 404


def test_experiments_are_searched_and_paged(bench: Bench, ada: Caller) -> None:
    for number in range(3):
        bench.launch(("topr",), title=f"Night {number}", seeds=[number])
    page = answer(ada.get("/experiments", search="night", limit=2))
    assert [one["name"] for one in page["items"]] == ["Night 2", "Night 1"]
    assert page["total"] == 3
    assert answer(ada.get("/experiments", state="succeeded"))["items"] == []
    assert paths_of(ada.get("/experiments", state="asleep")) == ["state"]
    assert paths_of(ada.get("/experiments", limit=10**6)) == ["limit"]


def test_a_run_tells_state_jobs_and_configuration(bench: Bench, ada: Caller) -> None:
    experiment = bench.launch()
    run = experiment.runs.get(label="topr", seed=1)
    told = answer(ada.get(f"/runs/{run.pk}"))
    assert (told["label"], told["seed"], told["state"]) == ("topr", 1, "waiting")
    assert told["train_job_id"] == job_of(experiment, "train", "topr", 1).pk
    assert told["config"]["train"]["seed"] == 1


def test_a_dataset_is_uploaded_looked_at_and_deleted(ada: Caller) -> None:
    lines = [{"prompt": f"{n}+1=", "answer": str(n + 1), "split": "test"} for n in range(5)]
    text = "\n".join(map(json.dumps, lines)).encode()
    form = {"name": "Mine", "split": "split", "prompt": "prompt", "answer": "answer"}
    file = SimpleUploadedFile("rows.jsonl", text)
    made = answer(ada.client.post(f"{ROOT}/datasets", form | {"file": file}), 201)
    assert made["summary"] == {"rows": 5, "bad_rows": 0, "test": 5}
    rows = answer(ada.get(f"/datasets/{made['id']}/rows", text="3+", limit=1))
    assert rows["total"] == 1
    assert rows["items"][0]["answer"] == "4"
    assert answer(ada.get(f"/datasets/{made['id']}"))["name"] == "Mine"
    answer(ada.delete(f"/datasets/{made['id']}"), 204)
    assert not Dataset.objects.filter(name="Mine").exists()


def test_bad_rows_of_an_upload_are_reported_by_line(ada: Caller) -> None:
    text = b'{"prompt": "1+1=", "answer": "2"}\n{"prompt": "1+2="}\n'
    form = {"name": "Mine", "file": SimpleUploadedFile("rows.jsonl", text)}
    response = ada.client.post(f"{ROOT}/datasets", form)
    assert paths_of(response) == ["line 2"]
    assert not Dataset.objects.filter(name="Mine").exists()


def test_a_dataset_comes_from_a_generator(ada: Caller) -> None:
    spec = {"source": {"source": "arithmetic", "digits": 1, "train": 4, "test": 2}}
    made = answer(ada.post("/datasets/from-source", {"name": "Sums", "spec": spec}), 201)
    assert made["state"] == "queued"
    assert "has no rows yet" in answer(ada.get(f"/datasets/{made['id']}/rows"), 409)["detail"]
    spec["source"]["digits"] = 70
    refused = ada.post("/datasets/from-source", {"name": "Sums", "spec": spec})
    assert paths_of(refused) == ["spec.source.arithmetic.digits"]


def test_a_policy_is_made_from_a_source_and_from_a_run(bench: Bench, ada: Caller) -> None:
    body = {
        "name": "Warm", "spec": TINY, "warm_start": {"algorithm": "sft"},
        "dataset_id": bench.dataset.pk,
    }  # fmt: skip
    assert answer(ada.post("/policies", body), 201)["kind"] == "train"
    assert paths_of(ada.post("/policies", body)) == ["name"]
    run = bench.launch(("topr",), seeds=[0]).runs.get(label="topr")
    assert ada.post("/policies/from-run", {"name": "Best", "run_id": run.pk}).status_code == 409
    graphs.run_all()
    made = answer(ada.post("/policies/from-run", {"name": "Best", "run_id": run.pk}), 201)
    answer(ada.delete(f"/policies/{made['id']}"), 204)
    assert sorted(Policy.objects.values_list("name", flat=True)) == ["Tiny", "Warm"]


def test_recipes_come_with_their_schemas_and_launch_with_their_settings(
    bench: Bench, ada: Caller
) -> None:
    listed = {one["name"]: one for one in answer(ada.get("/recipes"))}
    assert listed["iterated"]["settings"]["properties"]["iterations"]["default"] == 5
    assert listed["offline"]["settings"]["properties"] == {}
    body = launch_body(bench, recipe="iterated", recipe_settings={"iterations": 2})
    answer(ada.post("/experiments", body), 201)
    assert Experiment.objects.get().config["recipe_settings"]["iterations"] == 2
    body["config"]["recipe_settings"]["iterations"] = 0
    assert "config.recipe_settings.iterations" in paths_of(ada.post("/experiments", body))


def test_algorithms_come_with_their_json_schema(ada: Caller) -> None:
    listed = answer(ada.get("/algorithms"))
    assert [one["name"] for one in listed] == sorted(KNOWN)
    topr = answer(ada.get("/algorithms/topr"))
    assert topr["params_schema"]["properties"]["baseline"]["minimum"] == -1
    assert topr["defaults"] == ALGORITHMS["topr"].params().model_dump(mode="json")
    assert "topr" in answer(ada.get("/algorithms/none"), 404)["detail"]


def test_presets_are_saved_changed_and_deleted(ada: Caller) -> None:
    body = {"name": "Tight", "algorithm": "ppo", "params": {"clip_low": 0.1}}
    made = answer(ada.post("/presets", body), 201)
    assert (made["params"]["clip_low"], made["params"]["clip_high"]) == (0.1, 0.2)
    assert paths_of(ada.post("/presets", body | {"params": {"clip_low": -1}})) == [
        "params.clip_low"
    ]
    path = f"/presets/{made['id']}"
    assert answer(ada.send("put", path, {"name": "Loose"}))["params"]["clip_low"] == 0.2
    assert [one["name"] for one in answer(ada.get("/presets", algorithm="ppo"))["items"]] == [
        "Loose"
    ]
    answer(ada.delete(path), 204)


def test_a_job_tells_its_failure_log_and_points(bench: Bench, ada: Caller) -> None:
    experiment = bench.launch(("topr",), seeds=[0])
    job_id = run_until("train")
    for step in (1, 2):
        LogLine.objects.create(job_id=job_id, attempt=1, at=timezone.now(), text=f"line {step}")
        for name in ("loss", "grad_norm"):
            MetricPoint.objects.create(
                job_id=job_id, name=name, step=step, samples=1, tokens=1, seconds=1, value=step
            )
    lines = answer(ada.get(f"/jobs/{job_id}/log"))
    assert [line["text"] for line in lines] == ["line 1", "line 2"]
    later = answer(ada.get(f"/jobs/{job_id}/log", after=lines[0]["id"]))
    assert [line["text"] for line in later] == ["line 2"]
    points = answer(ada.get(f"/jobs/{job_id}/points", names="loss"))
    assert [(point["name"], point["value"]) for point in points] == [("loss", 1.0), ("loss", 2.0)]
    assert len(answer(ada.get(f"/jobs/{job_id}/points"))) == 4
    graphs.fail(Claim(job_id=job_id, attempt=1, kind="train"), FailureClass.NON_FINITE)
    told = answer(ada.get(f"/jobs/{job_id}"))
    assert told["state"] == "failed"
    assert told["failure"]["failure_class"] == "non_finite"
    assert "learning rate" in told["failure"]["advice"]
    assert {one["role"] for one in told["inputs"]} == {"policy", "eval_dataset", "rollouts"}
    assert told["dependents"] == [job_of(experiment, "evaluate", "topr").pk]
    assert answer(ada.post(f"/jobs/{job_id}/retry"))["state"] == "queued"
    assert answer(ada.post(f"/jobs/{job_id}/priority", {"priority": 9}))["priority"] == 9
    assert answer(ada.post(f"/jobs/{job_id}/cancel"))["state"] == "cancelled"
    assert answer(ada.post(f"/jobs/{job_id}/cancel"), 409)["detail"]


def test_the_queue_tells_order_workers_and_reasons(bench: Bench, ada: Caller) -> None:
    bench.launch(("topr",), seeds=[0])
    running = run_until("generate")
    (worker,) = answer(ada.get("/workers"))
    assert worker["job_id"] == running
    queue = answer(ada.get("/queue"))
    assert [job["id"] for job in queue["running"]] == [running]
    whys = [one["why"] for one in queue["waiting"]]
    assert any(f"job {running} (generate)" in why for why in whys)


def test_a_comparison_needs_runs_and_known_names(ada: Caller) -> None:
    assert paths_of(ada.get("/compare")) == ["runs"]
    asked = ada.get("/compare", runs="1", metric="speed", outcome="luck")
    assert sorted(paths_of(asked)) == ["metric", "outcome"]


def test_a_comparison_gives_series_and_files(bench: Bench, ada: Caller) -> None:
    experiment = bench.launch(("topr",))
    for seed in (0, 1):
        job = job_of(experiment, "train", "topr", seed)
        for step in (50, 100):
            MetricPoint.objects.create(
                job=job, name="eval_sampled_accuracy", step=step, samples=step, tokens=step,
                seconds=1, value=0.5 + seed / 10,
            )  # fmt: skip
    query = {"experiment": experiment.pk, "metric": "eval_sampled_accuracy"}
    (group,) = answer(ada.get("/compare/series", **query))["groups"]
    assert group["name"] == "topr"
    assert group["mean"]["mean"] == pytest.approx([0.55, 0.55])
    assert group["mean"]["n"] == [2, 2]
    assert [run["steps"] for run in group["runs"]] == [[50, 100], [50, 100]]
    table = answer(ada.get("/compare", **query))
    assert [one["name"] for one in table["groups"]] == ["base policy", "topr"]
    csv = ada.get("/compare/points.csv", **query)
    assert csv.headers["Content-Type"].startswith("text/csv")
    assert csv.content.decode().count("\n") == 5
    assert b"topr" in ada.get("/compare/table.csv", **query).content
    assert b"toprule" in ada.get("/compare/table.tex", **query).content


def test_completions_that_do_not_exist_are_not_found(ada: Caller) -> None:
    assert answer(ada.get("/rollouts")) == []
    assert "no completions" in answer(ada.get("/rollouts/1"), 404)["detail"]


def test_the_openapi_document_describes_every_route(ada: Caller) -> None:
    document = answer(ada.get("/openapi.json"))
    assert document["openapi"].startswith("3.")
    assert f"{ROOT}/experiments/preview" in document["paths"]
    assert "ExperimentConfig" in document["components"]["schemas"]
    routes = [route for path in document["paths"].values() for route in path.values()]
    assert all(route["description"] for route in routes)


@pytest.mark.parametrize(
    "path", ["/datasets", "/policies", "/presets", "/experiments", "/jobs", "/workers"]
)
def test_a_list_takes_as_many_queries_for_many_rows_as_for_one(
    bench: Bench,
    ada: Caller,
    django_assert_num_queries: DjangoAssertNumQueries,
    path: str,
) -> None:
    answer(ada.get(path))  # notes the use of the token, which is written once a minute
    for number in range(3):
        bench.launch(("topr",), title=str(number), seeds=[number])
        graphs.make_worker(f"worker {number}")
        with django_assert_num_queries(3):
            answer(ada.get(path))
