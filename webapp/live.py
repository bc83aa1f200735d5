"""Telling open pages that a job changed: PostgreSQL NOTIFY, delivered on commit."""

import json
from typing import Literal

from django.db import connection

CHANNEL = "lab"

Change = Literal["state", "points", "log", "progress"]


def announce(job_id: int, change: Change) -> None:
    """Say what changed of a job, `{"job": 12, "change": "points"}`; nothing on rollback.

    PostgreSQL delivers equal payloads of one transaction once.
    """
    payload = json.dumps({"job": job_id, "change": change})
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, payload])
