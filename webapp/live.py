"""Telling open pages that a job changed: PostgreSQL NOTIFY, delivered on commit."""

import json
from collections.abc import Sequence
from typing import Literal

from django.db import connection

CHANNEL = "lab"

Change = Literal["state", "points", "log", "progress"]


def announce(job_id: int, change: Change) -> None:
    """Say what changed of a job, `{"job": 12, "change": "points"}`; nothing on rollback.

    PostgreSQL delivers equal payloads of one transaction once.
    """
    announce_all([job_id], change)


def announce_all(job_ids: Sequence[int], change: Change) -> None:
    """Say the same of several jobs, in one statement."""
    payloads = [json.dumps({"job": job_id, "change": change}) for job_id in job_ids]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_notify(%s, payload) FROM unnest(%s::text[]) AS payload", [CHANNEL, payloads]
        )
