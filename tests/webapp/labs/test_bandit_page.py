"""The Bandit lab's page: tables, plots, progress, errors at their place."""

import json

import pytest
from django.http import QueryDict
from django.test import Client

from tests.webapp.labs.asked import BANDIT, HTMX, bandit_data, error_at, figure_url
from webapp.labs import bandit_page


def test_the_bandit_lab_tells_policies_rewards_and_the_first_half(page: Client) -> None:
    answer = page.get(f"{BANDIT}?{bandit_data('asymre').urlencode()}", headers=HTMX)
    text = answer.content.decode()
    assert "0.0028  0.9510  0.0462" in text  # vector 7.7, AsymRE .1 after 200 updates
    assert "0.8070" in text
    assert "never" in text
    ternary = json.loads(page.get(figure_url(text, "simplex")).content)["data"]
    assert ternary[0]["a"][0] == pytest.approx(0.3)
    rewards = json.loads(page.get(figure_url(text, "expected_reward")).content)["data"]
    assert rewards[0]["x"][0] == 1
    assert rewards[0]["y"][-1] == pytest.approx(0.8070, abs=5e-5)


def test_long_plays_come_back_as_progress_and_go_on(page: Client) -> None:
    query = bandit_data("red_weight", updates=1_999).urlencode()
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
        ({"step_size": ["-1"]}, "id_step_size", "Enter a number between 0 and 1,000, without 0."),
        ({"start": ["typed"]}, "first-0", "Enter one number."),
        ({"updates": ["200000"]}, "errors-arms", "too much work"),
    ],
)
def test_what_is_wrong_with_a_bandit_is_told_at_its_place(
    page: Client, changed: dict[str, list[str]], target: str, sentence: str
) -> None:
    data = bandit_data("topr", "ppo", "grpo")
    for name, texts in changed.items():
        data.setlist(name, texts)
    answer = page.get(f"{BANDIT}?{data.urlencode()}", headers=HTMX).content.decode()
    assert sentence in error_at(answer, target)


def test_four_arms_have_no_simplex_and_say_so(page: Client) -> None:
    data = bandit_data("topr", updates=5)
    data.setlist("behaviour", ["0.25"] * 4)
    data.setlist("reward", ["1", "0", "0", "-1"])
    drawn = json.loads(page.get(f"/labs/bandit/simplex.json?{data.urlencode()}").content)
    assert drawn["data"] == []
    assert drawn["layout"]["meta"]["empty"] == "The simplex is drawn for three arms."
