#!/bin/sh
# One worker: serves the queues of LAB_WORKER_LABELS with one job at a time. More options go to Celery.
set -eu
LAB_WORKER_NAME=${LAB_WORKER_NAME:-$(hostname)}
export LAB_WORKER_NAME
exec python -m celery --app workers.celery worker --pool solo --queues "${LAB_WORKER_LABELS:-cpu}" \
    --hostname "$LAB_WORKER_NAME@%h" --loglevel INFO --without-gossip --without-mingle "$@"
