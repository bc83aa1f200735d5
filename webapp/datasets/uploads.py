"""Receiving a file no larger than is allowed."""

from django.conf import settings
from django.core.files.uploadhandler import SkipFile, TemporaryFileUploadHandler
from django.http import HttpRequest


class LimitedUploadHandler(TemporaryFileUploadHandler):
    """Writes files to disk and stops keeping one that grows beyond the limit."""

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Store a chunk, or skip the rest of a file that is too large."""
        if start + len(raw_data) > settings.LAB_UPLOAD_MAX_BYTES:
            self.file.close()
            if self.request is not None:
                self.request.META[TOO_LARGE] = "yes"
            raise SkipFile
        super().receive_data_chunk(raw_data, start)


TOO_LARGE = "lab.upload_too_large"


def limit_uploads(request: HttpRequest) -> None:
    """Make the request's files subject to the limit; before its POST data are touched."""
    request.upload_handlers = [LimitedUploadHandler(request)]


def was_too_large(request: HttpRequest) -> bool:
    """Whether a file of the request was above the limit and so was not kept."""
    return TOO_LARGE in request.META
