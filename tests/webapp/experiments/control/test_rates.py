"""How long a plan of control takes, from comparable jobs."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.webapp.experiments.control.bench import ControlBench
from tests.webapp.jobs import graphs
from webapp.experiments.forecast import forecast
from webapp.experiments.services import experiment_preview
from webapp.jobs.models import Job

pytestmark = pytest.mark.django_db


def test_a_plan_takes_what_comparable_jobs_took_per_update_and_episode() -> None:
    bench = ControlBench()
    bench.launch(("bc",), seeds=[0], settings={"steps": 1000}, evaluate={"episodes": 100})
    graphs.run_all()
    now = timezone.now()
    for kind, seconds in (("train_control", 10), ("train_score", 60), ("evaluate_control", 5)):
        took = Job.objects.filter(kind=kind)
        took.update(started_at=now - timedelta(seconds=seconds), finished_at=now)
    config = bench.config(
        ("bc",), seeds=[0, 1], settings={"steps": 2000}, evaluate={"episodes": 200}
    )
    found = forecast(config, experiment_preview(config=config))
    assert found is not None
    # Two trainings of 2,000 updates at 10 ms, four evaluations of 200 episodes at 50 ms; the
    # networks are there already; one live worker, that of the first launch.
    assert found.seconds == pytest.approx(2 * 20 + 4 * 10, rel=1e-3)
    assert found.workers == 1


def test_nothing_is_promised_for_an_algorithm_that_never_ran() -> None:
    bench = ControlBench()
    bench.launch(("bc",), seeds=[0])
    graphs.run_all()
    config = bench.config(("iql",), seeds=[0])
    assert forecast(config, experiment_preview(config=config)) is None
