"""The Celery app. The broker only carries wake-ups; PostgreSQL holds the truth."""

import os

from celery import Celery
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
# Django's checks import every page, and with them torch: a worker stays small without.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

HOUSEKEEPING = "housekeeping"
"""The queue of the sweep; every other queue is a label that jobs ask for."""

app = Celery("lab")
app.conf.update(
    broker_url=settings.CELERY_BROKER_URL,
    include=["workers.tasks"],
    # Nothing but JSON is ever decoded, and results live in PostgreSQL.
    accept_content=["json"],
    task_serializer="json",
    task_ignore_result=True,
    result_backend=None,
    task_store_errors_even_if_ignored=False,
    # A wake-up is done when it is read: what happens to the job afterwards is the lease's affair.
    task_acks_late=False,
    worker_prefetch_multiplier=1,
    worker_pool="solo",
    worker_concurrency=1,
    # No remote control: nothing of ours uses revoke, and it would leave grandchildren alive.
    worker_enable_remote_control=False,
    worker_send_task_events=False,
    worker_hijack_root_logger=False,
    task_default_queue=HOUSEKEEPING,
    task_create_missing_queues=True,
    # Workers wait for the broker as long as it takes.
    broker_connection_retry_on_startup=True,
    broker_connection_retry=True,
    broker_connection_max_retries=None,
    broker_transport_options={
        # Only a message that was fetched and never started stays unacknowledged (its worker died
        # in between); it comes back after 5 minutes. A second delivery is harmless.
        "visibility_timeout": 300,
        "socket_connect_timeout": 2,
        "socket_timeout": 10,
        "socket_keepalive": True,
        # A web request that announces a job gives up quickly; the sweep announces again.
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0.2,
        "interval_max": 0.5,
    },
    task_publish_retry=True,
    task_publish_retry_policy={
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0.2,
        "interval_max": 0.5,
    },
    beat_schedule={
        "sweep": {
            "task": "workers.tasks.sweep",
            "schedule": float(settings.LAB_SWEEP_S),
            # A sweep that could not run in time is not made up for: the next one does it all.
            "options": {"queue": HOUSEKEEPING, "expires": 2.0 * settings.LAB_SWEEP_S},
        }
    },
    beat_scheduler="celery.beat.Scheduler",
)
