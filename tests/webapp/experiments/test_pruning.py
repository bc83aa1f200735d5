"""Pruning deletes what nobody needs, and nothing else."""

from pathlib import Path

import pytest
from django.core.exceptions import PermissionDenied
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from tests.webapp.experiments.factories import Bench, make_user
from tests.webapp.jobs import graphs
from webapp.experiments.models import Experiment
from webapp.experiments.pruning import artifacts_prune
from webapp.experiments.services import experiment_delete
from webapp.jobs.models import Artifact, Job
from webapp.jobs.states import JobState
from webapp.policies.services import policy_from_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def bench(tmp_path: Path, settings: Settings) -> Bench:
    settings.VAR = tmp_path
    return Bench()


def finished(bench: Bench, *names: str, title: str = "First") -> Experiment:
    experiment = bench.launch(names, title=title, seeds=[0])
    graphs.run_all()
    for artifact in Artifact.objects.all():
        folder = bench_store(artifact)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "file").write_text("x")
    return experiment


def bench_store(artifact: Artifact) -> Path:
    from django.conf import settings

    return Path(settings.VAR) / "artifacts" / artifact.path


def test_what_only_a_deleted_experiment_needed_goes_with_its_files(
    bench: Bench, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    finished(bench, "topr")
    second = finished(bench, "topr", "ppo", title="Second")
    own = list(Artifact.objects.filter(job__title__contains="ppo"))
    experiment_delete(experiment=second, user=bench.user)
    with django_capture_on_commit_callbacks(execute=True):
        report = artifacts_prune(user=make_user("root", is_staff=True))
    assert (report.jobs, report.artifacts) == (2, 2)
    assert not any(bench_store(artifact).exists() for artifact in own)
    assert all(bench_store(artifact).exists() for artifact in Artifact.objects.all())
    assert Job.objects.count() == 7


def test_the_lineage_of_a_policy_stays(bench: Bench) -> None:
    experiment = finished(bench, "topr")
    run = experiment.runs.get(label="topr")
    policy_from_run(owner=bench.user, name="Kept", run=run)
    Experiment.objects.all().delete()
    artifacts_prune(user=make_user("root", is_staff=True))
    kinds = sorted(Job.objects.values_list("kind", flat=True))
    assert kinds == ["dataset", "generate", "grade", "policy", "train"]


def test_unfinished_jobs_and_their_inputs_stay(bench: Bench) -> None:
    bench.launch(("topr",), seeds=[0])
    Experiment.objects.all().delete()
    artifacts_prune(user=make_user("root", is_staff=True))
    assert Job.objects.exclude(state=JobState.SUCCEEDED).count() == 7


def test_only_staff_may_prune(bench: Bench) -> None:
    with pytest.raises(PermissionDenied):
        artifacts_prune(user=bench.user)
