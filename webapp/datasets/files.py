"""Downloads."""

import re
from collections.abc import Iterator

from django.http import StreamingHttpResponse


def file_response(
    chunks: Iterator[bytes], content_type: str, filename: str
) -> StreamingHttpResponse:
    """Return a download under a name that every file system takes."""
    safe = re.sub(r"[^\w.-]+", "_", filename, flags=re.ASCII)
    disposition = {"Content-Disposition": f'attachment; filename="{safe}"'}
    return StreamingHttpResponse(chunks, content_type=content_type, headers=disposition)
