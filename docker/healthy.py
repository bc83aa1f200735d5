"""Health check of a worker's container: exit status 0 where it can work and says so itself.

`python docker/healthy.py worker`: its heartbeat in the database is fresh.
`python docker/healthy.py housekeeping`: the database and the broker answer (the process itself is
the container's, so it lives when this runs).
"""

import os
import socket
import sys

import psycopg
import redis

FRESH_S = 90
HEARTBEAT = """
    SELECT EXISTS (
        SELECT 1 FROM jobs_worker
        WHERE hostname = %s AND stopped_at IS NULL
          AND heartbeat_at > now() - make_interval(secs => %s)
    )
"""


def worker_is_alive() -> bool:
    """Whether a worker of this host reported in lately."""
    with psycopg.connect(os.environ["DATABASE_URL"], connect_timeout=5) as connection:
        row = connection.execute(HEARTBEAT, [socket.gethostname(), FRESH_S]).fetchone()
        return bool(row and row[0])


def services_answer() -> bool:
    """Whether database and broker answer; raises where they do not."""
    with psycopg.connect(os.environ["DATABASE_URL"], connect_timeout=5) as connection:
        connection.execute("SELECT 1")
    broker = redis.Redis.from_url(os.environ["CELERY_BROKER_URL"], socket_connect_timeout=5)
    return bool(broker.ping())


if __name__ == "__main__":
    sys.exit(
        0 if {"worker": worker_is_alive, "housekeeping": services_answer}[sys.argv[1]]() else 1
    )
