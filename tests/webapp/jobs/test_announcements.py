"""Open pages hear of what was committed, once."""

import json

import psycopg
import pytest
from django.db import connection, transaction

from tests.webapp.jobs.graphs import policy, take
from webapp.jobs.services import job_cancel, jobs_ensure
from webapp.live import CHANNEL, announce

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def listener() -> "psycopg.Connection[tuple[object, ...]]":
    """A connection that listens to the database of this test."""
    where = connection.settings_dict
    return psycopg.connect(
        host=where["HOST"],
        port=where["PORT"],
        user=where["USER"],
        password=where["PASSWORD"],
        dbname=where["NAME"],
        autocommit=True,
    )


def heard(listener: "psycopg.Connection[tuple[object, ...]]") -> list[tuple[int, str]]:
    """Return what arrives within half a second."""
    found = [json.loads(each.payload) for each in listener.notifies(timeout=0.5)]
    return [(payload["job"], payload["change"]) for payload in found]


def test_equal_changes_of_one_transaction_are_heard_once_after_the_commit(
    listener: "psycopg.Connection[tuple[object, ...]]",
) -> None:
    with listener:
        listener.execute(f"LISTEN {CHANNEL}")
        with transaction.atomic():
            for _ in range(3):
                announce(7, "points")
            announce(7, "log")
            assert heard(listener) == []
        assert heard(listener) == [(7, "points"), (7, "log")]


def test_nothing_is_heard_of_what_was_undone(
    listener: "psycopg.Connection[tuple[object, ...]]",
) -> None:
    with listener:
        listener.execute(f"LISTEN {CHANNEL}")
        with transaction.atomic():
            announce(7, "state")
            transaction.set_rollback(True)
        assert heard(listener) == []


def test_claim_and_cancel_are_heard(
    listener: "psycopg.Connection[tuple[object, ...]]",
) -> None:
    with listener:
        (job,) = jobs_ensure(nodes=[policy()], user=None).values()
        listener.execute(f"LISTEN {CHANNEL}")
        take()
        job_cancel(job=job, user=None)
        assert heard(listener) == [(job.pk, "state"), (job.pk, "state")]
