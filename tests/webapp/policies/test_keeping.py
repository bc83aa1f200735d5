"""The last good checkpoint of a diverged training is offered, kept, evaluated."""

import json
import shutil
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from algorithms.base import Stopped
from algorithms.control_specs import TrainControlSpec
from algorithms.environments.table import POINT_MASS
from tests.algorithms.control.worlds import Heard, run
from tests.webapp.experiments.control.bench import ControlBench
from tests.webapp.jobs.doing import do_all
from tests.webapp.jobs.graphs import make_worker
from webapp.experiments.portable.writing import experiment_yaml
from webapp.experiments.services import experiment_launch
from webapp.jobs.failures import Failure
from webapp.jobs.graph import Given, Node
from webapp.jobs.leases import claim, finish_failure
from webapp.jobs.models import Job
from webapp.jobs.services import jobs_ensure
from webapp.jobs.states import FailureClass
from webapp.jobs.store import default_store
from webapp.policies.control import keeping
from webapp.policies.control.selectors import environments_of
from webapp.policies.models import Policy

pytestmark = pytest.mark.django_db
SHORT = {"steps": 400, "batch_size": 16, "log_every": 10, "checkpoint_every": 10}


@pytest.fixture
def bench(settings: Settings, tmp_path: Path) -> ControlBench:
    """Return a person with a small data set that is there."""
    settings.VAR = tmp_path / "var"
    made = ControlBench("keeper")
    made.dataset = made.collected("Few", amount=4, reference_episodes=2, parallel=2)
    do_all()
    return made


@pytest.fixture
def training(bench: ControlBench, settings: Settings, tmp_path: Path) -> Job:
    """Return a training that failed and left a checkpoint from step 32 on the disk."""
    spec = TrainControlSpec.model_validate(
        {"algorithm": "td3_bc", "params": {"hidden_size": 16}, "settings": SHORT, "seed": 3}
    )
    data = bench.dataset.job
    node = Node(
        kind="train_control",
        spec=spec,
        title="Train TD3+BC, seed 3",
        inputs={"transitions": Given(data.fingerprint)},
    )
    job = jobs_ensure(nodes=[node], user=bench.user)[node.fingerprint]
    folder = default_store().folder(data.artifact.path)
    with pytest.raises(Stopped):
        run("train_control", tmp_path / "t", spec, transitions=folder, reporter=Heard(32))
    shutil.move(tmp_path / "t.checkpoints", settings.VAR / f"checkpoints/{job.pk}/000001/state")
    worker = make_worker("diverges")
    claimed = claim(worker=worker, labels=["cpu"])
    assert claimed is not None
    failure = Failure(FailureClass.NON_FINITE, "The training diverged.")
    finish_failure(job_id=job.pk, attempt=claimed.attempt, failure=failure)
    worker.delete()
    return Job.objects.get(pk=job.pk)


def test_the_page_of_a_diverged_training_offers_its_checkpoint_until_it_is_kept(
    client: Client, bench: ControlBench, training: Job
) -> None:
    client.force_login(bench.user)
    address = reverse("results:job_results", args=[training.pk])
    offered = client.get(address).content.decode()
    assert "Keep as policy" in offered
    assert "after 32 of 400 updates" in offered
    keep = reverse("policies:from_checkpoint", args=[training.pk])
    answer = client.post(keep, {"name": "Before it blew up"})
    policy = Policy.objects.select_related("job").get()
    assert answer["Location"] == reverse("policies:detail", args=[policy.pk])
    assert (policy.family, policy.job.kind) == ("control", "keep_checkpoint")
    assert environments_of([policy]) == {policy.pk: POINT_MASS}
    assert do_all() == ["keep_checkpoint"]
    page = client.get(answer["Location"]).content.decode()
    assert "32 of 400; the training did not end" in page
    shown = client.get(address).content.decode()
    assert "Keep as policy" not in shown
    assert "Before it blew up" in shown


def test_a_kept_checkpoint_is_evaluated_like_any_policy_and_goes_into_files(
    bench: ControlBench, training: Job
) -> None:
    policy = keeping.policy_from_checkpoint(owner=bench.user, name="Kept", job=training)
    config = bench.config(
        (), policies=[{"policy_id": policy.pk, "label": "Kept"}], seeds=[0],
        corrections=[{"name": "uncorrected"}], evaluate={"episodes": 3},
    )  # fmt: skip
    experiment = experiment_launch(owner=bench.user, name="Of the checkpoint", config=config)
    assert do_all() == ["keep_checkpoint", "evaluate_control"]
    text = experiment_yaml(experiment)
    assert "kind: keep_checkpoint" in text
    assert "kind: upload" in text


def test_keeping_twice_makes_one_job_and_survives_the_loss_of_the_checkpoint(
    bench: ControlBench, training: Job, settings: Settings
) -> None:
    one = keeping.policy_from_checkpoint(owner=bench.user, name="One", job=training)
    two = keeping.policy_from_checkpoint(owner=bench.user, name="Two", job=training)
    assert one.job_id == two.job_id
    shutil.rmtree(settings.VAR / "checkpoints")
    assert do_all() == ["keep_checkpoint"]


def test_the_api_keeps_it_and_says_what_cannot_be_kept(
    client: Client, bench: ControlBench, training: Job
) -> None:
    client.force_login(bench.user)
    address = "/api/v1/control-policies/from-checkpoint"

    def post(name: str, job: Job) -> tuple[int, dict[str, str]]:
        body = json.dumps({"name": name, "job_id": job.pk})
        answer = client.post(address, body, content_type="application/json")
        return answer.status_code, answer.json()

    assert post("Kept", training)[1]["kind"] == "keep_checkpoint"
    assert post("Kept", training)[0] == 422
    status, told = post("Data", bench.dataset.job)
    assert status == 409
    assert "only trainings of control keep checkpoints" in told["detail"]


def test_a_training_without_a_checkpoint_here_offers_none(
    client: Client, bench: ControlBench, training: Job, settings: Settings
) -> None:
    shutil.rmtree(settings.VAR / "checkpoints")
    client.force_login(bench.user)
    address = reverse("results:job_results", args=[training.pk])
    assert "Keep as policy" not in client.get(address).content.decode()
    refused = client.post(
        reverse("policies:from_checkpoint", args=[training.pk]), {"name": "None"}, follow=True
    )
    assert "smaller checkpoint_every" in refused.content.decode()
    assert not Policy.objects.exists()
