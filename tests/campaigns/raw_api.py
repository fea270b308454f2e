"""A server that answers with any bytes at all: what no HTTP library would send, as long as the other side listens."""

from __future__ import annotations

import gzip
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Event, Thread
from typing import Self
from urllib.parse import parse_qs, urlsplit

from campaigns.fake_api import read_events
from campaigns.received import Batch, Sent

Pieces = Callable[[], Iterator[bytes]]
"""Gives the bytes of an answer, piece by piece; it may take its time, and needn't end."""

ACCEPTED = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
_SLOWLY = 1.0


class RawApi:
    """Listens on a free port of 127.0.0.1; `answers` are the pieces by pixel, others are accepted.

    `batches` is what came in; a batch counts as processed when its answer begins with a 200.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Pieces] = {}
        self.batches: list[Batch] = []
        self.connections = 0
        self._end = Event()
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}/v1/event"

    def __enter__(self) -> Self:
        Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._end.set()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _address = self._listening.accept()
                self.connections += 1
                Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            stream = connection.makefile("rb")
            while line := stream.readline():
                pixel = parse_qs(urlsplit(line.split()[1].decode()).query).get("pixel_id", [""])[0]
                body = _body_of(stream)
                pieces = self.answers.get(pixel)
                self._note(pixel, body, misbehaves=pieces is not None)
                if pieces is None:
                    connection.sendall(ACCEPTED)
                    continue
                for piece in pieces():
                    if self._end.is_set():
                        return
                    connection.sendall(piece)
                return

    def _note(self, pixel: str, body: bytes, *, misbehaves: bool) -> None:
        entries = [event.entry() for event in read_events(body)]
        now = time.time()
        self.batches.append(
            Batch(
                number=len(self.batches) + 1,
                at=now,
                status=200,
                processed=True,  # Whatever the answer is: it may have been.
                refused=False,
                problem=None,
                ending="never" if misbehaves else "whole",
                events=tuple(
                    Sent(key=(pixel, it["id"]), sha256=it["sha256"], value=it["value"], currency=it["currency"])
                    for it in entries
                ),
                finished_at=None if misbehaves else now,
            )
        )


def _body_of(stream: socket.SocketIO) -> bytes:
    length = 0
    while (line := stream.readline()) not in (b"\r\n", b""):
        name, _, value = line.partition(b":")
        length = int(value) if name.lower() == b"content-length" else length
    return bytes(stream.read(length) or b"")


def hang() -> Iterator[bytes]:
    """Answer nothing, and keep the connection."""
    while True:
        time.sleep(0.1)
        yield b""


def drip() -> Iterator[bytes]:
    """Answer a byte a second."""
    for place in range(len(ACCEPTED)):
        time.sleep(_SLOWLY)
        yield ACCEPTED[place : place + 1]


def slow_headers() -> Iterator[bytes]:
    """Answer with one header a second, without an end."""
    yield b"HTTP/1.1 200 OK\r\n"
    while True:
        time.sleep(_SLOWLY)
        yield b"X-More: to come\r\n"


def endless_headers() -> Iterator[bytes]:
    """Answer with headers, as fast as they are read, without an end."""
    yield b"HTTP/1.1 200 OK\r\n"
    while True:
        yield b"X-More: to come\r\n" * 1000


def endless_header() -> Iterator[bytes]:
    """Answer with one header that never ends."""
    yield b"HTTP/1.1 200 OK\r\nX-Long: "
    while True:
        yield b"y" * 65536


def interim_flood() -> Iterator[bytes]:
    """Announce an answer again and again."""
    while True:
        yield b"HTTP/1.1 100 Continue\r\n\r\n" * 1000


def huge_failure() -> Iterator[bytes]:
    """Answer 500 with a gigabyte."""
    yield b"HTTP/1.1 500 Oops\r\nContent-Length: 1000000000\r\n\r\n"
    for _ in range(1_000_000_000 // 65536 + 1):
        yield b"\0" * 65536


def gzip_bomb() -> Iterator[bytes]:
    """Answer 500 with little that unpacks to 200 MB."""
    packed = gzip.compress(b"\0" * 200_000_000, 1)
    yield b"HTTP/1.1 500 Oops\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    yield packed


SLOW = (hang, drip, slow_headers)
HEAVY = (endless_headers, endless_header, interim_flood, huge_failure, gzip_bomb)
