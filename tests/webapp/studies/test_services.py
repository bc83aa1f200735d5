"""Reproducing: what is missing is queued, exactly that, and nothing twice."""

import pytest

from algorithms.base import UserError
from tests.webapp.experiments.factories import make_user
from tests.webapp.studies.small import finish
from tests.webapp.studies.test_judge import outcome
from webapp.accounts.models import User
from webapp.experiments.models import Experiment, Run
from webapp.experiments.pruning import artifacts_prune
from webapp.experiments.services import experiment_cancel
from webapp.jobs.models import Job
from webapp.studies.facts import load_facts
from webapp.studies.library import StudyFile
from webapp.studies.services import plan_at, study_reproduce

pytestmark = pytest.mark.django_db


def test_a_fresh_installation_makes_sources_and_queues_everything(
    file: StudyFile, ada: User
) -> None:
    done = study_reproduce(owner=ada, file=file, scale="cpu")
    plan = plan_at(file, "cpu")
    assert done.queued == len(plan.nodes) == Job.objects.count()
    assert done.found == 0
    assert Experiment.objects.count() == 2  # the pilot is one
    assert {one.owner for one in Experiment.objects.all()} == {ada}


def test_pressing_again_queues_nothing(file: StudyFile, ada: User) -> None:
    study_reproduce(owner=ada, file=file, scale="cpu")
    again = study_reproduce(owner=ada, file=file, scale="cpu")
    assert again.queued == 0
    assert "Nothing is missing" in again.sentence
    assert Experiment.objects.count() == 2


def test_a_deleted_run_is_exactly_what_is_queued_again(file: StudyFile, ada: User) -> None:
    study_reproduce(owner=ada, file=file, scale="cpu")
    finish(file, outcome)
    main = Experiment.objects.get(name__contains="main")
    Run.objects.get(experiment=main, label="TOPR", seed=0).delete()
    artifacts_prune(user=make_user("root", is_staff=True))
    missing = [
        node
        for node in plan_at(file, "cpu").nodes
        if not Job.objects.filter(fingerprint=node.fingerprint).exists()
    ]
    assert sorted(node.kind for node in missing) == ["evaluate", "train"]
    done = study_reproduce(owner=ada, file=file, scale="cpu")
    assert done.queued == 2
    assert Run.objects.filter(experiment=main, label="TOPR", seed=0).count() == 1
    facts = load_facts(plan_at(file, "cpu"))
    assert {node.fingerprint for node in facts.remaining(facts.plan.nodes)} == {
        node.fingerprint for node in missing
    }


def test_what_was_cancelled_is_tried_again(file: StudyFile, ada: User) -> None:
    study_reproduce(owner=ada, file=file, scale="cpu")
    for experiment in Experiment.objects.all():
        experiment_cancel(experiment=experiment, user=ada)
    done = study_reproduce(owner=ada, file=file, scale="cpu")
    assert done.queued > 0
    assert not Experiment.objects.exclude(cancelled_at=None).exists()


def test_a_scale_that_is_not_there_is_told(file: StudyFile, ada: User) -> None:
    with pytest.raises(UserError, match=r"no scale paper\. Its scales: cpu"):
        study_reproduce(owner=ada, file=file, scale="paper")
