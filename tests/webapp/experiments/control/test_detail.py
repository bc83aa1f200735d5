"""The page of a control experiment: its own figures, nothing about completions."""

import pytest
from django.test import Client
from django.urls import reverse

from tests.webapp.experiments.control.bench import ControlBench
from tests.webapp.jobs import graphs
from webapp.experiments.detail import experiment_detail
from webapp.experiments.models import Experiment
from webapp.experiments.page import ExperimentView, curve_metrics
from webapp.experiments.selectors import experiment_page
from webapp.experiments.services import experiment_preview
from webapp.jobs.models import Artifact
from webapp.jobs.states import JobState

pytestmark = pytest.mark.django_db


def shown(client: Client, experiment: Experiment, fragment: str = "") -> str:
    address = reverse("experiments:detail", args=[experiment.pk])
    answer = client.get(address, {"fragment": fragment} if fragment else {})
    assert answer.status_code == 200
    return answer.content.decode()


def test_before_anything_ran_the_page_names_figures_of_control(client: Client) -> None:
    bench = ControlBench()
    client.force_login(bench.user)
    page = shown(client, bench.launch())
    for word in ("CVaR", "Violations", "TD3+BC + CDSA", "Score network", "metric=loss"):
        assert word in page
    for word in ("Greedy accuracy", "Pass@1", "tokens"):
        assert word not in page


def test_figures_of_evaluations_stand_in_the_table(client: Client) -> None:
    bench = ControlBench()
    client.force_login(bench.user)
    experiment = bench.launch(("bc",), seeds=[0])
    figures = {
        "episodes": 100,
        "purpose": "reporting",
        "return_mean": -11.25,
        "normalized_return": 99.5,
        "reference": "local-normalised",
        "cvar": -13.5,
        "violation_share": 0.04,
        "shift_mean": 0.125,
    }
    graphs.run_all()
    Artifact.objects.filter(job__kind="evaluate_control").update(summary=figures)
    page = shown(client, experiment, "work")
    for text in ("-11.25", "99.5", "local-normalised", "-13.50", "4.0", "0.125"):
        assert text in page
    assert experiment_detail(experiment).state == JobState.SUCCEEDED


def test_a_training_that_two_runs_share_counts_once() -> None:
    bench = ControlBench()
    experiment = bench.launch()
    graphs.run_all()
    row = experiment_page().rows[0]
    assert row.jobs == len(experiment_detail(experiment).jobs) == 15
    assert (row.succeeded, row.state, row.progress) == (15, JobState.SUCCEEDED, 1.0)
    assert experiment_preview(config=bench.config()).done == 14


def test_curves_are_those_that_the_experiments_algorithms_log() -> None:
    bench = ControlBench()
    view = ExperimentView(experiment_detail(bench.launch(("iql",))))
    names = {metric.name for group in curve_metrics(view).values() for metric in group}
    assert {"loss", "critic_loss", "value_loss", "eval_normalized_return"} <= names
    assert "conservative_gap" not in names
    assert "eval_sampled_accuracy" not in names


def test_without_a_training_there_is_no_curve(client: Client) -> None:
    bench = ControlBench()
    client.force_login(bench.user)
    given = [{"label": "Straight", "policy_id": bench.policy().pk}]
    page = shown(client, bench.launch((), policies=given))
    assert 'id="curves"' not in page
    assert "a policy that exists" in page
