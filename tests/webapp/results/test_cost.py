"""Cost to reach a target, and the time of generation shared by who reads it."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client
from django.utils import timezone

from tests.webapp.results import made
from webapp.jobs.models import Attempt, Job
from webapp.jobs.states import JobState
from webapp.results.choice import Choice, compact, parse
from webapp.results.compare import Comparison, load, points, shares_of
from webapp.results.cost import CostRow, cost_table
from webapp.results.curves import XAxis
from webapp.results.shares import generation_shares
from webapp.results.statistics import mean_ci

pytestmark = pytest.mark.django_db


def took(job: Job, seconds: float) -> Job:
    """Give a job one successful attempt of this length."""
    started = timezone.now()
    attempt = Attempt.objects.create(job=job, number=1, worker_name="w", outcome="succeeded")
    ended = started + timedelta(seconds=seconds)
    Attempt.objects.filter(pk=attempt.pk).update(started_at=started, ended_at=ended)
    return job


def chain(*, generate_s: float = 60.0, grade_s: float = 6.0) -> Job:
    """Return a grade job behind a generate job, both with their times."""
    generate = took(made.make_job("generate", "Completions"), generate_s)
    made.link(generate, policy=made.make_job("policy", "Tiny"))
    grade = took(made.make_job("grade", "Grades"), grade_s)
    made.link(grade, rollouts=generate)
    return grade


def training(rollouts: Job, state: str = JobState.SUCCEEDED) -> Job:
    job = made.make_job("train", "Train", state=state)
    made.link(job, policy=made.make_job("policy", "Tiny"), rollouts=rollouts)
    return job


def test_shares_add_up_to_the_time_of_the_jobs() -> None:
    grade = chain()
    curate = took(made.make_job("curate", "Positives"), 3.0)
    made.link(curate, rollouts=grade)
    all_rows = [training(grade), training(grade)]
    positives = [training(curate)]
    jobs = [one.pk for one in all_rows + positives]
    shares = generation_shares(jobs)
    assert [shares[pk].seconds for pk in jobs] == pytest.approx([22.0, 22.0, 25.0])
    assert sum(share.seconds for share in shares.values()) == pytest.approx(60 + 6 + 3)


def test_trainings_that_are_not_shown_bear_their_part_and_failed_ones_none() -> None:
    grade = chain(generate_s=30.0, grade_s=0.0)
    shown, _ = training(grade), training(grade, JobState.QUEUED)
    training(grade, JobState.FAILED)
    assert generation_shares([shown.pk])[shown.pk].seconds == pytest.approx(15.0)


def test_mixed_sets_bear_a_share_of_each_source() -> None:
    first, second = chain(generate_s=10.0, grade_s=0.0), chain(generate_s=40.0, grade_s=0.0)
    mix = took(made.make_job("mix", "Mixture"), 2.0)
    made.link(mix, source_1=first, source_2=second)
    mixed, plain = training(mix), training(first)
    shares = generation_shares([mixed.pk, plain.pk])
    assert shares[mixed.pk].seconds == pytest.approx(5 + 40 + 2)
    assert shares[plain.pk].seconds == pytest.approx(5)


def test_a_training_from_references_bears_nothing() -> None:
    job = made.make_job("train", "Supervised")
    made.link(job, dataset=made.make_job("dataset", "Rows"))
    assert generation_shares([job.pk])[job.pk].seconds == 0.0
    assert generation_shares([]) == {}


def comparison(lab: made.Lab, **choice: Any) -> Comparison:
    return load(Choice(runs=tuple(sorted(lab.run_ids)), **choice))


def by_algorithm(lab: made.Lab, **choice: Any) -> dict[str, CostRow]:
    return {row.group.algorithm: row for row in cost_table(comparison(lab, **choice)).rows}


def test_the_first_evaluation_that_reaches_the_target_counts() -> None:
    lab = made.make_lab()
    rows = by_algorithm(lab, target=0.5)
    found = comparison(lab, metric="eval_sampled_accuracy")
    columns, expected = points(found), []
    for seed in (0, 1):
        curve = columns[lab.job("train", "topr", seed).pk]
        place = next(n for n, value in enumerate(curve.values) if value >= 0.5)
        expected.append(float(curve.tokens[place]))
    cells = dict(zip(("steps", "samples", "tokens"), rows["topr"].cells, strict=False))
    assert cells["tokens"] == mean_ci(expected)
    assert rows["topr"].reached == 2
    assert rows["reinforce"].reached == 0
    assert rows["reinforce"].cells == [None] * 6
    assert rows["reinforce"].best is not None
    assert rows["reinforce"].best < 0.5


def test_generation_is_shared_by_all_and_added_to_the_axis() -> None:
    lab = made.make_lab()
    [generate] = Job.objects.filter(kind="generate")
    took(generate, 100.0)
    trainings = Job.objects.filter(kind="train", inputs__role="rollouts").count()
    found = comparison(lab, target=0.5, axis=XAxis.TOTAL)
    rows = cost_table(found)
    [topr] = [row for row in rows.rows if row.group.algorithm == "topr"]
    for one in topr.runs:
        assert one.spent is not None
        assert one.spent["generation"] == pytest.approx(100.0 / trainings)
        assert one.spent["total"] == one.spent["seconds"] + one.spent["generation"]
    assert rows.ledger.seconds == pytest.approx(100.0)
    assert rows.ledger.borne == pytest.approx(100.0)
    assert rows.ledger.elsewhere == pytest.approx(0.0)
    curve = points(found, shares=shares_of(found))[lab.job("train", "topr", 0).pk]
    assert curve.curve(0, XAxis.TOTAL).x[0] == pytest.approx(curve.seconds[0] + 100 / trainings)


def test_the_target_is_in_the_address_and_percentages_are_read() -> None:
    assert Choice(target=0.5).query() == "target=0.5"
    for text, value in (("0.5", 0.5), ("50%", 0.5), (".25", 0.25), ("2", None), ("x", None)):
        assert parse(QueryDict(f"target={text.replace('%', '%25')}"), (), ()).target == value


def test_without_a_target_the_middle_of_the_runs_is_taken() -> None:
    table = cost_table(comparison(made.make_lab()))
    assert table.is_default
    assert table.target is not None
    assert 0.2 < table.target < 0.72
    assert cost_table(load(Choice())).target is None


def test_page_and_files_name_the_rows_behind_each_figure(client: Client) -> None:
    lab = made.make_lab()
    client.force_login(made.make_user("grace"))
    query = f"runs={compact(sorted(lab.run_ids))}&target=0.5"
    page = client.get(f"/compare/?{query}").content.decode()
    assert "/compare/cost/?" in page
    part = client.get(f"/compare/cost/?{query}").content.decode()
    assert "never reaches it: at best" in part
    assert 'value="0.5"' in part
    job = lab.job("train", "topr", 0)
    assert f'href="/jobs/{job.pk}/">training {job.pk}</a>' in part
    text = client.get(f"/compare/export/cost.csv?{query}").content.decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    own = next(row for row in rows if row["job"] == str(job.pk))
    assert (own["reached"], own["target"]) == ("True", "0.5")
    assert float(own["total"]) >= float(own["seconds"])
    latex = client.get(f"/compare/export/cost.tex?{query}").content.decode()
    assert r"\toprule" in latex
    assert "never" in latex
