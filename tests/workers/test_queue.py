"""Wake-ups: names, contents, and a broker that does not answer."""

import base64
import json
import logging
import time

import pytest
import redis
from kombu.exceptions import ContentDisallowed
from kombu.serialization import loads, prepare_accept_content

from launcher.services import Services
from workers import queue, tasks
from workers.celery import HOUSEKEEPING, app


@pytest.fixture(autouse=True)
def broker(services: Services) -> redis.Redis:
    """An empty broker."""
    client = redis.Redis.from_url(services.broker_url)
    client.flushall()
    return client


def popped(broker: redis.Redis, label: str) -> bytes:
    """Return the oldest message of a queue."""
    message = broker.lpop(label)
    assert isinstance(message, bytes)
    return message


def test_the_names_that_are_announced_are_registered_tasks() -> None:
    assert app.tasks[queue.LOOK] == tasks.look
    assert app.tasks[queue.SWEEP] == tasks.sweep
    scheduled = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert scheduled == {queue.SWEEP}
    assert app.conf.beat_schedule["sweep"]["options"]["queue"] == HOUSEKEEPING


def test_a_wake_up_is_json_in_the_queue_of_its_label(broker: redis.Redis) -> None:
    assert queue.enqueue_job(17, "gpu")
    message = json.loads(popped(broker, "gpu"))
    assert message["content-type"] == "application/json"
    assert message["headers"]["task"] == queue.LOOK
    assert json.loads(base64.b64decode(message["body"]))[0] == [17]


def test_nothing_but_json_is_sent_or_decoded() -> None:
    assert app.conf.task_serializer == "json"
    assert app.conf.accept_content == ["json"]
    with pytest.raises(ContentDisallowed):
        loads(
            b"", "application/x-python-serialize", "binary", accept=prepare_accept_content(["json"])
        )


def test_a_broker_that_is_down_costs_seconds_and_a_warning(
    services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    assert services.broker.child is not None
    services.broker.child.stop()
    try:
        started = time.monotonic()
        with caplog.at_level(logging.WARNING, logger="workers.queue"):
            assert not queue.enqueue_jobs([(number, "cpu") for number in range(50)])
        assert queue.top_up("cpu", [1, 2]) == 0
        assert time.monotonic() - started < 5
        assert "did not take 50 wake-ups" in caplog.text
    finally:
        services.restart_broker()
    assert queue.enqueue_job(1, "cpu")


def test_wake_ups_survive_an_emptied_broker(broker: redis.Redis) -> None:
    queue.enqueue_job(1, "cpu")
    broker.flushall()
    assert queue.enqueue_job(2, "cpu")
    assert broker.llen("cpu") == 1
