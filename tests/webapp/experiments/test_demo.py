"""The demo experiment: the issue's plan, launched once."""

import pytest

from algorithms import demo
from launcher.commands import DEMOS as NAMES
from tests.webapp.experiments.factories import kinds_needed
from tests.webapp.jobs import graphs
from webapp.catalogue.models import Preset
from webapp.datasets.models import Dataset
from webapp.experiments.demo import DEMOS, demo_launch
from webapp.experiments.models import Experiment
from webapp.experiments.needs import jobs_of
from webapp.experiments.services import experiment_cancel
from webapp.jobs.models import Job
from webapp.jobs.states import JobState
from webapp.policies.models import Policy

pytestmark = pytest.mark.django_db


def test_the_demo_is_the_experiment_of_the_first_release() -> None:
    experiment = demo_launch()
    assert kinds_needed(experiment) == {
        "dataset": 1, "policy": 2, "generate": 1, "grade": 1, "train": 10, "evaluate": 11,
    }  # fmt: skip
    assert Dataset.objects.get().name == "Two-digit addition"
    assert Policy.objects.get().name == "Tiny Llama, warm-started"
    labels = {"REINFORCE", "PPO", "TIS", "Positives only", "TOPR"}
    assert set(Preset.objects.values_list("name", flat=True)) == labels
    owners = {experiment.owner, Dataset.objects.get().owner, Policy.objects.get().owner}
    assert len(owners) == 1
    run = experiment.runs.get(label="TOPR", seed=1)
    assert run.config["train"]["settings"] == demo.SETTINGS.model_dump(mode="json")
    assert run.config["generate"] == demo.GENERATE.model_dump(mode="json")


def test_the_command_line_knows_every_demo() -> None:
    assert set(NAMES) == set(DEMOS)


@pytest.mark.parametrize(
    ("name", "examples"), [("smollm2", "A: 7\n\nQ: What is 6"), ("smollm2-full", "= 37\n52 + 31")]
)
def test_the_real_model_is_compared_with_itself_before_training(name: str, examples: str) -> None:
    experiment = demo_launch(name)
    assert kinds_needed(experiment) == {
        "dataset": 1, "policy": 1, "generate": 1, "grade": 1, "train": 10, "evaluate": 11,
    }  # fmt: skip
    asked = experiment.runs.get(label="TOPR", seed=1).config["generate"]["prompt"]
    assert examples in asked["examples"]


def test_two_demos_share_the_real_model() -> None:
    demo_launch("smollm2")
    demo_launch("smollm2-full")
    assert Policy.objects.count() == 1


def test_launching_the_demo_again_finds_it_and_computes_nothing() -> None:
    first = demo_launch()
    graphs.run_all()
    jobs = Job.objects.count()
    assert demo_launch() == first
    assert Experiment.objects.count() == 1
    assert Job.objects.count() == jobs
    assert graphs.run_all() == []


def test_a_preset_that_somebody_changed_does_not_change_the_demo() -> None:
    first = demo_launch()
    Preset.objects.filter(name="TOPR").update(params={"baseline": 1.0})
    assert demo_launch() == first


def test_a_demo_that_failed_or_was_cancelled_continues() -> None:
    experiment = demo_launch()
    experiment_cancel(experiment=experiment, user=experiment.owner)
    again = demo_launch()
    assert again.cancelled_at is None
    graphs.run_all()
    assert not jobs_of(again).exclude(state=JobState.SUCCEEDED).exists()
