"""The folders a job reads: whole artifacts, policies kept in one, and what is wrong with them."""

from pathlib import Path

import pytest
from pytest_django import Settings

from algorithms.base import CorruptArtifactError, UserError
from tests.webapp.results import made
from webapp.jobs.models import Artifact, Job, JobInput
from webapp.jobs.store import Store, default_store
from workers.inputs import InputGone, input_folders

pytestmark = pytest.mark.django_db


@pytest.fixture
def store(settings: Settings, tmp_path: Path) -> Store:
    settings.VAR = tmp_path
    return default_store()


def training(store: Store) -> Job:
    """Return a training that kept a policy after 50 updates."""
    job = made.make_job("train", "Train TOPR, seed 0")
    staging = store.staging(job.pk, 1)
    (staging / "model.safetensors").write_bytes(b"last")
    (staging / "checkpoints/step_000050").mkdir(parents=True)
    (staging / "checkpoints/step_000050/model.safetensors").write_bytes(b"half")
    stored = store.publish(staging, job.pk, 1)
    Artifact.objects.create(
        job=job,
        path=stored.path,
        size_bytes=stored.size_bytes,
        manifest_sha256=stored.manifest_sha256,
        attempt=1,
    )
    return job


def reader(source: Job, checkpoint: int | None) -> Job:
    job = made.make_job("evaluate", "Evaluation")
    JobInput.objects.create(job=job, role="policy", source=source, checkpoint=checkpoint)
    return job


@pytest.mark.parametrize(("checkpoint", "content"), [(None, b"last"), (50, b"half")])
def test_a_job_reads_the_policy_it_names(
    store: Store, checkpoint: int | None, content: bytes
) -> None:
    folders = input_folders(reader(training(store), checkpoint), store)
    assert (folders["policy"] / "model.safetensors").read_bytes() == content


def test_a_policy_that_was_not_kept_is_named(store: Store) -> None:
    source = training(store)
    with pytest.raises(UserError, match=rf"Job {source.pk} .* kept no policy after 75 updates"):
        input_folders(reader(source, 75), store)


def test_damage_of_a_kept_policy_hurts_those_who_read_it(store: Store) -> None:
    source = training(store)
    folder = store.folder(source.artifact.path) / "checkpoints/step_000050"
    (folder / "model.safetensors").write_bytes(b"bent")
    with pytest.raises(CorruptArtifactError, match=r"step_000050/model\.safetensors was altered"):
        input_folders(reader(source, 50), store)


def test_an_input_without_artifact_is_waited_for(store: Store) -> None:
    source = made.make_job("train", "Training")
    with pytest.raises(InputGone, match="is computed again"):
        input_folders(reader(source, None), store)
