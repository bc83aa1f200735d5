"""Two sets side by side: tokens by change of log-probability, texts by what differs."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from algorithms.data.tables import OUTCOMES_FILE, ROLLOUTS_FILE
from tests.webapp.results import made
from webapp.jobs.models import Job
from webapp.jobs.store import default_store
from webapp.results.beside import Beside, beside
from webapp.results.beside_selectors import offers
from webapp.results.rollout_selectors import rollout_set

pytestmark = pytest.mark.django_db

ROLLOUTS = [
    made.Rollout("a", 0, completion="46", logprobs=(-0.1, -0.7, -0.01)),
    made.Rollout("a", 1, completion="45", logprobs=(-0.1, -2.0, -0.01), grade="incorrect"),
    made.Rollout("b", 0, completion="46"),
]


def scored(graded: Job, policy: Job, *, shift: float) -> Job:
    """Return a score job whose log-probabilities are those of the graded set, shifted."""
    job = made.make_job("score", "Scored by the trained policy")
    made.link(job, rollouts=graded, policy=policy)
    table = pq.read_table(default_store().folder(graded.artifact.path) / ROLLOUTS_FILE)
    moved = [[one + shift for one in row] for row in table["logprobs"].to_pylist()]
    place = table.schema.get_field_index("logprobs")
    made.publish(job, {ROLLOUTS_FILE: table.set_column(place, "logprobs", [moved])}, {})
    return job


def show(left: Job, right: Job, number: int = 0) -> Beside:
    found = beside(rollout_set(left.pk), rollout_set(right.pk), number)
    assert found is not None
    return found


def test_the_same_tokens_are_coloured_by_their_change() -> None:
    graded = made.make_rollouts(ROLLOUTS)
    other = scored(graded, made.make_policy(), shift=-0.3)
    found = show(graded, other)
    assert found.has_changes
    first = found.matches[0]
    assert [token.text for token in first.tokens[:2]] == ["4", "6"]
    assert first.change == pytest.approx(-0.9, abs=1e-5)
    assert {(token.direction, token.level) for token in first.tokens} == {("down", 2)}
    back = show(other, graded).matches[0]
    assert {(token.direction, token.level) for token in back.tokens} == {("up", 2)}


def test_other_completions_are_marked_where_they_differ() -> None:
    policy = made.make_policy()
    one = made.make_rollouts([made.Rollout("a", 0, completion="4 + 2")], policy=policy)
    two = made.make_rollouts([made.Rollout("a", 0, completion="4 + 3")], policy=policy)
    (match,) = show(one, two).matches
    assert not match.tokens
    assert [(piece.text, piece.is_own) for piece in match.left_pieces] == [
        ("4 + ", False),
        ("2", True),
    ]
    assert [piece.text for piece in match.right_pieces if piece.is_own] == ["3"]


def test_prompts_are_found_by_id_and_samples_by_number() -> None:
    graded = made.make_rollouts(ROLLOUTS)
    other = made.make_rollouts([made.Rollout("b", 5), made.Rollout("a", 1)])
    assert [match.sample for match in show(graded, other).matches] == [0, 1]
    found = show(graded, other, 1)
    assert [(m.left is None, m.right is None) for m in found.matches] == [
        (False, True),
        (True, False),
    ]


def test_a_prompt_that_the_other_set_lacks_is_said(ada: Client) -> None:
    graded = made.make_rollouts(ROLLOUTS)
    other = made.make_rollouts([made.Rollout("z", 0)])
    html = ada.get(f"/rollouts/{graded.pk}/prompts/0/beside/{other.pk}/").content.decode()
    assert "was not asked this prompt" in html
    assert ada.get(f"/rollouts/{graded.pk}/prompts/9/beside/{other.pk}/").status_code == 404


def test_scored_sets_and_sets_of_the_same_dataset_are_offered(ada: Client) -> None:
    graded = made.make_rollouts(ROLLOUTS)
    other = scored(graded, made.make_policy(), shift=0.1)
    elsewhere = made.make_rollouts(ROLLOUTS)
    found = offers(rollout_set(graded.pk))
    assert [(offer.job.pk, offer.same_completions) for offer in found] == [(other.pk, True)]
    assert graded.pk in {offer.job.pk for offer in offers(rollout_set(other.pk))}
    assert elsewhere.pk not in {offer.job.pk for offer in found}
    html = ada.get(f"/rollouts/{graded.pk}/prompts/0/beside/").content.decode()
    assert "the same completions, log-probabilities changed" in html
    assert f"/rollouts/{graded.pk}/prompts/0/beside/{other.pk}/" in html


def test_evaluations_of_one_dataset_stand_beside_each_other(
    ada: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    dataset = made.make_job("dataset", "Two-digit addition")
    jobs = [made.make_evaluation(made.make_policy(), accuracy=0.5, problems=5) for _ in range(6)]
    for job in jobs:
        made.link(job, dataset=dataset)
    found = offers(rollout_set(jobs[0].pk))
    assert {offer.job.pk for offer in found} == {job.pk for job in jobs[1:]}
    with django_assert_max_num_queries(12):
        ada.get(f"/rollouts/{jobs[0].pk}/prompts/2/beside/")
    with django_assert_max_num_queries(6):
        html = ada.get(f"/rollouts/{jobs[0].pk}/prompts/2/beside/{jobs[1].pk}/").content.decode()
    assert html.count("sample 0") == 2
    assert (
        pq.read_table(default_store().folder(jobs[0].artifact.path) / OUTCOMES_FILE).num_rows
        == 5 * 5
    )


def test_hostile_completions_are_text(ada: Client) -> None:
    one = made.make_rollouts([made.Rollout("a", 0, completion="<script>x</script> 1")])
    two = made.make_rollouts([made.Rollout("a", 0, completion="<script>x</script> 2")])
    html = ada.get(f"/rollouts/{one.pk}/prompts/0/beside/{two.pk}/").content.decode()
    assert "<script>x" not in html


def test_nothing_to_choose_says_how_to_get_it(ada: Client) -> None:
    graded = made.make_rollouts(ROLLOUTS)
    html = ada.get(f"/rollouts/{graded.pk}/prompts/0/beside/").content.decode()
    assert "Nothing to put beside it yet" in html


def test_a_set_is_scored_under_a_training_that_learned_from_it(ada: Client) -> None:
    graded = made.make_rollouts(ROLLOUTS)
    train = made.make_job("train", "Train TOPR, seed 0")
    made.link(train, rollouts=graded)
    page = f"/rollouts/{graded.pk}/prompts/0/beside/"
    assert "Train TOPR, seed 0" in ada.get(page).content.decode()
    response = ada.post(f"/rollouts/{graded.pk}/score-under/", {"policy": train.fingerprint})
    job = Job.objects.get(kind="score")
    assert response["Location"] == f"/jobs/{job.pk}/"
    assert {one.role: one.source_id for one in job.inputs.all()} == {
        "rollouts": graded.pk,
        "policy": train.pk,
    }
    assert "scored by Train TOPR, seed 0" in job.title
    ada.post(f"/rollouts/{graded.pk}/score-under/", {"policy": train.fingerprint})
    assert Job.objects.filter(kind="score").count() == 1


def test_a_paired_set_keeps_its_pairs_when_it_is_scored(ada: Client) -> None:
    train = made.make_job("train", "Train DPO, seed 0")
    paired = made.make_job("curate", "Pairs")
    made.link(paired, rollouts=made.make_rollouts(ROLLOUTS))
    made.link(train, rollouts=paired)
    table = made.graded_table(ROLLOUTS)
    pairs = pa.array([0] * table.num_rows, pa.int32())
    made.publish(paired, {ROLLOUTS_FILE: table.append_column("pair", pairs)}, {"completions": 2})
    ada.post(f"/rollouts/{paired.pk}/score-under/", {"policy": train.fingerprint})
    assert Job.objects.get(kind="score").spec["further_columns"] is True


def test_only_policies_of_the_list_score(ada: Client) -> None:
    graded = made.make_rollouts(ROLLOUTS)
    assert ada.post(f"/rollouts/{graded.pk}/score-under/", {"policy": "x"}).status_code == 404
    evaluation = made.make_evaluation(made.make_policy(), accuracy=0.5, problems=3)
    assert ada.post(f"/rollouts/{evaluation.pk}/score-under/", {"policy": 1}).status_code == 404
