"""Server-sent events for pages, over `webapp.live_hub`."""

from collections.abc import Callable, Collection

from asgiref.sync import sync_to_async
from django.db import connections
from django.http import HttpRequest, StreamingHttpResponse

from webapp.live_hub import hub


async def event_stream(
    request: HttpRequest, jobs: Callable[[], Collection[int]] | None
) -> StreamingHttpResponse:
    """Answer with the changes of these jobs (None: every job) for as long as the page is open.

    Args:
        jobs: Reads the ids once; the stream holds no database connection afterwards.
    """

    def read() -> Collection[int] | None:
        try:
            # Also loads the session's user, so that nothing queries after the connection closes.
            _ = request.user.is_authenticated
            return None if jobs is None else jobs()
        finally:
            connections.close_all()

    ids = await sync_to_async(read)()
    response = StreamingHttpResponse(hub.stream(ids), content_type="text/event-stream")
    response["Cache-Control"] = "no-cache"
    response["X-Accel-Buffering"] = "no"
    return response
