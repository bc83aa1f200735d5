"""The Loss lab's page: everything in the address, errors at their cell."""

import json
import re
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from algorithms.catalogue import ALGORITHMS
from algorithms.labs.presets import LOSS_EXAMPLES
from tests.webapp.labs.asked import BANDIT, HTMX, LOSS, bandit_data, error_at, figure_url, loss_data
from webapp.accounts.models import User
from webapp.catalogue.services import preset_create
from webapp.labs import loss_page


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
        query = loss_data(name, rows="1 1 -1 -1.2|1 0 -0.5 -0.4").urlencode()
        answer = page.get(f"{LOSS}?{query}", headers=HTMX)
        assert "lab-numbers" in answer.content.decode(), name
        played = page.get(f"{BANDIT}?{bandit_data(name, updates=3).urlencode()}", headers=HTMX)
        assert "lab-numbers" in played.content.decode(), name


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
    query = loss_data("topr", rows=rows).urlencode()
    answer = page.get(f"{LOSS}?{query}", headers=HTMX)
    assert error_at(answer.content.decode(), target) == sentence
    assert "data-load-figure" not in answer.content.decode()
    whole = page.get(f"{LOSS}?{query}").content.decode()
    assert sentence in unescape(whole)


def test_a_hyperparameter_out_of_range_is_told_at_its_field(page: Client) -> None:
    data = loss_data("topr")
    data["a0p-baseline"] = "7"
    answer = page.get(f"{LOSS}?{data.urlencode()}", headers=HTMX).content.decode()
    assert error_at(answer, "id_a0p-baseline") == "Enter a number between -1 and 1."


def test_typing_loads_the_plot_of_the_typed_settings(page: Client) -> None:
    data = loss_data("topr", "reinforce", "topr")
    data["a2p-positive_ratio_min"] = "0"
    answer = page.get(f"{LOSS}?{data.urlencode()}", headers=HTMX)
    url = figure_url(answer.content.decode(), "coefficient")
    drawn = json.loads(page.get(url).content)["data"]
    assert [trace["name"] for trace in drawn] == ["topr", "topr", "reinforce", "reinforce"] + [
        "topr"
    ] * 2
    plain, floored = drawn[0], drawn[4]
    assert plain["y"][0] == 1
    assert floored["y"][0] == pytest.approx(0.01)
    assert plain["line"]["dash"] != floored["line"]["dash"]


def test_the_dial_turns_a_share_into_its_baseline(page: Client) -> None:
    data = loss_data("topr", rows="|".join(["1 1 -1 -1"] + ["1 -1 -1 -1"] * 9))
    data["dial-lead"], data["dial-effective_share"] = "effective_share", "0.5"
    answer = page.get(f"{LOSS}?{data.urlencode()}", headers=HTMX).content.decode()
    assert '<template data-dial-value="baseline">-0.8</template>' in answer
    data["dial-lead"], data["dial-baseline"] = "baseline", "-0.95"
    answer = page.get(f"{LOSS}?{data.urlencode()}", headers=HTMX).content.decode()
    assert '<template data-dial-value="effective_share">0.8125</template>' in answer


def test_an_algorithm_is_added_with_the_values_of_a_saved_preset(page: Client, ada: User) -> None:
    preset = preset_create(owner=ada, name="Mine", algorithm="topr", params={"baseline": -0.5})
    data = loss_data("topr")
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
        page.get(f"{LOSS}?{loss_data('ppo').urlencode()}", headers=HTMX)


def test_too_many_tokens_are_refused_in_words(page: Client) -> None:
    row = " ".join(["1", "1", ",".join(["-1"] * 64), ",".join(["-1"] * 64)])
    data = loss_data(*["topr"] * 10, rows="|".join([row] * 40))
    answer = page.get(f"{LOSS}?{data.urlencode()}", headers=HTMX).content.decode()
    assert "are more than this page answers" in error_at(answer, "errors-table")
