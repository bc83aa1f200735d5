"""Health check of a worker's container: exit status 0 where its heartbeat in the database is fresh.

Workers take no remote control, so Celery's ping is no way to ask; the page of workers judges them
by the same row.
"""

import os
import socket
import sys

import psycopg

FRESH_S = 90
HEARTBEAT = """
    SELECT EXISTS (
        SELECT 1 FROM jobs_worker
        WHERE hostname = %s AND stopped_at IS NULL
          AND heartbeat_at > now() - make_interval(secs => %s)
    )
"""


def is_alive(hostname: str) -> bool:
    """Whether a worker of that host reported in lately; raises where the database is away."""
    with psycopg.connect(os.environ["DATABASE_URL"], connect_timeout=5) as connection:
        row = connection.execute(HEARTBEAT, [hostname, FRESH_S]).fetchone()
        return bool(row and row[0])


if __name__ == "__main__":
    sys.exit(0 if is_alive(socket.gethostname()) else 1)
