"""Alarms of sentinels: on the job's page, on the experiment's, and on the curve."""

import pytest
from django.test import Client

from algorithms.metrics import metric_by_name
from tests.webapp.results import made
from tests.webapp.results.test_iterations import make_chain
from webapp.experiments.models import Experiment
from webapp.jobs.models import Job, JobEvent, MetricPoint
from webapp.results.choice import Choice
from webapp.results.compare import load
from webapp.results.compare_figures import curves_figure
from webapp.results.curves import XAxis

pytestmark = pytest.mark.django_db


def alarm(job: Job, step: int, *, stops: bool = False) -> JobEvent:
    return JobEvent.objects.create(
        job=job,
        attempt=1,
        sentinel="entropy_collapse",
        step=step,
        text="The entropy is <b>low</b>.",
        value=0.01,
        limit=0.1,
        stops=stops,
    )


def test_the_curve_has_a_mark_at_the_step_on_every_axis() -> None:
    lab = made.make_lab(algorithms=("topr",))
    job = lab.job("train", "topr", 0)
    points = MetricPoint.objects.filter(job=job, name="eval_sampled_accuracy").order_by("step")
    point = list(points)[2]
    alarm(job, point.step, stops=True)
    for axis in (XAxis.STEPS, XAxis.TOKENS, XAxis.SECONDS):
        choice = Choice(runs=tuple(sorted(lab.run_ids)), axis=axis)
        drawn = curves_figure(load(choice), metric_by_name("eval_sampled_accuracy"))
        [mark] = [trace for trace in drawn.data if trace.name.endswith("alarms")]
        wanted = {XAxis.STEPS: point.step, XAxis.TOKENS: point.tokens}.get(axis, point.seconds)
        assert (mark.x[0], mark.y[0]) == pytest.approx((wanted, point.value))
        assert mark.customdata[0][1] == f"Entropy collapse at step {point.step:,}: ended there"
        assert mark.customdata[0][0] == f"/jobs/{job.pk}/"


def test_alarms_of_every_round_are_at_their_place_on_the_curve() -> None:
    user = made.make_user("grace")
    experiment = Experiment.objects.create(owner=user, name="Iterated", config={})
    chain = make_chain(experiment, made.make_policy(), seed=0, accuracies=(0.4, 0.5, 0.6))
    first, second, last = chain.trainings  # of 4 steps each
    alarm(first, 2)
    alarm(second, 9, stops=True)  # it went back to its end after 4
    alarm(last, 1)
    found = load(Choice(runs=(chain.run.pk,), metric="loss"))
    drawn = curves_figure(found, metric_by_name("loss"))
    [marks] = [trace for trace in drawn.data if trace.name.endswith("alarms")]
    assert list(marks.x) == [2, 7, 9]
    assert list(marks.y) == [1.0, 2.0, 3.0]
    assert [row[0] for row in marks.customdata] == [f"/jobs/{j.pk}/" for j in chain.trainings]
    assert [row[1] for row in marks.customdata] == [
        "Entropy collapse at step 2, iteration 1",
        "Entropy collapse at step 9, iteration 2: ended there",
        "Entropy collapse at step 1, iteration 3",
    ]


def test_pages_of_job_and_experiment_tell_it(client: Client) -> None:
    lab = made.make_lab(algorithms=("topr",))
    job = lab.job("train", "topr", 0)
    alarm(job, 120, stops=True)
    client.force_login(made.make_user("grace"))
    for address in (f"/jobs/{job.pk}/", f"/experiments/{lab.experiment.pk}/"):
        shown = client.get(address).content.decode()
        assert (
            "<b>Entropy collapse</b> at step 120. The entropy is &lt;b&gt;low&lt;/b&gt;." in shown
        )
        assert "The training ended there and kept its last policy before." in shown
    assert (
        "Entropy collapse"
        not in client.get(f"/jobs/{lab.job('train', 'topr', 1).pk}/").content.decode()
    )
