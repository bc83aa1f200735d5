"""Curated sets: the preview is what the job writes; names, sharing, pruning, deletion."""

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from algorithms.base import JobContext, UserError
from algorithms.curation.steps import CurateSpec
from algorithms.curation.summary import as_summary
from algorithms.data.tables import ROLLOUTS_FILE
from algorithms.jobs import run_job
from tests.algorithms.training.world import Recorder
from tests.webapp.results import made
from webapp.curation import services
from webapp.curation.content import composition_of, source_job
from webapp.curation.models import CuratedSet
from webapp.curation.selectors import trainable_jobs, writer_of
from webapp.experiments.pruning import unneeded_jobs
from webapp.jobs.models import Job
from webapp.jobs.states import JobState
from webapp.jobs.store import default_store

pytestmark = pytest.mark.django_db

STEPS = ({"op": "deduplicate"}, {"op": "anna_karenina", "size": 100})


def spec(*steps: dict[str, Any], seed: int = 0) -> CurateSpec:
    return CurateSpec.model_validate({"steps": steps, "seed": seed})


def graded(prompts: int = 50, completions: int = 8) -> Job:
    return made.make_rollouts(made.random_rollouts(prompts, completions))


def create(job: Job, name: str = "A hundred", **changes: Any) -> CuratedSet:
    owner = changes.pop("owner", None) or made.make_user()
    return services.curated_set_create(
        owner=owner, name=name, source=job, spec=changes.pop("spec", spec(*STEPS))
    )


def run(job: Job) -> dict[str, Any]:
    """Compute a curate job as its runner would, and store its artifact."""
    source = job.inputs.get().source
    store = default_store()
    staging = store.staging(job.pk, 1)
    context = JobContext(
        inputs={"rollouts": store.folder(source.artifact.path)},
        output=staging,
        checkpoints=staging,
        reporter=Recorder(),
    )
    summary = dict(run_job("curate", CurateSpec.model_validate(job.spec), context))
    store.discard(staging)
    return summary


def test_the_preview_is_what_the_job_writes() -> None:
    job = graded()
    previewed = services.curation_preview(source=job, spec=spec(*STEPS))
    made_set = create(job)
    assert run(made_set.job) == as_summary(previewed.after)
    assert previewed.after.completions == 100


def test_a_set_is_a_curate_job_named_as_it_is() -> None:
    job = graded()
    made_set = create(job, "  A   hundred ")
    assert made_set.name == made_set.job.title == "A hundred"
    assert (made_set.job.kind, made_set.job.label) == ("curate", job.label)
    assert made_set.job.inputs.get().source == job
    assert made_set.job.state == JobState.QUEUED


def test_the_same_choice_is_made_once_and_may_have_two_names() -> None:
    job = graded()
    ada = made.make_user()
    first, second = (create(job, name, owner=ada) for name in ("one", "two"))
    assert first.job == second.job
    other = create(job, "three", owner=ada, spec=spec(*STEPS, seed=1))
    assert other.job != first.job


def test_a_name_is_taken_once() -> None:
    job = graded()
    ada = made.make_user()
    create(job, owner=ada)
    with pytest.raises(ValidationError, match="already exists"):
        create(job, owner=ada, spec=spec({"op": "positives"}))
    with pytest.raises(ValidationError, match="cannot be blank"):
        create(job, " ", owner=ada)


def test_no_steps_are_refused() -> None:
    with pytest.raises(ValidationError, match="Add a step"):
        create(graded(), spec=spec())


def test_a_step_that_cannot_be_done_is_refused_before_there_is_a_job() -> None:
    job = graded()
    with pytest.raises(UserError, match="400 reach this step"):
        create(job, spec=spec({"op": "uniform", "size": 401}))
    assert not Job.objects.filter(kind="curate").exists()


def test_pruning_keeps_a_named_set_and_all_that_it_comes_from() -> None:
    made_set = create(graded())
    Job.objects.filter(pk=made_set.job_id).update(state=JobState.CANCELLED)
    assert not unneeded_jobs().exists()
    made_set.refresh_from_db()
    services.curated_set_delete(curated_set=made_set, user=made_set.owner)
    assert unneeded_jobs().filter(pk=made_set.job_id).exists()


def test_only_its_owner_deletes_a_set_and_only_when_its_job_has_ended() -> None:
    made_set = create(graded())
    with pytest.raises(PermissionDenied):
        services.curated_set_delete(curated_set=made_set, user=made.make_user("eve"))
    with pytest.raises(UserError, match="is being made"):
        services.curated_set_delete(curated_set=made_set, user=made_set.owner)


def test_ungraded_completions_are_no_source() -> None:
    job = graded()
    with pytest.raises(Job.DoesNotExist):
        source_job(job.inputs.get().source_id)
    assert source_job(job.pk) == job


def test_scored_completions_are_a_source_where_they_are_graded() -> None:
    job = graded()
    scored, bare = made.make_job("score", "scored"), made.make_job("score", "not graded")
    writer = job.inputs.get().source.inputs.get(role="policy").source
    made.link(scored, rollouts=job, policy=made.make_job("policy", "another"))
    made.link(bare, rollouts=job.inputs.get().source, policy=writer)
    for one in (scored, bare):
        made.publish(one, {ROLLOUTS_FILE: made.graded_table([])}, {"completions": 0})
    assert source_job(scored.pk) == scored
    with pytest.raises(Job.DoesNotExist):
        source_job(bare.pk)
    assert set(trainable_jobs()) == {job, scored}
    assert writer_of(scored) == (writer.pk, None)


def test_a_preview_reads_its_file_once() -> None:
    job = graded()
    composition_of(job)
    for path in default_store().folder(job.artifact.path).iterdir():
        path.unlink()
    assert services.curation_preview(source=job, spec=spec(*STEPS)).after.completions == 100


def test_a_set_whose_file_is_gone_says_so() -> None:
    job = graded()
    for path in default_store().folder(job.artifact.path).iterdir():
        path.unlink()
    with pytest.raises(UserError, match=f"job {job.pk} cannot be read"):
        services.curation_preview(source=job, spec=spec(*STEPS))
