"""Policies kept along the way, compared: figures, what they had cost, means over seeds, a file."""

import csv
import io

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.webapp.results import made
from webapp.experiments.kept import kept_cards
from webapp.experiments.models import ExperimentJob, Run
from webapp.jobs.models import JobInput
from webapp.results.choice import Choice
from webapp.results.compare import load
from webapp.results.curves import XAxis
from webapp.results.groups import GroupBy
from webapp.results.kept import kept_evaluations, kept_figure
from webapp.results.selectors import evaluated_policies

pytestmark = pytest.mark.django_db
ACCURACY = {8: 0.4, 16: 0.6}


def keep(lab: made.Lab, run: Run) -> None:
    """Add evaluations of the policies that a run kept after 8 and 16 of its 20 updates."""
    train = run.needs.get(role="train").job
    made.make_points(train, {"learning_rate": [1e-3] * 20})
    config = dict(run.config)
    for step, accuracy in ACCURACY.items():
        title = f"Evaluate {run} after {step} updates"
        job = made.make_evaluation(
            train, accuracy=accuracy, seed=run.pk + step, problems=40, title=title
        )
        JobInput.objects.filter(job=job, role="policy").update(checkpoint=step)
        role = f"evaluate+{step}"
        ExperimentJob.objects.create(experiment=lab.experiment, run=run, job=job, role=role)
        config[role] = config["evaluate"]
    run.config = config
    run.save()


@pytest.fixture
def lab() -> made.Lab:
    found = made.make_lab(algorithms=("positives", "topr"))
    for run in found.runs.values():
        keep(found, run)
    return found


def test_a_run_is_evaluated_from_the_start_to_its_end(lab: made.Lab) -> None:
    run = lab.run("topr", 1)
    found = kept_evaluations(load(Choice(runs=tuple(lab.run_ids))))[run.pk]
    assert [one.step for one in found] == [0, 8, 16, 20]
    assert [one.cost.samples for one in found[:3]] == [0, 128 * 8, 128 * 16]
    base = lab.base.needs.get(role="evaluate").job
    assert found[0].job.id == base.pk
    assert found[-1].job.id == lab.job("evaluate", "topr", 1).pk
    assert found[1].figure("pass_at_1") == pytest.approx(0.4, abs=0.15)


@pytest.mark.parametrize(("axis", "last"), [(XAxis.STEPS, 16), (XAxis.SAMPLES, 128 * 16)])
def test_the_curve_is_the_mean_over_seeds_at_each_kept_policy(
    lab: made.Lab, axis: XAxis, last: int
) -> None:
    choice = Choice(runs=tuple(lab.run_ids), axis=axis, outcome="greedy_accuracy")
    found = load(choice)
    means = [one for one in kept_figure(found).data if one.name.endswith("(N = 2)")]
    mean = next(one for one in means if one.name.startswith("Tapered"))
    runs = kept_evaluations(found)
    values = [runs[lab.run("topr", seed).pk][2].figure("greedy_accuracy") for seed in (0, 1)]
    place = list(mean.x).index(last)
    assert mean.y[place] == pytest.approx(sum(v or 0.0 for v in values) / 2)


def test_the_page_shows_them_where_there_are_any_and_the_file_has_every_figure(
    ada: Client, lab: made.Lab
) -> None:
    runs = ",".join(map(str, lab.run_ids))
    html = ada.get(f"/compare/?runs={runs}").content.decode()
    assert "of the policies kept along the way" in html
    assert ada.get(f"/compare/kept.json?runs={runs}").status_code == 200
    text = ada.get(f"/compare/export/checkpoints.csv?runs={runs}").content.decode()
    table = list(csv.DictReader(io.StringIO(text)))
    assert len(table) == 4 * 4
    assert [row["step"] for row in table[:4]] == ["0", "8", "16", "20"]
    assert {"pass_at_1", "greedy_accuracy", "invalid_share", "job", "tokens"} <= set(table[0])
    plain = made.make_lab(algorithms=("topr",), name="plain")
    other = ",".join(map(str, plain.run_ids))
    assert "kept along the way" not in ada.get(f"/compare/?runs={other}").content.decode()


def test_asking_for_them_does_not_part_runs_of_one_configuration(lab: made.Lab) -> None:
    runs = [run.pk for (algorithm, _), run in lab.runs.items() if algorithm == "topr"]
    first = Run.objects.get(pk=runs[0])
    first.config = {role: spec for role, spec in first.config.items() if "+" not in role}
    first.save()
    found = load(Choice(runs=tuple(runs), group=GroupBy.LABEL))
    assert len(found.groups) == 1


def test_the_number_of_queries_does_not_grow_with_the_runs(
    lab: made.Lab, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    found = load(Choice(runs=tuple(lab.run_ids)))
    with django_assert_num_queries(3):
        kept_evaluations(found)


def test_the_experiments_page_lists_them(ada: Client, lab: made.Lab) -> None:
    html = ada.get(f"/experiments/{lab.experiment.pk}/").content.decode()
    job = lab.run("topr", 0).needs.get(role="evaluate+8").job
    assert f'href="/jobs/{job.pk}/" title="Pass@1 of the policy kept after 8 updates' in html


def test_a_weighing_is_of_the_verifier_that_wrote_its_verdicts(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    solver, verifier = made.make_job("policy", "Solver"), made.make_job("policy", "Verifier")
    names = ("generate", "grade", "generate", "grade", "weigh", "evaluate")
    solved, solutions, judged, verdicts, weighed, plain = (made.make_job(n, n) for n in names)
    made.link(solved, policy=solver)
    made.link(solutions, rollouts=solved)
    made.link(judged, policy=verifier)
    made.link(verdicts, rollouts=judged)
    made.link(weighed, solutions=solutions, verdicts=verdicts)
    made.link(plain, policy=solver)
    with django_assert_num_queries(1):
        found = evaluated_policies([weighed.pk, plain.pk])
    assert found == {weighed.pk: verifier.pk, plain.pk: solver.pk}


def test_only_the_weighing_of_a_kept_verifier_is_listed_not_its_verdicts() -> None:
    stages = ("judge+8", "grade_verdicts+8", "evaluate+8", "evaluate")
    jobs = {role: made.make_job("weigh", role) for role in stages}
    assert [(card.step, card.job) for card in kept_cards(jobs)] == [(8, jobs["evaluate+8"])]
