"""The labs' pages: everything in the address, errors at their cell, the same numbers as the API."""

import csv
import io
import json
import re
from html import unescape

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from algorithms.catalogue import ALGORITHMS
from algorithms.labs.presets import BANDIT_EXAMPLES, LOSS_EXAMPLES, Choice
from webapp.accounts.models import User
from webapp.catalogue.services import preset_create
from webapp.labs import bandit_page, loss_page
from webapp.labs.choices import put_choices

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
LOSS, BANDIT = "/labs/loss/", "/labs/bandit/"


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada", password="ada")


@pytest.fixture
def page(client: Client, ada: User) -> Client:
    client.force_login(ada)
    return client


def _loss_data(*algorithms: str, rows: str = "1 1 -1,-0.5 -0.8,-0.6") -> QueryDict:
    """Return an address of completions, `prompt reward pi mu` each, and algorithms by default."""
    data = QueryDict(mutable=True)
    for row in rows.split("|"):
        for name, text in zip(("prompt", "reward", "pi", "mu"), row.split(" "), strict=True):
            data.appendlist(name, text)
        data.appendlist("ref", "")
    put_choices(data, [Choice(name, name, {}) for name in algorithms])
    return data


def _bandit_data(*algorithms: str, updates: int = 200) -> QueryDict:
    data = bandit_page.example_data(BANDIT_EXAMPLES["group-relative"])
    for key in [name for name in data if name == "choice" or re.match(r"a\d", name)]:
        del data[key]
    data["updates"] = str(updates)
    put_choices(data, [Choice(name, name, {}) for name in algorithms])
    return data


@pytest.mark.parametrize("example", LOSS_EXAMPLES)
def test_every_example_of_the_loss_lab_opens_with_its_result(page: Client, example: str) -> None:
    shown = page.get(LOSS, {"example": example})
    assert shown.status_code == 200
    text = shown.content.decode()
    assert text.count("data-row-remove") == len(LOSS_EXAMPLES[example].batch.completions) + 1
    assert "Side by side" in text
    assert "There is no result" not in text


def test_the_loss_lab_shows_the_papers_loss_and_its_address_restores_it(page: Client) -> None:
    first = page.get(LOSS, {"example": "three-sequences"}).content.decode()
    assert "0.0176911" in first  # T3: TOPR's loss is .017691
    query = loss_page.example_data(LOSS_EXAMPLES["three-sequences"]).urlencode()
    again = page.get(f"{LOSS}?{query}").content.decode()
    assert "0.0176911" in again


def test_every_algorithm_of_the_catalogue_can_stand_in_both_labs(page: Client) -> None:
    for name in ALGORITHMS:
        query = _loss_data(name, rows="1 1 -1 -1.2|1 0 -0.5 -0.4").urlencode()
        answer = page.get(f"{LOSS}?{query}", headers=HTMX)
        assert "lab-numbers" in answer.content.decode(), name
        played = page.get(f"{BANDIT}?{_bandit_data(name, updates=3).urlencode()}", headers=HTMX)
        assert "lab-numbers" in played.content.decode(), name


def _error_at(answer: str, target: str) -> str:
    found = re.search(rf'<template data-error-for="{target}">([^<]*)</template>', answer)
    assert found, f"nothing is told at {target}: {answer[:400]}"
    return unescape(found[1])


@pytest.mark.parametrize(
    ("rows", "target", "sentence"),
    [
        ("1 x -1 -1", "reward-0", "“x” is not a number."),
        ("1 1 -1 -1|1.5 1 -1 -1", "prompt-1", "Enter a whole number."),
        ("1 1 -1,0.5 -1,-1", "pi-0", "Number 2 is 0.5: the log of a probability is at most 0."),
        ("1 1 -1,-2 -1", "mu-0", "There are 1 numbers here, and 2 of log pi."),
        ("1 1 , -1", "pi-0", "Enter at least one number."),
        ("1 nan -1 -1", "reward-0", "This must be a finite number."),
    ],
)
def test_what_is_wrong_in_the_table_is_told_at_its_cell(
    page: Client, rows: str, target: str, sentence: str
) -> None:
    query = _loss_data("topr", rows=rows).urlencode()
    answer = page.get(f"{LOSS}?{query}", headers=HTMX)
    assert _error_at(answer.content.decode(), target) == sentence
    assert "lab:figures" not in answer.headers.get("HX-Trigger", "")
    whole = page.get(f"{LOSS}?{query}").content.decode()
    assert sentence in unescape(whole)


def test_a_hyperparameter_out_of_range_is_told_at_its_field(page: Client) -> None:
    data = _loss_data("topr")
    data["a0p-baseline"] = "7"
    answer = page.get(f"{LOSS}?{data.urlencode()}", headers=HTMX).content.decode()
    assert _error_at(answer, "id_a0p-baseline") == "Enter a number between -1 and 1."


def test_typing_loads_the_plot_of_the_typed_settings(page: Client) -> None:
    data = _loss_data("topr", "reinforce", "topr")
    data["a2p-positive_ratio_min"] = "0"
    answer = page.get(f"{LOSS}?{data.urlencode()}", headers=HTMX)
    url = json.loads(answer["HX-Trigger"])["lab:figures"]["urls"]["coefficient"]
    drawn = json.loads(page.get(url).content)["data"]
    assert [trace["name"] for trace in drawn] == ["topr", "topr", "reinforce", "reinforce"] + [
        "topr"
    ] * 2
    plain, floored = drawn[0], drawn[4]
    assert plain["y"][0] == 1
    assert floored["y"][0] == pytest.approx(0.01)
    assert plain["line"]["dash"] != floored["line"]["dash"]


def test_the_dial_turns_a_share_into_its_baseline(page: Client) -> None:
    data = _loss_data("topr", rows="|".join(["1 1 -1 -1"] + ["1 -1 -1 -1"] * 9))
    data["dial-lead"], data["dial-effective_share"] = "effective_share", "0.5"
    answer = page.get(f"{LOSS}?{data.urlencode()}", headers=HTMX).content.decode()
    assert '<template data-dial-value="baseline">-0.8</template>' in answer
    data["dial-lead"], data["dial-baseline"] = "baseline", "-0.95"
    answer = page.get(f"{LOSS}?{data.urlencode()}", headers=HTMX).content.decode()
    assert '<template data-dial-value="effective_share">0.8125</template>' in answer


def test_the_exports_hold_the_numbers_of_the_table(page: Client) -> None:
    query = _loss_data("topr").urlencode()
    lines = list(
        csv.DictReader(io.StringIO(page.get(f"/labs/loss/tokens.csv?{query}").content.decode()))
    )
    assert [float(line["coefficient"]) for line in lines] == pytest.approx([1, 1])
    assert [line["token"] for line in lines] == ["1", "2"]
    [one] = page.get(f"/labs/loss/tokens.json?{query}").json()
    assert one["loss"] == pytest.approx(0.75)
    query = _bandit_data("reinforce", updates=20).urlencode()
    lines = list(
        csv.DictReader(io.StringIO(page.get(f"/labs/bandit/policies.csv?{query}").content.decode()))
    )
    assert lines[0]["updates"] == "0"
    assert [float(lines[0][f"arm_{arm}"]) for arm in (1, 2, 3)] == pytest.approx([0.3, 0.6, 0.1])


def test_an_algorithm_is_added_with_the_values_of_a_saved_preset(page: Client, ada: User) -> None:
    preset = preset_create(owner=ada, name="Mine", algorithm="topr", params={"baseline": -0.5})
    data = _loss_data("topr")
    data["add"] = f"preset:{preset.pk}"
    row = page.get(f"{reverse('labs:choice')}?{data.urlencode()}").content.decode()
    assert 'name="choice" value="1"' in row
    assert re.search(r'name="a1p-baseline" value="-0\.5"', row)
    data["add"] = "preset:999999"
    assert page.get(f"{reverse('labs:choice')}?{data.urlencode()}").status_code == 404


def test_the_pages_ask_the_database_as_often_for_many_presets(
    page: Client, ada: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(6):
        preset_create(owner=ada, name=f"P{number}", algorithm="ppo", params={})
    with django_assert_num_queries(3):  # session, user, presets
        page.get(LOSS, {"example": "one-of-four"})
    with django_assert_num_queries(2):  # session, user
        page.get(f"{LOSS}?{_loss_data('ppo').urlencode()}", headers=HTMX)


def test_the_bandit_lab_tells_policies_rewards_and_the_first_half(page: Client) -> None:
    answer = page.get(f"{BANDIT}?{_bandit_data('asymre').urlencode()}", headers=HTMX)
    text = answer.content.decode()
    assert "0.0028  0.9510  0.0462" in text  # vector 7.7, AsymRE .1 after 200 updates
    assert "0.8070" in text
    assert "never" in text
    urls = json.loads(answer["HX-Trigger"])["lab:figures"]["urls"]
    ternary = json.loads(page.get(urls["simplex"]).content)["data"]
    assert ternary[0]["a"][0] == pytest.approx(0.3)
    rewards = json.loads(page.get(urls["expected_reward"]).content)["data"]
    assert rewards[0]["x"][0] == 1
    assert rewards[0]["y"][-1] == pytest.approx(0.8070, abs=5e-5)


def test_long_plays_come_back_as_progress_and_go_on(
    page: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = _bandit_data("red_weight", updates=1_999).urlencode()
    started = bandit_page.open_bandit_page(QueryDict(query), seconds=0.0)
    assert not started.is_done
    assert started.done < started.total == 1_999
    for _ in range(200):
        started = bandit_page.open_bandit_page(QueryDict(query), seconds=0.3)
        if started.is_done:
            break
    assert started.is_done
    assert 'hx-trigger="load' not in page.get(f"{BANDIT}?{query}", headers=HTMX).content.decode()


@pytest.mark.parametrize(
    ("changed", "target", "sentence"),
    [
        ({"behaviour": ["0.125", "0.5", "0.375"]}, "errors-arms", "whole percents"),
        ({"behaviour": ["0.3", "0.6", "x"]}, "behaviour-2", "“x” is not a number."),
        ({"behaviour": ["0.3", "0.6", "1.1"]}, "behaviour-2", "at most 1"),
        ({"step_size": ["-1"]}, "id_step_size", "Enter a number more than 0"),
        ({"start": ["typed"]}, "first-0", "Enter one number."),
        ({"updates": ["200000"]}, "errors-arms", "too much work"),
    ],
)
def test_what_is_wrong_with_a_bandit_is_told_at_its_place(
    page: Client, changed: dict[str, list[str]], target: str, sentence: str
) -> None:
    data = _bandit_data("topr", "ppo", "grpo")
    for name, texts in changed.items():
        data.setlist(name, texts)
    answer = page.get(f"{BANDIT}?{data.urlencode()}", headers=HTMX).content.decode()
    assert sentence in _error_at(answer, target)


def test_four_arms_have_no_simplex_and_say_so(page: Client) -> None:
    data = _bandit_data("topr", updates=5)
    data.setlist("behaviour", ["0.25"] * 4)
    data.setlist("reward", ["1", "0", "0", "-1"])
    drawn = json.loads(page.get(f"/labs/bandit/simplex.json?{data.urlencode()}").content)
    assert drawn["data"] == []
    assert drawn["layout"]["meta"]["empty"] == "The simplex is drawn for three arms."


def test_too_many_tokens_are_refused_in_words(page: Client) -> None:
    row = " ".join(["1", "1", ",".join(["-1"] * 64), ",".join(["-1"] * 64)])
    data = _loss_data(*["topr"] * 10, rows="|".join([row] * 40))
    answer = page.get(f"{LOSS}?{data.urlencode()}", headers=HTMX).content.decode()
    assert "are more than this page answers" in _error_at(answer, "errors-table")


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
