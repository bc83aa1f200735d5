"""One PostgreSQL listener per web process, fanned out to any number of event streams.

Services announce changes with `webapp.live.announce`; a page follows them as server-sent events.
An event says only which jobs changed and how, the page fetches what it shows. Streams hold no
database connection.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Collection
from contextlib import suppress

import psycopg
from django.db import connections

from webapp.live import CHANNEL

logger = logging.getLogger(__name__)

HEARTBEAT_S = 15.0
"""A comment is sent this often, so that proxies and browsers notice a dead connection."""
COALESCE_S = 0.4
"""Changes within this time become one event."""
RECONNECT_S = 1.0
RESET = "reset"
"""The change that asks a page to fetch everything: events may have been missed."""


class Subscription:
    """The changes that one stream has not sent yet."""

    def __init__(self, jobs: Collection[int] | None) -> None:
        self._jobs = None if jobs is None else frozenset(jobs)
        self._pending: dict[str, set[int]] = {}
        self._changed = asyncio.Event()

    def offer(self, job: int, change: str) -> None:
        """Remember a change if this stream follows the job."""
        if change == RESET or self._jobs is None or job in self._jobs:
            self._pending.setdefault(change, set()).add(job)
            self._changed.set()

    async def take(self) -> dict[str, list[int]]:
        """Return what changed since the last call, `{change: jobs}`, after waiting for it."""
        await self._changed.wait()
        await asyncio.sleep(COALESCE_S)
        self._changed.clear()
        pending, self._pending = self._pending, {}
        return {change: sorted(jobs) for change, jobs in sorted(pending.items())}


class Hub:
    """Listens while somebody follows, and reconnects for as long as somebody does."""

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()
        self._listener: asyncio.Task[None] | None = None

    async def stream(self, jobs: Collection[int] | None) -> AsyncIterator[str]:
        """Yield server-sent events about these jobs (None: all jobs) until the client leaves."""
        subscription = Subscription(jobs)
        self._subscriptions.add(subscription)
        self._ensure_listener()
        try:
            yield "retry: 2000\n\n"
            while True:
                try:
                    changes = await asyncio.wait_for(subscription.take(), HEARTBEAT_S)
                except TimeoutError:
                    yield ": still here\n\n"
                else:
                    yield f"event: change\ndata: {json.dumps(changes)}\n\n"
        finally:
            self._subscriptions.discard(subscription)
            if not self._subscriptions and self._listener is not None:
                self._listener.cancel()
                self._listener = None

    def _ensure_listener(self) -> None:
        loop = asyncio.get_running_loop()
        task = self._listener
        if task is None or task.done() or task.get_loop() is not loop:
            self._listener = loop.create_task(self._listen())

    async def _listen(self) -> None:
        while True:
            with suppress(psycopg.OperationalError):
                await self._relay()
            logger.warning("The database connection for live pages was lost; reconnecting.")
            await asyncio.sleep(RECONNECT_S)

    async def _relay(self) -> None:
        parameters = connections["default"].get_connection_params()
        wanted = {
            key: value
            for key, value in parameters.items()
            if key in {"dbname", "user", "password", "host", "port", "sslmode"}
        }
        connection = await psycopg.AsyncConnection.connect(**wanted, autocommit=True)
        async with connection:
            await connection.execute(f"LISTEN {CHANNEL}")
            self._offer_all(0, RESET)
            async for notification in connection.notifies():
                message = json.loads(notification.payload)
                self._offer_all(message["job"], message["change"])

    def _offer_all(self, job: int, change: str) -> None:
        for subscription in self._subscriptions:
            subscription.offer(job, change)


hub = Hub()
