"""One algorithm file in a plugin folder: in gallery, form, API, trained and compared."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from launcher.services import Services
from tests.algorithms.test_catalogue import PLUGIN
from tests.browser.site import Site, make_site

NAME = "tempered"
TITLE = "Tempered reward-weighted regression"
WAIT_S = 240.0
SHORT = {"max_new_tokens": 4}


@pytest.fixture
def site(services: Services, tmp_path: Path) -> Iterator[Site]:
    """Return the application, its worker too, with the guide's file in its plugin folder."""
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    (plugins / f"{NAME}.py").write_text(PLUGIN)
    extra = {"LAB_ALGORITHM_PLUGINS": str(plugins)}
    site = make_site(services, tmp_path, "plugin", broker=8, extra=extra)
    try:
        site.start()
        site.start_workers()
        yield site
    finally:
        site.stop()


@pytest.fixture
def client(site: Site) -> Iterator[httpx.Client]:
    """Return a client that is signed in, as a browser is."""
    with httpx.Client(base_url=site.url, timeout=60, follow_redirects=True) as client:
        page = client.get("/accounts/login/").text
        found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        assert found is not None
        form = {"csrfmiddlewaretoken": found[1], "username": site.user, "password": site.password}
        assert client.post("/accounts/login/", data=form).status_code == 200
        client.headers["X-CSRFToken"] = client.cookies["csrftoken"]
        yield client


def _post(client: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = client.post(f"/api/v1/{path}", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def _launch(client: httpx.Client) -> int:
    source = {"source": "arithmetic", "digits": 1, "train": 30, "test": 10}
    dataset = _post(client, "datasets/from-source", {"name": "sums", "spec": {"source": source}})
    shape = {"hidden_size": 16, "layers": 1, "heads": 2, "intermediate_size": 32}
    model = {"source": "tiny", **shape}
    policy = _post(client, "policies", {"name": "tiny", "spec": {"source": model}})
    config = {
        "dataset_id": dataset["id"],
        "policy_id": policy["id"],
        "algorithms": [
            {"label": "mine", "algorithm": NAME, "params": {"temperature": 2}},
            {"label": "TOPR", "algorithm": "topr"},
        ],
        "seeds": [0],
        "generate": {"completions": 2, "sampling": SHORT},
        "settings": {"steps": 4, "batch_size": 16, "micro_batch_size": 16, "evaluate_every": 2},
        "evaluate": {"samples": 1, "sampling": SHORT},
    }
    launched = _post(client, "experiments", {"name": "Is mine better?", "config": config})
    return int(launched["id"])


def _finished(client: httpx.Client, experiment: int) -> str:
    deadline = time.monotonic() + WAIT_S
    while True:
        state = str(client.get(f"/api/v1/experiments/{experiment}").json()["state"])
        if state in {"succeeded", "failed", "cancelled"}:
            return state
        assert time.monotonic() < deadline, f"still {state}"
        time.sleep(0.5)


def test_one_file_is_shown_launched_trained_and_compared(client: httpx.Client) -> None:
    assert TITLE in client.get("/algorithms/").text
    assert "Temperature" in client.get(f"/algorithms/{NAME}/").text
    assert NAME in {one["name"] for one in client.get("/api/v1/algorithms").json()}

    experiment = _launch(client)
    assert TITLE in client.get("/experiments/new/").text
    assert _finished(client, experiment) == "succeeded"

    query: dict[str, int | str] = {"experiment": experiment, "metric": "reward_weight_mean"}
    series = client.get("/api/v1/compare/series", params=query).json()
    drawn = {group["name"]: group for group in series["groups"]}
    assert set(drawn) == {"mine", "TOPR"}
    table = client.get("/api/v1/compare/table.csv", params={"experiment": experiment}).text
    assert "mine" in table
    assert "base policy" in table
    assert "mine" in client.get("/compare/", params={"experiment": experiment}).text
