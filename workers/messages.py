"""Messages between a worker and its fork server: JSON, and descriptors beside it."""

import json
import os
import socket
from collections.abc import Mapping, Sequence
from typing import Any

_BYTES = 1 << 16


def channel() -> tuple[socket.socket, socket.socket]:
    """Return two ends that keep messages apart and know when the other one is gone."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def send(end: socket.socket, message: Mapping[str, Any], descriptors: Sequence[int] = ()) -> None:
    """Send a message.

    Raises:
        OSError: nobody listens any more.
    """
    socket.send_fds(end, [json.dumps(message).encode()], list(descriptors))


def receive(end: socket.socket, descriptors: int = 0) -> tuple[dict[str, Any], list[int]] | None:
    """Wait for a message; return it and the descriptors it came with, None when there is no more.

    Args:
        descriptors: how many may come with it; programs that are started do not inherit them.
    """
    text, given, _, _ = socket.recv_fds(end, _BYTES, descriptors)
    for one in given:
        os.set_inheritable(one, False)
    return (json.loads(text), given) if text else None
