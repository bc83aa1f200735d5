"""The curation page: what is typed is judged at its step, previewed, kept and saved."""

import json
import re
from html import unescape
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client

from tests.webapp.posted import posted
from tests.webapp.results import made
from tests.webapp.results.made import Rollout
from webapp.curation.drafts import StepsDraft, steps_data
from webapp.curation.models import CuratedSet
from webapp.jobs.models import Job

pytestmark = pytest.mark.django_db

DIAL = {"dial-seed": "0", "dial-baseline": "0", "dial-batch_size": "128", "dial-lead": "baseline"}


@pytest.fixture
def graded() -> Job:
    return made.make_rollouts(made.random_rollouts(50, 8))


def typed(*steps: dict[str, Any], **more: str) -> QueryDict:
    data = steps_data(steps, "steps")
    data.update(DIAL | more)
    return data


def preview(ada: Client, job: Job, data: QueryDict) -> str:
    answer = ada.get(
        f"/rollouts/{job.pk}/curate/?{data.urlencode()}", headers={"HX-Request": "true"}
    )
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def cells(html: str, label: str) -> list[str]:
    row = re.search(rf"<tr><th[^>]*>{re.escape(label)}</th>(.*?)</tr>", html, re.DOTALL)
    assert row is not None, label
    return [re.sub(r"\s%", "%", text) for text in re.findall(r"<td[^>]*>([^<]*)</td>", row[1])]


def test_the_page_is_offered_for_graded_sets_only(ada: Client, graded: Job) -> None:
    link = f"/rollouts/{graded.pk}/curate/"
    assert link in ada.get(f"/rollouts/{graded.pk}/").content.decode()
    assert ada.get(link).status_code == 200
    bare = graded.inputs.get().source_id
    assert "/curate/" not in ada.get(f"/rollouts/{bare}/").content.decode()
    assert ada.get(f"/rollouts/{bare}/curate/").status_code == 404


def test_the_preview_shows_before_and_after(ada: Client, graded: Job) -> None:
    html = preview(ada, graded, typed({"op": "share", "size": 100, "positives": 0.1}))
    assert cells(html, "Completions") == ["400", "100"]
    assert cells(html, "Correct")[1] == "10"
    assert cells(html, "Positives (p)")[1] == "10.0%"
    assert cells(html, "Steps of 128") == ["4", "1"]
    assert '<template data-fill="stage-stepss0">400 → 100</template>' in html


def test_an_error_stands_at_the_step_that_caused_it(ada: Client, graded: Job) -> None:
    steps = ({"op": "cap", "completions": 2}, {"op": "uniform", "size": 101})
    html = preview(ada, graded, typed(*steps))
    assert '<template data-error-for="errors-stepss1">Asks for 101 completions, but 100' in html
    assert cells(html, "Completions") == ["400", "–"]


def test_a_value_that_cannot_be_stands_at_its_field(ada: Client, graded: Job) -> None:
    data = typed({"op": "uniform", "size": 5})
    data["stepss0-size"] = "none"
    html = preview(ada, graded, data)
    assert '<template data-error-for="id_stepss0-size">Enter a whole number.' in html


def test_pairs_before_another_step_are_refused(ada: Client, graded: Job) -> None:
    html = preview(ada, graded, typed({"op": "pairs"}, {"op": "positives"}))
    assert '<template data-error-for="errors-steps">Preference pairs must be the last' in html


def test_an_empty_result_is_explained(ada: Client) -> None:
    job = made.make_rollouts([Rollout("a", n, grade="incorrect", reward=-1) for n in range(3)])
    html = preview(ada, job, typed({"op": "positives"}))
    assert "Nothing is left: none of the 3 completions" in html


def test_either_end_of_the_dial_moves_the_other(ada: Client, graded: Job) -> None:
    ten = {"op": "share", "size": 100, "positives": 0.1}
    html = preview(ada, graded, typed(ten, **{"dial-baseline": "-0.8"}))
    assert '<template data-dial-value="effective_share">0.5</template>' in html
    assert cells(html, "Effective share (p_eff)")[1] == "50.0%"
    led = {"dial-lead": "effective_share", "dial-effective_share": "0.2"}
    html = preview(ada, graded, typed(ten, **led))
    assert '<template data-dial-value="baseline">-0.384615</template>' in html
    assert cells(html, "Effective share (p_eff)")[1] == "20.0%"


def test_the_figure_follows_the_address(ada: Client, graded: Job) -> None:
    query = typed({"op": "positives"}).urlencode()
    drawn = json.loads(ada.get(f"/rollouts/{graded.pk}/curate/positives.json?{query}").content)
    assert [trace["name"] for trace in drawn["data"]] == ["before", "after"]
    assert ada.get(f"/rollouts/{graded.pk}/curate/positives.json").status_code == 200


def test_the_address_restores_what_was_typed(ada: Client, graded: Job) -> None:
    data = typed({"op": "lengths", "min_tokens": 2}, {"op": "grades", "invalid": True})
    data["stepss0-max_tokens"] = "typed wrong"
    html = ada.get(f"/rollouts/{graded.pk}/curate/?{data.urlencode()}").content.decode()
    back = posted(html, "curation")
    assert back.getlist("steps-step") == ["0", "1"]
    assert back["stepss0-max_tokens"] == "typed wrong"
    assert back["stepss1-invalid"] == "on"


def test_a_step_is_added_under_a_key_of_its_own(ada: Client) -> None:
    asked = "steps-add=anna_karenina&steps-step=0&steps-step=4"
    html = ada.get(f"/curation/steps/step/?{asked}").content.decode()
    assert 'name="steps-step" value="5"' in html
    assert 'value="anna_karenina"' in html
    assert 'name="stepss5-size" value="50000"' in html
    assert ada.get("/curation/steps/step/?steps-add=nothing").status_code == 404


def test_saving_makes_a_named_set(ada: Client, graded: Job) -> None:
    address = f"/rollouts/{graded.pk}/curate/"
    answer = ada.post(
        address, typed({"op": "positives"}, name="Positives").dict() | {"steps-step": ["0"]}
    )
    made_set = CuratedSet.objects.get()
    assert answer["Location"] == f"/jobs/{made_set.job_id}/"
    assert made_set.job.spec == {"steps": [{"op": "positives"}], "seed": 0}
    assert "Positives" in ada.get(address).content.decode()


UNSAVABLE: list[tuple[QueryDict, str]] = [
    (typed(name="Empty"), "Add a step"),
    (typed({"op": "positives"}, name=""), "This field is required"),
    (typed({"op": "uniform", "size": 9999}, name="Big"), "400 reach this step"),
]


@pytest.mark.parametrize(("data", "complaint"), UNSAVABLE)
def test_a_refused_save_loses_nothing(
    ada: Client, graded: Job, data: QueryDict, complaint: str
) -> None:
    body = {key: data.getlist(key) for key in data}
    answer = ada.post(f"/rollouts/{graded.pk}/curate/", body)
    assert answer.status_code == 422
    html = unescape(answer.content.decode())
    assert complaint in html
    back = posted(html, "curation")
    assert {key: back.getlist(key) for key in body} == body
    assert not CuratedSet.objects.exists()


def test_a_set_is_deleted_by_its_owner(ada: Client, graded: Job) -> None:
    ada.post(f"/rollouts/{graded.pk}/curate/", typed({"op": "positives"}, name="P").dict())
    made_set = CuratedSet.objects.get()
    Job.objects.filter(pk=made_set.job_id).update(state="cancelled")
    ada.post(f"/curation/{made_set.pk}/delete/")
    assert not CuratedSet.objects.exists()


def test_steps_survive_the_way_through_a_form() -> None:
    steps = [
        {"op": "lengths", "min_tokens": 3, "max_tokens": None},
        {"op": "grades", "correct": False, "incorrect": True, "invalid": True},
        {
            "op": "anna_karenina",
            "size": 7,
            "candidates": 4,
            "positives_per_prompt": 2,
            "fill": "per_prompt",
        },
    ]
    spec = StepsDraft(steps_data(steps, "x"), "x").spec(3)
    assert spec is not None
    assert spec.model_dump(mode="json") == {"steps": steps, "seed": 3}
