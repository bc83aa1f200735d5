"""From a change in a transaction to an event in an open page."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable

import pytest
from asgiref.sync import sync_to_async
from django.db import connections, transaction
from django.test import AsyncClient, Client

from launcher.services import Services
from tests.webapp.experiments.factories import make_user
from tests.webapp.jobs import graphs
from webapp.jobs.models import Job
from webapp.jobs.services import jobs_ensure
from webapp.live import announce
from webapp.live_hub import Hub

pytestmark = pytest.mark.django_db(transaction=True)

WAIT_S = 20.0


async def changes(stream: AsyncIterator[str]) -> dict[str, list[int]]:
    """Return the next event's changes, without comments and retry hints."""
    async with asyncio.timeout(WAIT_S):
        async for text in stream:
            if text.startswith("event: change"):
                found: dict[str, list[int]] = json.loads(text.partition("data: ")[2])
                return found
    raise AssertionError("the stream ended")


async def say(*jobs: tuple[int, str]) -> None:
    def write() -> None:
        with transaction.atomic():
            for job, change in jobs:
                announce(job, change)  # type: ignore[arg-type]

    await sync_to_async(write)()


def follow(jobs: list[int] | None, act: Callable[[AsyncIterator[str]], object]) -> None:
    """Open a stream, see the reset of its start, then act on it."""

    async def run() -> None:
        stream = Hub().stream(jobs)
        assert await changes(stream) == {"reset": [0]}
        await act(stream)  # type: ignore[misc]
        await stream.aclose()  # type: ignore[attr-defined]

    asyncio.run(run())


def test_a_page_hears_of_its_own_jobs_only_and_of_many_changes_at_once() -> None:
    async def act(stream: AsyncIterator[str]) -> None:
        await say((3, "state"), (4, "state"), (3, "points"), (3, "points"), (9, "log"))
        assert await changes(stream) == {"points": [3], "state": [3, 4]}

    follow([3, 4], act)


def test_the_page_of_the_queue_hears_of_every_job() -> None:
    async def act(stream: AsyncIterator[str]) -> None:
        await say((3, "state"), (9, "state"))
        assert await changes(stream) == {"state": [3, 9]}

    follow(None, act)


def test_nothing_is_said_of_what_was_rolled_back() -> None:
    def roll_back() -> None:
        with transaction.atomic():
            announce(3, "state")
            transaction.set_rollback(True)

    async def act(stream: AsyncIterator[str]) -> None:
        await sync_to_async(roll_back)()
        await say((3, "log"))
        assert await changes(stream) == {"log": [3]}

    follow([3], act)


def test_after_a_restart_of_the_database_the_page_fetches_everything(services: Services) -> None:
    async def act(stream: AsyncIterator[str]) -> None:
        services.restart_postgres()  # in this thread: a server dies with the thread that started it
        assert await changes(stream) == {"reset": [0]}
        await sync_to_async(connections.close_all)()
        await say((3, "state"))
        assert await changes(stream) == {"state": [3]}

    follow([3], act)


def test_an_event_stream_is_open_to_who_signed_in_and_closed_to_others() -> None:
    node = graphs.dataset()
    job = jobs_ensure(nodes=[node], user=make_user())[node.fingerprint]
    login = Client()
    login.force_login(make_user("bob"))
    cookies = {name: morsel.value for name, morsel in login.cookies.items()}

    async def read(job: Job) -> None:
        client = AsyncClient()
        refused = await client.get(f"/jobs/{job.pk}/events/")
        assert refused.status_code == 302
        for name, value in cookies.items():
            client.cookies[name] = value
        answer = await client.get(f"/jobs/{job.pk}/events/")
        assert answer.headers["Content-Type"] == "text/event-stream"
        content = answer.streaming_content  # type: ignore[attr-defined]
        texts = (part.decode() async for part in content)
        assert await changes(texts) == {"reset": [0]}
        await say((job.pk, "progress"))
        assert await changes(texts) == {"progress": [job.pk]}

    asyncio.run(read(job))
