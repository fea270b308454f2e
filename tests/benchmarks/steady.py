"""Orders at a steady pace, each on a connection of its own, whether or not those before have been answered.

A shop's buyers don't wait for each other: when the service stands still for a second, a second's orders are late.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from time import monotonic, sleep

from load import Answered

_AT_ONCE = 64
_PATIENCE = 10
"""Seconds until a client hangs up."""


def post(port: int, request: bytes, due_at: float) -> tuple[bool, float]:
    """Send one request; return whether it was answered 200, and the seconds since it was due."""
    accepted = False
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), _PATIENCE) as connection:
        connection.settimeout(_PATIENCE)
        connection.sendall(request)
        accepted = connection.recv(4096).startswith(b"HTTP/1.1 200")
    return accepted, monotonic() - due_at


def post_steadily(port: int, requests: Iterator[bytes], per_second: float, goes_on: Callable[[], bool]) -> Answered:
    """Send so many requests a second for as long as that holds; the latencies count from when each was due."""
    began, number = monotonic(), 0
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        posting = []
        while goes_on():
            due_at = began + number / per_second
            sleep(max(0.0, due_at - monotonic()))
            posting.append(pool.submit(post, port, next(requests), due_at))
            number += 1
        posted = [it.result() for it in posting]
    accepted = sum(ok for ok, _ in posted)
    return Answered(
        accepted=accepted,
        refused=len(posted) - accepted,
        seconds=monotonic() - began,
        latencies=sorted(took for _, took in posted),
    )
