"""An engine that samples from another distribution than training computes is warned of."""

import pytest
from django.test import Client
from django.urls import reverse

from tests.webapp.experiments.factories import Bench
from tests.webapp.jobs import graphs
from webapp.experiments.services import experiment_preview
from webapp.jobs.models import Artifact, Job

pytestmark = pytest.mark.django_db


def generated(mean: float | None) -> Job:
    """Run everything; return the generation, its engine this far off."""
    graphs.run_all()
    job = Job.objects.get(kind="generate")
    summary = {} if mean is None else {"logprob_gap_mean": mean}
    Artifact.objects.filter(job=job).update(summary={"completions": 8, **summary})
    return job


@pytest.mark.parametrize(("mean", "warns"), [(None, False), (0.05, False), (0.0512, True)])
def test_a_launch_on_an_existing_artifact_warns_above_the_threshold(
    mean: float | None, warns: bool
) -> None:
    bench = Bench()
    bench.launch()
    job = generated(mean)
    found = experiment_preview(config=bench.config()).warnings
    assert any(f"The engine of job {job.pk} " in text for text in found) == warns
    assert any("0.051 nats per token on average" in text for text in found) == warns


def test_given_completions_are_followed_to_the_engine_that_wrote_them() -> None:
    bench = Bench()
    bench.launch()
    job = generated(0.2)
    graded = Job.objects.get(kind="grade")
    found = experiment_preview(config=bench.config(rollouts_id=graded.pk)).warnings
    assert any(f"The engine of job {job.pk} " in text for text in found)


def test_the_page_of_the_experiment_says_it_too(client: Client) -> None:
    bench = Bench()
    client.force_login(bench.user)
    experiment = bench.launch()
    address = reverse("experiments:detail", args=[experiment.pk])
    job = generated(0.2)
    shown = client.get(address).content.decode()
    assert shown.count(f"The engine of job {job.pk} ") == 1
