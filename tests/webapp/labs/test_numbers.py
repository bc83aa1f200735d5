"""Exports and API give the numbers of the pages."""

import csv
import io

import pytest
from django.test import Client

from tests.webapp.labs.asked import bandit_data, loss_data


def test_the_exports_hold_the_numbers_of_the_table(page: Client) -> None:
    query = loss_data("topr").urlencode()
    lines = list(
        csv.DictReader(io.StringIO(page.get(f"/labs/loss/tokens.csv?{query}").content.decode()))
    )
    assert [float(line["coefficient"]) for line in lines] == pytest.approx([1, 1])
    assert [line["token"] for line in lines] == ["1", "2"]
    [one] = page.get(f"/labs/loss/tokens.json?{query}").json()
    assert one["loss"] == pytest.approx(0.75)
    query = bandit_data("reinforce", updates=20).urlencode()
    lines = list(
        csv.DictReader(io.StringIO(page.get(f"/labs/bandit/policies.csv?{query}").content.decode()))
    )
    assert lines[0]["updates"] == "0"
    assert [float(lines[0][f"arm_{arm}"]) for arm in (1, 2, 3)] == pytest.approx([0.3, 0.6, 0.1])


def test_the_api_gives_the_pages_numbers_and_tells_paths_of_errors(page: Client) -> None:
    body = {
        "completions": [
            {"prompt": 1, "reward": 1, "logprobs": [-1, -0.5], "behaviour_logprobs": [-0.8, -0.6]}
        ],
        "algorithms": [{"algorithm": "topr"}],
    }
    answer = page.post("/api/v1/labs/loss", body, content_type="application/json")
    assert answer.status_code == 200, answer.content
    assert answer.json()[0]["loss"] == pytest.approx(0.75)
    body["algorithms"] = [{"algorithm": "topr", "params": {"baseline": 9}}, {"algorithm": "no"}]
    refused = page.post("/api/v1/labs/loss", body, content_type="application/json")
    assert refused.status_code == 422
    paths = {error["path"] for error in refused.json()["errors"]}
    assert paths == {"algorithms.0.params.baseline", "algorithms.1.algorithm"}
    play = {"bandit": {"updates": 200}, "algorithms": [{"algorithm": "asymre"}]}
    played = page.post("/api/v1/labs/bandit", play, content_type="application/json").json()[0]
    assert played["is_done"]
    assert played["policy"] == pytest.approx([0.0028, 0.9510, 0.0462], abs=6e-5)
