"""How runs over several data sets are called, and what becomes of the names of older ones."""

from importlib import import_module

import pytest
from django.apps import apps

from tests.webapp.experiments.control.bench import ControlBench
from webapp.experiments.models import Experiment
from webapp.experiments.services import experiment_extend

OLDER = import_module("webapp.experiments.migrations.0002_labels_name_sources")


def labels(experiment: Experiment) -> list[str]:
    return list(experiment.runs.order_by("position").values_list("label", flat=True))


@pytest.fixture
def bench(db: None) -> ControlBench:
    return ControlBench()


@pytest.fixture
def experiment(bench: ControlBench) -> Experiment:
    other = bench.collected("Mixture", amount=50)
    bench.collected("Detours", amount=60)  # version 2
    newer = type(bench.dataset).objects.get(name="Detours", version=2)
    axes = {"dataset_id": [bench.dataset.pk, other.pk, newer.pk]}
    return bench.launch(("bc",), seeds=[0], corrections=[{"name": "uncorrected"}], axes=axes)


def test_data_sets_are_called_by_their_names(experiment: Experiment) -> None:
    assert labels(experiment) == [
        "BC, dataset = Detours",
        "BC, dataset = Mixture",
        "BC, dataset = Detours v2",
    ]


def test_older_runs_are_renamed_so_that_the_experiment_can_grow(
    experiment: Experiment, bench: ControlBench
) -> None:
    named = labels(experiment)
    for run in experiment.runs.all():
        run.label = f"BC, dataset_id = {run.config['recipe']['dataset_id']}"
        run.save()
    lost = experiment.runs.create(position=99, label="BC, dataset_id = 123456", config={})
    OLDER.name_sources(apps, None)
    lost.refresh_from_db()
    assert lost.label == "BC, dataset_id = 123456"
    lost.delete()
    assert labels(experiment) == named
    axes = {"dataset_id": experiment.config["axes"]["dataset_id"]}
    config = bench.config(("bc",), seeds=[0, 1], corrections=[{"name": "uncorrected"}], axes=axes)
    experiment_extend(experiment=experiment, user=bench.user, config=config)
    assert set(labels(experiment)) == set(named)
    assert experiment.runs.count() == 6
