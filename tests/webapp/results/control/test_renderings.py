"""Episodes of an evaluation are rendered from its page and by the API, and shown there."""

import gc
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from PIL import Image
from pytest_django import Settings

from tests.webapp.experiments.control.bench import ControlBench
from tests.webapp.experiments.factories import make_user
from tests.webapp.jobs.doing import do_all
from webapp.experiments.models import Experiment
from webapp.experiments.pruning import artifacts_prune
from webapp.jobs.models import Job
from webapp.results.control import renderings as made
from webapp.results.control.episodes import episodes_of
from webapp.results.selectors import artifact_row

pytestmark = pytest.mark.django_db
SMALL = {"settings": {"steps": 20, "batch_size": 16}, "params": {"hidden_size": 8}}


@pytest.fixture
def bench(settings: Settings, tmp_path: Path, client: Client) -> ControlBench:
    """Return a person who is signed in, and whose beeline was evaluated, plain and corrected."""
    settings.VAR = tmp_path / "var"
    found = ControlBench("director")
    found.dataset = found.collected("Few", amount=4, reference_episodes=2, parallel=2)
    policy = {"policy_id": found.policy().pk, "label": "Beeline"}
    corrections = [{"name": "uncorrected"}, {"name": "CDSA", "correction": "cdsa"}]
    found.launch(
        (), policies=[policy], seeds=[0], corrections=corrections, evaluate={"episodes": 6},
        score=SMALL, inverse_dynamics=SMALL,
    )  # fmt: skip
    assert do_all().count("evaluate_control") == 2
    client.force_login(found.user)
    return found


def evaluation(correction: str) -> Job:
    return Job.objects.get(kind="evaluate_control", spec__correction=correction)


def address(job: Job) -> str:
    return reverse("results:renderings", args=[job.pk])


def test_the_page_renders_the_corrected_policy_beside_itself(
    bench: ControlBench, client: Client
) -> None:
    job = evaluation("cdsa")
    assert "No episode is rendered yet" in client.get(address(job)).content.decode()
    asked = client.post(address(job), {"count": "2", "which": "first", "seeds": ""})
    assert "every 3s" in asked.content.decode()
    assert do_all() == ["render_episodes"]
    page = client.get(address(job)).content.decode()
    assert "every 3s" not in page
    assert page.count("The policy as it acts") == 2
    assert page.count("CDSA, reference design") == 2
    rendering = Job.objects.get(kind="render_episodes")
    picture = client.get(reverse("results:rendered_file", args=[rendering.pk, "episode-1.webp"]))
    assert picture["Content-Type"] == "image/webp"
    with Image.open(io.BytesIO(picture.getvalue())) as film:
        assert film.size == (2 * 320 + 8, 320)
    lost = client.get(reverse("results:rendered_file", args=[rendering.pk, "renderings.json"]))
    assert lost.status_code == 404
    assert "No episode is rendered yet" in client.get(address(evaluation(""))).content.decode()


def test_the_worst_episodes_are_those_of_the_smallest_return(bench: ControlBench) -> None:
    job = evaluation("")
    row = artifact_row(job)
    assert row is not None
    episodes = episodes_of(row)
    pairs = sorted(zip(episodes.returns, episodes.seeds, strict=True))
    worst = made.seeds_to_render(job, count=2, which="worst")
    assert worst == tuple(int(seed) for _, seed in pairs[:2])
    assert made.seeds_to_render(job, count=1, which="best") == (int(pairs[-1][1]),)
    assert made.seeds_to_render(job, count=3, which="first") == tuple(episodes.seeds[:3])


def test_equal_episodes_are_one_job_and_seeds_may_be_named(
    bench: ControlBench, client: Client
) -> None:
    job = evaluation("")
    for _ in range(2):
        client.post(address(job), {"count": "1", "which": "first", "seeds": "7, 9 7"})
    rendering = Job.objects.get(kind="render_episodes")
    assert rendering.spec["reset_seeds"] == [7, 9]
    wrong = client.post(address(job), {"count": "1", "which": "first", "seeds": "seven"})
    assert "Write whole numbers" in wrong.content.decode()
    many = client.post(
        address(job), {"count": "1", "which": "first", "seeds": " ".join(map(str, range(17)))}
    )
    assert "At most 16 episodes" in many.content.decode()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # by Gymnasium
def test_a_machine_that_cannot_draw_is_told_on_the_page(
    bench: ControlBench, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = evaluation("")
    client.post(address(job), {"count": "1", "which": "first", "seeds": ""})
    rendering = Job.objects.get(kind="render_episodes")
    spec = rendering.spec
    spec["evaluation"]["environment"] = "Hopper-v5"
    Job.objects.filter(pk=rendering.pk).update(spec=spec)
    monkeypatch.setenv("MUJOCO_GL", "nonsense")
    assert do_all() == ["render_episodes failed"]
    gc.collect()  # what Gymnasium could not make complains now, and not in a later test
    spec["evaluation"]["environment"] = job.spec["environment"]
    Job.objects.filter(pk=rendering.pk).update(spec=spec)
    page = client.get(address(job)).content.decode()
    assert "could not render the episodes" in page
    assert "libegl1" in page


def test_renderings_stay_while_their_evaluation_does(bench: ControlBench, client: Client) -> None:
    client.post(address(evaluation("cdsa")), {"count": "1", "which": "first", "seeds": ""})
    assert do_all() == ["render_episodes"]
    staff = make_user("root", is_staff=True)
    artifacts_prune(user=staff)
    assert Job.objects.filter(kind="render_episodes").exists()
    Experiment.objects.all().delete()
    artifacts_prune(user=staff)
    kinds = set(Job.objects.values_list("kind", flat=True))
    assert not kinds & {"render_episodes", "evaluate_control", "train_score"}
    assert "control_policy" in kinds


def test_the_api_renders_and_hands_out_the_animation(bench: ControlBench, client: Client) -> None:
    job = evaluation("cdsa")
    route = f"/api/v1/jobs/{job.pk}/renderings"

    def post(body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        answer = client.post(route, json.dumps(body), content_type="application/json")
        return answer.status_code, answer.json()

    status, told = post({"count": 1, "which": "worst"})
    assert (status, told["state"], told["episodes"]) == (201, "queued", [])
    assert do_all() == ["render_episodes"]
    (found,) = client.get(route).json()
    assert found["job_id"] == told["job_id"]
    assert found["speed"] == 1
    (film,) = found["episodes"]
    assert len(film["returns"]) == 2
    answer = client.get(film["url"])
    assert answer["Content-Type"] == "image/webp"
    assert post({"count": 0})[0] == 422
    other = bench.dataset.job
    assert client.get(f"/api/v1/jobs/{other.pk}/renderings").status_code == 404
