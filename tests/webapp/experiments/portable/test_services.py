"""Export and import with a database: sources by what makes them, made once, found ever after."""

import pytest

from tests.webapp.experiments.factories import Bench, make_dataset, make_policy, make_user
from tests.webapp.experiments.portable.files import SHORT
from webapp.catalogue.services import preset_create
from webapp.datasets.models import Dataset
from webapp.experiments.models import Experiment
from webapp.experiments.planner import plan
from webapp.experiments.portable.services import (
    ImportRefused,
    experiment_import,
    sources_import,
)
from webapp.experiments.portable.writing import experiment_yaml
from webapp.experiments.selectors import clone_config
from webapp.experiments.sources import find_sources
from webapp.jobs.graph import Kept
from webapp.jobs.models import Job, JobInput
from webapp.policies.models import Policy
from webapp.policies.services import policy_from_node

pytestmark = pytest.mark.django_db


def test_an_exported_experiment_imports_as_itself_and_makes_nothing(bench: Bench) -> None:
    other = make_dataset(bench.user, "Held out", seed=5)
    warm = make_policy(bench.user, "Warm", seed=3, dataset=bench.dataset)
    preset = preset_create(
        owner=bench.user, name="Mine", algorithm="topr", params={"baseline": -0.5}, notes=""
    )
    choices = [
        {"label": "T", "algorithm": "topr", "params": preset.params, "preset_id": preset.pk},
        {"label": "P", "algorithm": "positives"},
    ]
    experiment = bench.launch(
        title="Ours: “é”",
        algorithms=choices,
        eval_dataset_id=other.pk,
        benchmarks=[other.pk],
        axes={"policy_id": [bench.policy.pk, warm.pk], "settings.learning_rate": [1e-4, 3e-4]},
        curations=[{"name": "positives", "steps": [{"op": "positives"}]}],
    )
    before = (Job.objects.count(), Dataset.objects.count(), Policy.objects.count())
    found = sources_import(owner=bench.user, text=experiment_yaml(experiment))
    assert found.config == clone_config(experiment)
    assert (found.document.name, found.made) == ("Ours: “é”", ())
    assert (Job.objects.count(), Dataset.objects.count(), Policy.objects.count()) == before


def test_missing_sources_are_made_once(bench: Bench) -> None:
    first = sources_import(owner=bench.user, text=SHORT)
    assert first.made == ("dataset “Two digits v1”", "policy “Tiny, warm”")
    again = sources_import(owner=bench.user, text=SHORT)
    assert again.made == ()
    assert again.config == first.config
    assert Policy.objects.get(name="Tiny, warm").job.kind == "train"


def test_a_source_of_the_same_name_but_other_content_is_not_taken(bench: Bench) -> None:
    make_policy(bench.user, "Tiny, warm", seed=9)
    found = sources_import(owner=bench.user, text=SHORT)
    assert "policy “Tiny, warm 2”" in found.made


def test_the_file_of_another_installation_is_equal_there(bench: Bench) -> None:
    experiment, _ = experiment_import(owner=bench.user, text=SHORT)
    text = experiment_yaml(experiment)
    fingerprints = set(Job.objects.values_list("fingerprint", flat=True))
    Experiment.objects.all().delete()
    Policy.objects.all().delete()
    Dataset.objects.all().delete()
    JobInput.objects.all().delete()
    Job.objects.all().delete()
    again, found = experiment_import(owner=make_user("grace"), text=text)
    assert len(found.made) == 2
    assert set(Job.objects.values_list("fingerprint", flat=True)) <= fingerprints
    assert experiment_yaml(again) == text


def test_an_upload_that_is_not_here_is_named_and_nothing_is_made(bench: Bench) -> None:
    text = SHORT.replace(
        "source: {source: arithmetic, digits: 2, train: 60, test: 20}", f"upload: {'ab' * 32}"
    )
    before = (Job.objects.count(), Policy.objects.count())
    with pytest.raises(ImportRefused, match=r"^Line 5, datasets\.Two digits\.upload: ") as no:
        sources_import(owner=bench.user, text=text)
    assert [problem.line for problem in no.value.problems] == [5, 7]  # its warm start too
    assert (Job.objects.count(), Policy.objects.count()) == before


def test_a_policy_with_a_longer_history_travels_with_its_jobs(bench: Bench) -> None:
    config = bench.config(("topr",))
    train = plan(config, find_sources(config).fingerprints).runs[-1].nodes["train"]
    learnt = policy_from_node(owner=bench.user, name="Learnt", node=train)
    young = policy_from_node(owner=bench.user, name="Young", node=Kept(train, 50))
    experiment = bench.launch(("topr",), policy_id=learnt.pk, axes={"policy_id": [young.pk]})
    text = experiment_yaml(experiment)
    assert "job: train-" in text
    assert "@50" in text
    Experiment.objects.all().delete()
    Policy.objects.exclude(pk=bench.policy.pk).delete()
    found = sources_import(owner=bench.user, text=text)
    assert found.made == ("policy “Learnt”", "policy “Young”")
    assert Policy.objects.get(name="Learnt").fingerprint == train.fingerprint
    assert Policy.objects.get(name="Young").fingerprint == f"{train.fingerprint}@50"
    again = sources_import(owner=bench.user, text=text)
    assert (again.made, again.config) == ((), found.config)
