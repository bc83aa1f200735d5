"""Policies for control in the browser: trained, scripted, taken in from files, looked at."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from algorithms.base import UserError
from algorithms.controllers.entry_point import ENTRY_POINTS_VARIABLE
from tests.algorithms.controllers.test_formats import moments, onnx, pickled
from tests.algorithms.controllers.test_imported import Runs, sac_weights, zipped
from tests.webapp.experiments.control.bench import ControlBench
from tests.webapp.experiments.factories import make_policy, make_user
from tests.webapp.jobs.doing import do_all
from tests.webapp.policies.control_made import behaviour_policy
from webapp.accounts.models import User
from webapp.datasets.models import Dataset
from webapp.datasets.services import dataset_delete
from webapp.jobs.models import Job
from webapp.policies.models import Policy
from webapp.policies.selectors import policies
from webapp.policies.services import policy_delete

pytestmark = pytest.mark.django_db
NEW = "/policies/new/?family=control"


@pytest.fixture(autouse=True)
def own_var(settings: Settings, tmp_path: Path) -> Path:
    """Artifacts and uploads of a test go to its own folder."""
    settings.VAR = tmp_path / "var"
    return tmp_path


@pytest.fixture
def ada(client: Client) -> User:
    """Return a person who is signed in."""
    user = make_user()
    client.force_login(user)
    return user


def send(client: Client, way: str, **data: Any) -> Any:
    told = {"way": way, "name": "Mine", "environment": "Pendulum-v1", "label": "cpu"}
    return client.post(NEW, told | data)


def sb3(path: Path, content: object = None) -> SimpleUploadedFile:
    file = zipped(path / "mine.zip", sac_weights() if content is None else content)
    return SimpleUploadedFile("mine.zip", file.read_bytes())


def test_a_behaviour_policy_is_trained_and_its_stages_shown(client: Client, ada: User) -> None:
    told = {
        "train-algorithm": "td3", "train-steps": "200", "train-stages": "2", "train-seed": "1",
        "train-evaluate_episodes": "1", "train-learning_rate": "1e-3", "train-hidden_size": "16",
        "train-keep_replay": "on",
    }  # fmt: skip
    answer = send(client, "train", **told)
    assert answer.status_code == 302, answer.content.decode()
    policy = Policy.objects.select_related("job").get()
    assert (policy.family, policy.job.kind) == ("control", "train_behaviour")
    page = client.get(answer["Location"]).context["page"]
    assert (page.planned_stages, page.stages) == (["step-100", "final"], [])
    assert do_all() == ["train_behaviour"]
    page = client.get(answer["Location"]).context["page"]
    assert [(stage.name, stage.step) for stage in page.stages] == [
        ("step-100", 100),
        ("final", 200),
    ]
    drawn = json.loads(client.get(f"/policies/{policy.pk}/stages.json").content)
    assert drawn["data"][0]["x"] == [100, 200]
    assert ("Replay kept", "yes") in page.origin
    assert dict(page.spaces)["Actions from"] == "-2"


def test_a_scripted_controller_must_know_the_environment(client: Client, ada: User) -> None:
    wrong = send(client, "scripted", **{"scripted-controller": "detour"})
    assert wrong.status_code == 422
    errors = wrong.context["page"].scripted.errors["controller"]
    assert errors == ["Pendulum has no scripted controller 'detour'; it has: random, swing_up."]
    right = send(client, "scripted", **{"scripted-controller": "swing_up"})
    assert right.status_code == 302
    assert do_all() == ["control_policy"]
    shown = client.get(right["Location"])
    assert ("Controller", "swing up") in shown.context["page"].origin
    assert b"Acts in Pendulum" in shown.content


def test_an_sb3_file_comes_in_with_the_moments_of_its_observations(
    client: Client, ada: User, tmp_path: Path
) -> None:
    pkl = SimpleUploadedFile("vecnormalize.pkl", pickled(moments(clip=4.0)))
    answer = send(client, "sb3", **{"sb3-file": sb3(tmp_path), "sb3-normalisation": pkl})
    assert answer.status_code == 302, answer.content.decode()
    assert do_all() == ["control_policy"]
    page = client.get(answer["Location"]).context["page"]
    assert ("Observations", "normalised, clipped at 4") in page.origin
    assert ("Kind", "perceptron") in page.origin
    assert [edge.role for edge in page.inputs] == ["file"]
    assert not list((tmp_path / "var" / "uploads").iterdir())


def test_an_upload_stays_when_something_else_is_wrong(
    client: Client, ada: User, tmp_path: Path
) -> None:
    wrong = send(client, "sb3", **{"sb3-file": sb3(tmp_path)}, name="")
    assert wrong.status_code == 422
    kept = wrong.context["page"].kept["file"]
    assert kept.token.encode() in wrong.content
    assert b"is here: it need not be chosen again" in wrong.content
    other = send(client, "sb3", **{"sb3-staged": kept.token}, environment="Hopper-v5")
    assert "has 3 observation and 1 action dimensions" in other.content.decode()
    right = send(client, "sb3", **{"sb3-staged": kept.token})
    assert right.status_code == 302
    gone = send(client, "sb3", **{"sb3-staged": kept.token}, name="Again")
    assert "no longer here" in gone.content.decode()


def test_files_that_are_no_policy_or_carry_code_are_refused_at_once(
    client: Client, ada: User, tmp_path: Path
) -> None:
    code = sb3(tmp_path, {"actor.mu.weight": Runs()})
    for file, message in (
        (code, "mine.zip carries objects that are not tensors"),
        (SimpleUploadedFile("mine.zip", b"text"), "mine.zip is not a policy of Stable-Baselines3"),
        (SimpleUploadedFile("mine.txt", b"text"), "of no format that is read here. Upload .zip"),
    ):
        page = send(client, "sb3", **{"sb3-file": file})
        assert page.status_code == 422
        assert message in str(page.context["page"].files["sb3"].errors["file"])
    both = {"sb3-file": sb3(tmp_path)}
    both["sb3-normalisation"] = SimpleUploadedFile("v.pkl", pickled(Runs()))
    page = send(client, "sb3", **both)
    assert "is refused" in str(page.context["page"].files["sb3"].errors["normalisation"])
    empty = send(client, "onnx")
    assert "Choose a file" in str(empty.context["page"].files["onnx"].errors["file"])
    assert not Policy.objects.exists()


def test_an_onnx_file_acts_and_a_bad_torchscript_file_says_why(client: Client, ada: User) -> None:
    graph = onnx(torch.ones(3, 1).numpy())
    good = send(client, "onnx", **{"onnx-file": SimpleUploadedFile("a.onnx", graph)})
    bad = SimpleUploadedFile("a.pt", b"text")
    poor = send(client, "torchscript", **{"torchscript-file": bad}, name="Poor")
    assert sorted(do_all()) == ["control_policy", "control_policy failed"]
    assert ("Kind", "ONNX") in client.get(good["Location"]).context["page"].origin
    assert b"is not a TorchScript file" in client.get(poor["Location"]).content


def test_python_functions_are_off_until_the_administrator_lists_them(
    client: Client, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "tests.algorithms.controllers.acting:make"
    told = {"entry_point-entry_point": name}
    refused = send(client, "entry_point", **told)
    assert ENTRY_POINTS_VARIABLE in str(refused.context["page"].entry_point.errors)
    monkeypatch.setenv(ENTRY_POINTS_VARIABLE, name)
    answer = send(client, "entry_point", **told)
    assert answer.status_code == 302
    assert do_all() == ["control_policy"]
    assert ("Function", name) in client.get(answer["Location"]).context["page"].origin


def test_families_of_policies_are_listed_and_offered_apart(client: Client, ada: User) -> None:
    behaviour_policy(ada)
    language = make_policy(ada)
    assert [row.name for row in policies(family="control")] == ["Learner"]
    shown = client.get("/policies/?family=language").context["page"]
    assert [row.pk for row in shown] == [language.pk]
    assert len(client.get("/policies/").context["page"].object_list) == 2


def test_what_an_experiment_uses_is_shown_and_not_deleted(client: Client) -> None:
    bench = ControlBench()
    client.force_login(bench.user)
    policy = bench.policy()
    given = [{"label": "Straight on", "policy_id": policy.pk}]
    experiment = bench.launch(("bc",), policies=given)
    Job.objects.filter(pk__in=(policy.job_id, bench.dataset.job_id)).update(state="cancelled")
    with pytest.raises(UserError, match="is used by “Control”"):
        policy_delete(policy=policy, user=bench.user)
    with pytest.raises(UserError, match="is used by the experiment “Control”"):
        dataset_delete(dataset=Dataset.objects.get(), user=bench.user)
    page = client.get(f"/policies/{policy.pk}/").context["page"]
    assert [use.pk for use in page.uses] == [experiment.pk]
    assert {job.spec["correction"] for job in page.evaluations} == {"", "cdsa"}
    learned = client.get(f"/datasets/{bench.dataset.pk}/").context["page"].learned
    kinds = {"train_control", "train_score", "train_inverse_dynamics"}
    assert {job.kind for job in learned} == kinds
