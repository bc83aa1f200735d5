"""Policies: from a source, warm-started, from a run; deletion that refuses."""

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from algorithms.base import UserError
from algorithms.catalogue import ALGORITHMS
from algorithms.sources import TinyLlama
from algorithms.specs import PolicySpec, TrainSpec
from tests.webapp.experiments.factories import Bench, make_dataset, make_policy, make_user
from tests.webapp.jobs import graphs
from webapp.experiments.services import experiment_delete
from webapp.jobs.models import Artifact, Job, JobInput
from webapp.policies.models import Policy
from webapp.policies.runs import trained_runs
from webapp.policies.selectors import policies
from webapp.policies.services import policy_delete, policy_from_run, policy_from_source

pytestmark = pytest.mark.django_db

SPEC = PolicySpec(source=TinyLlama(hidden_size=16, layers=1, heads=2))


def test_a_policy_from_a_source_is_one_job() -> None:
    policy = make_policy(make_user())
    assert (policy.job.kind, policy.job.state) == ("policy", "queued")


def test_two_names_for_the_same_model_share_its_job() -> None:
    user = make_user()
    assert make_policy(user, "a").job == make_policy(user, "b").job


def test_a_warm_start_trains_on_the_datasets_reference_answers() -> None:
    user = make_user()
    dataset = make_dataset(user)
    policy = make_policy(user, dataset=dataset)
    job = policy.job
    assert (job.kind, job.spec["algorithm"]) == ("train", "sft")
    roles = dict(job.inputs.values_list("role", "source__kind"))
    assert roles == {"policy": "policy", "dataset": "dataset", "eval_dataset": "dataset"}
    assert job.code_version.endswith(f"sft-{ALGORITHMS['sft'].version}")
    assert graphs.run_all() == ["dataset", "policy", "train"]


def test_a_warm_start_needs_a_dataset_and_an_algorithm_for_references() -> None:
    user = make_user()
    for algorithm, dataset, field in (
        ("sft", None, "dataset"),
        ("topr", make_dataset(user), "warm_start"),
        ("nothing", make_dataset(user, "other"), "warm_start"),
    ):
        with pytest.raises(ValidationError) as caught:
            policy_from_source(
                owner=user,
                name="x",
                spec=SPEC,
                warm_start=TrainSpec(algorithm=algorithm),
                dataset=dataset,
            )
        assert list(caught.value.message_dict) == [field]
    assert not Policy.objects.exists()


@pytest.mark.parametrize("name", ["", "  ", "Tiny", "x" * 121])
def test_a_name_is_needed_and_unique(name: str) -> None:
    user = make_user()
    make_policy(user, "Tiny")
    with pytest.raises(ValidationError) as caught:
        make_policy(user, name, seed=5)
    assert list(caught.value.message_dict) == ["name"]
    assert Policy.objects.count() == 1


def test_a_trained_run_becomes_a_policy() -> None:
    bench = Bench()
    experiment = bench.launch()
    run = experiment.runs.get(label="topr", seed=1)
    with pytest.raises(UserError, match="wait until it has succeeded"):
        policy_from_run(owner=bench.user, name="Best", run=run)
    graphs.run_all()
    policy = policy_from_run(owner=bench.user, name="Best", run=run)
    assert policy.job == Job.objects.get(needed_by__run=run, needed_by__role="train")


def test_a_policy_that_a_run_kept_becomes_one() -> None:
    bench = Bench()
    experiment = bench.launch(settings={"steps": 100, "keep_every": 40})
    run = experiment.runs.get(label="topr", seed=1)
    graphs.run_all()
    job = Job.objects.get(needed_by__run=run, needed_by__role="train")
    Artifact.objects.filter(job=job).update(summary={"steps": 100})
    with pytest.raises(UserError, match=r"kept no policy after 50 updates\. It kept: 40, 80"):
        policy_from_run(owner=bench.user, name="Half", run=run, checkpoint=50)
    policy = policy_from_run(owner=bench.user, name="Half", run=run, checkpoint=40)
    assert (policy.job, policy.part) == (job, "checkpoints/step_000040")
    assert {one.kept for one in trained_runs() if one.pk == run.pk} == {range(40, 100, 40)}


def test_every_iteration_of_a_run_can_become_a_policy() -> None:
    bench = Bench()
    made = bench.launch(("topr",), recipe="iterated", recipe_settings={"iterations": 3})
    run = made.runs.get(label="topr", seed=1)
    graphs.run_all()
    second = policy_from_run(owner=bench.user, name="Second", run=run, iteration=2)
    assert second.job == Job.objects.get(needed_by__run=run, needed_by__role="train@2")
    last = policy_from_run(owner=bench.user, name="Last", run=run)
    assert last.job == Job.objects.get(needed_by__run=run, needed_by__role="train")
    offered = {one.value for one in trained_runs() if one.pk == run.pk}
    assert offered == {str(run.pk), f"{run.pk}@1", f"{run.pk}@2"}
    with pytest.raises(UserError, match="no iteration 3 before its last"):
        policy_from_run(owner=bench.user, name="Third", run=run, iteration=3)


def test_an_experiment_starts_from_a_kept_policy() -> None:
    bench = Bench()
    run = bench.launch(settings={"steps": 100, "keep_every": 40}).runs.get(label="topr", seed=1)
    graphs.run_all()
    Artifact.objects.filter(job__kind="train").update(summary={"steps": 100})
    policy = policy_from_run(owner=bench.user, name="Half", run=run, checkpoint=80)
    second = bench.launch(title="Second", policy_id=policy.pk)
    edges = JobInput.objects.filter(job__needed_by__experiment=second, role="policy")
    asked = edges.filter(job__kind__in=("generate", "evaluate", "train"))
    assert set(asked.filter(source=policy.job).values_list("checkpoint", flat=True)) == {80}
    assert asked.filter(source=policy.job, job__kind="generate").count() == 1


def test_the_base_policys_run_has_no_checkpoint_to_keep() -> None:
    bench = Bench()
    run = bench.launch().runs.get(algorithm="")
    with pytest.raises(UserError, match="no checkpoint"):
        policy_from_run(owner=bench.user, name="Best", run=run)


def test_a_policy_that_an_experiment_starts_from_is_not_deleted() -> None:
    bench = Bench()
    experiment = bench.launch(title="Night run")
    graphs.run_all()
    with pytest.raises(UserError, match="“Night run”"):
        policy_delete(policy=bench.policy, user=bench.user)
    experiment_delete(experiment=experiment, user=bench.user)
    policy_delete(policy=bench.policy, user=bench.user)
    assert not Policy.objects.exists()


def test_a_policy_on_an_axis_counts_as_used() -> None:
    bench = Bench()
    second = make_policy(bench.user, "Second", seed=1)
    bench.launch(axes={"policy_id": [bench.policy.pk, second.pk]})
    graphs.run_all()
    with pytest.raises(UserError, match="First"):
        policy_delete(policy=second, user=bench.user)


def test_another_name_for_a_used_model_can_be_deleted() -> None:
    bench = Bench()
    bench.launch()
    graphs.run_all()
    policy_delete(policy=make_policy(bench.user, "Alias"), user=bench.user)
    assert list(Policy.objects.values_list("name", flat=True)) == ["Tiny"]


def test_a_policy_in_the_making_is_not_deleted() -> None:
    policy = make_policy(make_user())
    with pytest.raises(UserError, match=f"cancel job {policy.job_id} first"):
        policy_delete(policy=policy, user=policy.owner)


def test_somebody_elses_policy_is_not_deleted() -> None:
    policy = make_policy(make_user())
    graphs.run_all()
    with pytest.raises(PermissionDenied):
        policy_delete(policy=policy, user=make_user("eve"))


def test_search_looks_at_name_description_and_owner() -> None:
    make_policy(make_user("ada"), "Tiny")
    make_policy(make_user("eve"), "Large", seed=1)
    assert [p.name for p in policies(search="tin")] == ["Tiny"]
    assert [p.name for p in policies(search="eve la")] == ["Large"]
    assert not policies(search="eve tiny")
