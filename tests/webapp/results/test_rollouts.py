"""The rollout browser: counts equal a recount, filters find, pages join up, text is text."""

import csv
import io
import json
from collections import Counter
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client
from pytest_django import DjangoAssertNumQueries

from algorithms.base import UserError
from algorithms.data.tables import ROLLOUTS_FILE
from tests.webapp.results import made
from tests.webapp.results.made import Rollout
from webapp.accounts.models import User
from webapp.jobs.models import Artifact, Job
from webapp.jobs.store import default_store
from webapp.results.composition import composition
from webapp.results.rollout_file import RowFilter, key_of, matching, open_index
from webapp.results.rollout_pages import RowsPage, prompt_page, rows_page
from webapp.results.rollout_selectors import RolloutSet, rollout_set

pytestmark = pytest.mark.django_db


def stored(rollouts: list[Rollout]) -> RolloutSet:
    return rollout_set(made.make_rollouts(rollouts).pk)


def found(a_set: RolloutSet, **asked: Any) -> list[int]:
    rows: list[int] = matching(key_of(a_set.artifact), RowFilter(**asked)).tolist()
    return rows


def page(a_set: RolloutSet, asked: RowFilter, **place: int) -> RowsPage:
    return rows_page(a_set.artifact, asked, after=place.get("after"), before=place.get("before"))


def test_the_card_equals_a_recount_of_what_was_stored() -> None:
    rollouts = made.random_rollouts(50, 8)
    card = composition(key_of(stored(rollouts).artifact))
    grades = Counter(one.grade for one in rollouts)
    positives = Counter(
        sum(one.grade == "correct" for one in rollouts[start : start + 8])
        for start in range(0, 400, 8)
    )
    assert (card.prompts, card.completions, card.per_prompt) == (50, 400, 8)
    assert {one.grade: one.count for one in card.grades} == grades
    assert dict(enumerate(card.positives_per_prompt)) == {
        count: positives[count] for count in range(max(positives) + 1)
    }
    assert (card.solved_never, card.solved_always) == (positives[0], positives[8])
    assert card.tokens == sum(len(one.completion) + 1 for one in rollouts)
    distinct = len({(one.prompt_id, one.completion) for one in rollouts})
    assert card.duplicates == 400 - distinct


def test_a_prompt_solved_by_all_its_completions_counts_as_always_solved() -> None:
    rollouts = [Rollout("a", 0), Rollout("a", 1), Rollout("b", 0, grade="invalid")]
    card = composition(key_of(stored(rollouts).artifact))
    assert (card.solved_always, card.solved_never) == (1, 1)


def test_ungraded_rollouts_have_no_grades_on_their_card() -> None:
    job = made.make_rollouts(made.random_rollouts(3, 2)).inputs.get().source
    card = composition(key_of(rollout_set(job.pk).artifact))
    assert (card.grades, card.positives_per_prompt, card.completions) == ((), (), 6)


def test_an_empty_set_has_an_empty_card(ada: Client) -> None:
    a_set = stored([])
    card = composition(key_of(a_set.artifact))
    assert (card.prompts, card.completions, card.duplicates) == (0, 0, 0)
    html = ada.get(f"/rollouts/{a_set.job.pk}/").content.decode()
    assert "This set holds no completions" in html


def test_filters_find_by_grade_length_and_text_together() -> None:
    rollouts = [
        Rollout("a", 0, completion="46", grade="correct"),
        Rollout("a", 1, completion="4611", grade="incorrect"),
        Rollout("b", 0, completion="X46", grade="incorrect", finish_reason="length"),
    ]
    a_set = stored(rollouts)
    assert found(a_set, grade="incorrect") == [1, 2]
    assert found(a_set, min_tokens=4) == [1, 2]
    assert found(a_set, min_tokens=4, max_tokens=4) == [2]
    assert found(a_set, text="x4") == [2]  # any case
    assert found(a_set, text="46", grade="incorrect", max_tokens=4) == [2]
    assert found(a_set, text="12+34") == [0, 1, 2]  # the prompt counts, and + is a plus
    assert found(a_set, text="^46+$", is_regex=True) == [0]


@pytest.mark.timeout(60)
def test_a_bad_expression_says_so_and_a_nasty_one_ends() -> None:
    a_set = stored([Rollout("a", 0, completion="a" * 5000)])
    with pytest.raises(UserError, match="is not a regular expression"):
        found(a_set, text="(", is_regex=True)
    assert found(a_set, text="^(a+)+$x", is_regex=True) == []


def test_pages_join_up_forwards_and_backwards_under_a_filter() -> None:
    a_set = stored(made.random_rollouts(60, 8))
    asked = RowFilter(grade="incorrect")
    everything = found(a_set, grade="incorrect")
    forwards: list[int] = []
    place: dict[str, int] = {}
    while True:
        here = page(a_set, asked, **place)
        assert here.first == len(forwards) + 1
        forwards += [row.number for row in here.rows]
        if here.next is None:
            break
        place = {"after": here.next}
    assert forwards == everything
    assert here.previous is not None
    before = page(a_set, asked, before=here.previous)
    assert [row.number for row in before.rows][-1] < here.rows[0].number
    assert before.last == here.first - 1


def test_a_place_behind_the_last_row_gives_an_empty_page(ada: Client) -> None:
    a_set = stored(made.random_rollouts(2, 2))
    here = page(a_set, RowFilter(), after=10**12)
    assert (here.rows, here.first, here.matches) == ((), 0, 4)
    assert ada.get(f"/rollouts/{a_set.job.pk}/?after=99999&min=-3&max=x").status_code == 200


def test_rows_come_from_every_row_group() -> None:
    a_set = stored(made.random_rollouts(1100, 8))  # 8,800 rows: two groups of the writer
    index = open_index(a_set.artifact)
    assert index.metadata.num_row_groups == 2
    last = page(a_set, RowFilter(), after=8780)
    assert [row.number for row in last.rows] == list(range(8781, 8800))
    assert last.rows[-1].prompt_id == "train-01099"


def test_a_prompt_shows_all_completions_with_their_tokens_and_logprobs() -> None:
    a_set = stored(
        [Rollout("a", 0, logprobs=[-0.05, -1.0, -7.0]), Rollout("a", 1), Rollout("b", 0)]
    )
    shown = prompt_page(a_set, 0, RowFilter())
    assert shown is not None
    first = shown.completions[0]
    assert [token.text for token in first.tokens] == ["4", "6", "<eos>"]
    assert [token.shade for token in first.tokens] == [0, 2, 4]
    assert first.logprob == pytest.approx(-8.05)
    assert first.logprob_per_token == pytest.approx(-8.05 / 3)
    assert len(shown.completions) == 2
    assert (shown.previous, shown.next) == (None, 1)


def test_next_and_previous_prompt_follow_the_filter() -> None:
    grades = ["correct", "invalid", "incorrect", "correct", "invalid"]
    a_set = stored([Rollout(str(place), 0, grade=one) for place, one in enumerate(grades)])
    shown = prompt_page(a_set, 2, RowFilter(grade="correct"))
    assert shown is not None
    assert (shown.previous, shown.next) == (0, 3)
    assert [one.matches for one in shown.completions] == [False]


def test_a_prompt_that_is_not_there_is_not_found(ada: Client) -> None:
    a_set = stored([Rollout("a", 0)])
    assert ada.get(f"/rollouts/{a_set.job.pk}/prompts/1/").status_code == 404
    assert ada.get("/rollouts/4711/").status_code == 404
    policy = a_set.origins["policy"].job_id
    assert ada.get(f"/rollouts/{policy}/").status_code == 404  # a job without completions


def test_without_a_tokenizer_tokens_are_numbers() -> None:
    a_set = stored([Rollout("a", 0)])
    policy = a_set.origins["policy"].artifact
    assert policy is not None
    (default_store().folder(policy.path) / "tokenizer.json").unlink()
    shown = prompt_page(a_set, 0, RowFilter())
    assert shown is not None
    assert [token.text for token in shown.completions[0].tokens] == ["[7]", "[9]", "[1]"]


def test_answers_of_an_evaluation_are_browsed_the_same_way(ada: Client) -> None:
    job = made.make_evaluation(made.make_policy(), accuracy=0.5, problems=30, samples=2)
    html = ada.get(f"/rollouts/{job.pk}/").content.decode()
    assert "greedy" in html
    html = ada.get(f"/rollouts/{job.pk}/prompts/3/").content.decode()
    assert html.count('<article class="panel completion') == 3


def test_hostile_text_is_shown_as_text(ada: Client) -> None:
    script = "<script>alert(1)</script>"
    job = made.make_rollouts([Rollout(script, 0, prompt=script, completion=script, answer=script)])
    for address in (f"/rollouts/{job.pk}/", f"/rollouts/{job.pk}/prompts/0/"):
        html = ada.get(address).content.decode()
        assert script not in html
        assert "&lt;script&gt;alert" in html or "&lt;" in html
    html = ada.get(f"/rollouts/{job.pk}/", {"q": script}).content.decode()
    assert script not in html


def test_a_damaged_file_is_said_with_what_to_do(ada: Client) -> None:
    job = made.make_rollouts([Rollout("a", 0)])
    (default_store().folder(job.artifact.path) / ROLLOUTS_FILE).write_bytes(b"PAR1 nothing")
    for address in (f"/rollouts/{job.pk}/", f"/rollouts/{job.pk}/prompts/0/"):
        html = ada.get(address).content.decode()
        assert f"The completions of job {job.pk} cannot be read" in html
        assert "Recompute the job" in html
    assert ada.get(f"/rollouts/{job.pk}/export.csv").status_code == 400


def test_the_list_shows_graded_sets_once_with_who_wrote_them(
    ada: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(3):
        made.make_rollouts(made.random_rollouts(2, 2))
    # session, user, count, sets; inputs of the sets and of their generations; names; gradings
    with django_assert_num_queries(9):
        html = ada.get("/rollouts/").content.decode()
    assert html.count("Graded completions of two-digit addition") == 3
    assert "written by Tiny Llama · asked from Two-digit addition" in html


def test_the_lists_say_what_they_are_for_when_empty(ada: Client) -> None:
    assert "No rollouts yet" in ada.get("/rollouts/").content.decode()
    assert "No evaluation has finished" in ada.get("/rollouts/?kind=evaluations").content.decode()
    assert "Nothing found" in ada.get("/rollouts/?q=zebra").content.decode()


def measured(mean: float) -> Job:
    """Return graded rollouts whose generation was compared with the training stack."""
    graded = made.make_rollouts([Rollout("a", 0)])
    generated = graded.inputs.get(role="rollouts").source
    figures = {"mean": mean, "p99": 4 * mean, "share_large": 0.125}
    summary = {f"logprob_gap_{name}": value for name, value in figures.items()}
    Artifact.objects.filter(job=generated).update(summary=summary)
    folder = default_store().folder(generated.artifact.path)
    (folder / "logprob_gap.json").write_text('{"edges": [0, 0.01, 0.1, 1], "counts": [6, 1, 1]}')
    return graded


def test_the_gap_between_engine_and_training_is_shown_on_every_set_made_from_it(
    ada: Client,
) -> None:
    job = measured(0.002)
    html = ada.get(f"/rollouts/{job.pk}/").content.decode()
    assert "2.0e-03 <small>nats, 99 % below 8.0e-03, 12.5 % over 0.1" in html
    assert "samples from another" not in html
    drawn = json.loads(ada.get(f"/rollouts/{job.pk}/gap.json").content)
    assert drawn["data"][0]["customdata"] == [6, 1, 1]
    assert drawn["data"][0]["hovertext"] == ["0 to 0.01", "0.01 to 0.1", "from 0.1"]
    assert drawn["layout"]["xaxis"]["ticktext"] == ["0", "1e-02", "1e-01"]
    assert [line["x0"] for line in drawn["layout"]["shapes"]] == [1]


def test_a_gap_too_wide_is_a_warning(ada: Client) -> None:
    html = ada.get(f"/rollouts/{measured(0.06).pk}/").content.decode()
    assert "<b>0.060</b> nats per token on average, above 0.05" in html


def test_sets_that_were_never_compared_say_nothing_of_a_gap(ada: Client) -> None:
    job = made.make_rollouts([Rollout("a", 0)])
    assert "Engine gap" not in ada.get(f"/rollouts/{job.pk}/").content.decode()
    assert ada.get(f"/rollouts/{job.pk}/gap.json").status_code == 404


def test_scoring_asks_for_a_job_on_the_set_and_the_policy_that_wrote_it(ada: Client) -> None:
    job = made.make_rollouts([Rollout("a", 0)])
    answer = ada.post(f"/rollouts/{job.pk}/score/")
    score = Job.objects.get(kind="score")
    assert answer["Location"] == f"/jobs/{score.pk}/"
    inputs = dict(score.inputs.values_list("role", "source"))
    generated = job.inputs.get(role="rollouts").source
    policy = generated.inputs.get(role="policy").source
    assert inputs == {"rollouts": job.pk, "policy": policy.pk}
    assert ada.post(f"/rollouts/{job.pk}/score/")["Location"] == answer["Location"]
    assert "further_columns" not in score.spec


def test_the_figures_are_those_of_the_card(ada: Client) -> None:
    job = made.make_rollouts([Rollout("a", 0), Rollout("a", 1), Rollout("b", 0, grade="invalid")])
    positives = json.loads(ada.get(f"/rollouts/{job.pk}/positives.json").content)
    assert positives["data"][0]["y"] == [1, 0, 1]
    lengths = json.loads(ada.get(f"/rollouts/{job.pk}/lengths.json").content)
    assert [(one["name"], sum(one["y"])) for one in lengths["data"]] == [
        ("correct", 2),
        ("invalid", 1),
    ]
    assert ada.get(f"/rollouts/{job.pk}/secrets.json").status_code == 404


def test_exports_hold_exactly_the_filtered_rows() -> None:
    rollouts = made.random_rollouts(30, 8)
    rollouts[0] = Rollout("train-00000", 0, completion="=1+1", grade="incorrect", reward=-1.0)
    job = made.make_rollouts(rollouts)
    lines = fetch(job, "jsonl", "grade=incorrect").splitlines()
    expected = [one for one in rollouts if one.grade == "incorrect"]
    read = [json.loads(line) for line in lines]
    assert [one["completion"] for one in read] == [one.completion for one in expected]
    assert read[1]["logprobs"] == pytest.approx(list(expected[1].logprobs), rel=1e-6)
    table = list(csv.DictReader(io.StringIO(fetch(job, "csv", "grade=incorrect"))))
    assert table[0]["completion"] == "'=1+1"
    assert [one["prompt_id"] for one in table] == [one.prompt_id for one in expected]
    assert table[0]["reward"] == "-1.0"


def fetch(job: Job, suffix: str, query: str) -> str:
    """Return a streamed export."""

    async def read() -> str:
        client = AsyncClient()
        user, _ = await User.objects.aget_or_create(username="ada")
        await client.aforce_login(user)
        response: Any = await client.get(f"/rollouts/{job.pk}/export.{suffix}?{query}")
        assert response.status_code == 200
        chunks = [chunk async for chunk in response.streaming_content]
        return b"".join(chunks).decode()

    return async_to_sync(read)()


def test_sixteen_thousand_rows_are_filtered_and_shown(ada: Client) -> None:
    job = made.make_rollouts(made.random_rollouts(2000, 8))
    for address in (
        f"/rollouts/{job.pk}/?after=8000",
        f"/rollouts/{job.pk}/?q=%5E9.*%3D%24&regex=1&grade=correct",
        f"/rollouts/{job.pk}/prompts/1500/",
    ):
        assert ada.get(address).status_code == 200


def test_an_artifact_row_without_a_finished_job_is_not_listed(ada: Client) -> None:
    job = made.make_rollouts([Rollout("a", 0)])
    Job.objects.filter(pk=job.pk).update(state="queued")
    assert Artifact.objects.filter(job=job).exists()
    assert ada.get(f"/rollouts/{job.pk}/").status_code == 404
