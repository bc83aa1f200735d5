"""Who may call: every route anonymously, tokens, sessions, other people's objects."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests.webapp.api.callers import ROOT, Caller, answer, paths_of
from tests.webapp.experiments.factories import Bench, make_user
from tests.webapp.jobs import graphs
from webapp.api import services
from webapp.api.api import api
from webapp.api.models import Token
from webapp.catalogue.services import preset_create
from webapp.experiments.models import Experiment
from webapp.policies.models import Policy

pytestmark = pytest.mark.django_db


def every_route() -> Iterator[tuple[str, str]]:
    """Yield method and address of every route, with 1 for every id."""
    paths = api.get_openapi_schema(path_prefix=f"{ROOT}/")["paths"]
    for path, methods in paths.items():
        for method in methods:
            yield method.upper(), re.sub(r"\{[^}]+\}", "1", path)
    yield "GET", f"{ROOT}/openapi.json"


ROUTES = sorted(every_route())


def test_the_walk_knows_every_kind_of_route() -> None:
    assert len(ROUTES) > 45
    for part in ("tokens", "datasets", "policies", "presets", "experiments", "runs", "jobs"):
        assert any(f"/{part}" in path for _, path in ROUTES)


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_stranger_gets_nothing(method: str, path: str) -> None:
    response = Client().generic(method, path, "{}", content_type="application/json")
    assert response.status_code == 401
    assert response.headers["Content-Type"] == "application/problem+json"


def test_a_wrong_or_revoked_token_or_one_of_a_person_switched_off_is_refused() -> None:
    ada = Caller(make_user())
    assert answer(ada.get("/me")) == {"username": "ada", "is_staff": False}
    wrong = Client(headers={"Authorization": f"Bearer {ada.secret}x"})
    assert wrong.get(f"{ROOT}/me").status_code == 401
    ada.user.is_active = False
    ada.user.save()
    assert ada.get("/me").status_code == 401
    ada.user.is_active = True
    ada.user.save()
    services.token_revoke(token=Token.objects.get(), user=ada.user)
    assert ada.get("/me").status_code == 401


def test_only_the_hash_of_a_token_is_stored() -> None:
    made = services.token_create(owner=make_user(), name="laptop")
    row = Token.objects.values().get()
    assert made.secret not in str(row)
    assert made.secret.startswith(row["prefix"])
    assert len(made.secret) > 40


def test_use_of_a_token_is_noted_at_most_once_a_minute() -> None:
    made = services.token_create(owner=make_user(), name="x")
    assert services.authenticate(made.secret) is not None
    first = Token.objects.get().last_used_at
    assert first is not None
    services.authenticate(made.secret)
    assert Token.objects.get().last_used_at == first
    Token.objects.update(last_used_at=timezone.now() - timedelta(minutes=2))
    services.authenticate(made.secret)
    later = Token.objects.get().last_used_at
    assert later is not None
    assert later >= first


def test_tokens_are_made_listed_and_revoked_over_the_api() -> None:
    ada, eve = Caller(make_user("ada")), Caller(make_user("eve"))
    made = answer(ada.post("/tokens", {"name": " night  runs "}), 201)
    assert made["name"] == "night runs"
    listed = answer(ada.get("/tokens"))
    assert [one["name"] for one in listed] == ["night runs", "tests"]
    assert all("secret" not in one and "digest" not in one for one in listed)
    assert eve.delete(f"/tokens/{made['id']}").status_code == 403
    assert ada.delete(f"/tokens/{made['id']}").status_code == 204
    used = Client(headers={"Authorization": f"Bearer {made['secret']}"})
    assert used.get(f"{ROOT}/me").status_code == 401
    assert paths_of(ada.post("/tokens", {"name": ""})) == ["name"]


def test_a_session_reads_and_needs_a_csrf_token_to_write() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user())
    assert client.get(f"{ROOT}/me").status_code == 200
    body = {"name": "x", "algorithm": "ppo"}
    kind = "application/json"
    assert client.post(f"{ROOT}/presets", body, content_type=kind).status_code == 403
    client.cookies["csrftoken"] = "a" * 32
    headers = {"X-CSRFToken": "a" * 32}
    sent = client.post(f"{ROOT}/presets", body, content_type=kind, headers=headers)
    assert sent.status_code == 201


def test_a_token_needs_no_csrf_token() -> None:
    secret = services.token_create(owner=make_user(), name="x").secret
    client = Client(enforce_csrf_checks=True, headers={"Authorization": f"Bearer {secret}"})
    sent = client.post(
        f"{ROOT}/presets", {"name": "x", "algorithm": "ppo"}, content_type="application/json"
    )
    assert sent.status_code == 201


def test_other_peoples_objects_cannot_be_changed() -> None:
    bench = Bench()
    experiment = bench.launch()
    preset = preset_create(owner=bench.user, name="x", algorithm="ppo", params={})
    job = experiment.needs.filter(role="train").first()
    assert job is not None
    eve = Caller(make_user("eve"))
    config = bench.config(("topr", "ppo", "tis")).model_dump(mode="json")
    changes = [
        ("post", f"/experiments/{experiment.pk}/cancel", None),
        ("post", f"/experiments/{experiment.pk}/retry", None),
        ("post", f"/experiments/{experiment.pk}/extend", config),
        ("post", f"/experiments/{experiment.pk}/priority", {"priority": 3}),
        ("put", f"/experiments/{experiment.pk}", {"name": "mine"}),
        ("delete", f"/experiments/{experiment.pk}", None),
        ("put", f"/presets/{preset.pk}", {"name": "mine"}),
        ("delete", f"/presets/{preset.pk}", None),
        ("delete", f"/policies/{bench.policy.pk}", None),
        ("delete", f"/datasets/{bench.dataset.pk}", None),
        ("post", f"/jobs/{job.job_id}/cancel", None),
        ("post", f"/jobs/{job.job_id}/retry", None),
        ("post", f"/jobs/{job.job_id}/recompute", None),
        ("post", f"/jobs/{job.job_id}/priority", {"priority": 3}),
        ("post", "/artifacts/prune", None),
    ]
    for method, path, body in changes:
        answer(eve.send(method, path, body), 403)
    experiment.refresh_from_db()
    assert (experiment.name, experiment.cancelled_at, experiment.priority) == ("First", None, 0)
    assert experiment.runs.count() == 5


def test_staff_may_change_what_others_own() -> None:
    bench = Bench()
    experiment = bench.launch()
    root = Caller(make_user("root", is_staff=True))
    answer(root.post(f"/experiments/{experiment.pk}/cancel"))
    answer(root.delete(f"/experiments/{experiment.pk}"), 204)
    assert not Experiment.objects.exists()
    graphs.run_all()
    answer(root.delete(f"/policies/{bench.policy.pk}"), 204)
    assert not Policy.objects.exists()
    assert answer(root.post("/artifacts/prune"))["jobs"] > 0
