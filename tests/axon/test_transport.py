"""The deadline over connecting, writing and reading."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Thread
from time import monotonic
from typing import Any

import pytest
import requests

from adapter.axon.transport import MOST_BYTES, PunctualSession, ending_within


@contextmanager
def _deaf(address: str, port: int = 0) -> Iterator[int]:
    """Listen with a full queue: the system answers no further connection, like a host that swallows packets."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind((address, port))
        listener.listen(0)
        port = listener.getsockname()[1]
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex((address, port))
        yield port


@contextmanager
def _server(answer: bytes, address: str = "127.0.0.1") -> Iterator[int]:
    """Answer each connection with these bytes, once its request came, and close it."""
    listener = socket.create_server((address, 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                try:
                    connection.sendall(answer)
                except OSError:
                    continue

    thread = Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@pytest.fixture
def session() -> Iterator[PunctualSession]:
    """Yield a session, and close what it kept open."""
    with PunctualSession(2) as made:
        yield made


@pytest.fixture
def _two_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the host `two.example` two addresses of this machine."""
    resolve = socket.getaddrinfo

    def resolved(host: str, *arguments: Any, **options: Any) -> list[Any]:  # As the original.
        hosts = ("127.0.0.1", "127.0.0.2") if host == "two.example" else (host,)
        return [found for each in hosts for found in resolve(each, *arguments, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", resolved)


@pytest.mark.usefixtures("_two_addresses")
def test_connecting_is_bounded_over_all_addresses(session: PunctualSession) -> None:
    """Neither of two addresses answers: the time for connecting covers both."""
    with _deaf("127.0.0.1") as port, _deaf("127.0.0.2", port), ending_within(5):
        began = monotonic()
        with pytest.raises(requests.ConnectTimeout):
            session.get(f"http://two.example:{port}/", timeout=(0.4, 5))
        assert 0.3 < monotonic() - began < 0.7


@pytest.mark.usefixtures("_two_addresses")
def test_a_host_is_reached_by_its_second_address(session: PunctualSession) -> None:
    """The first address refuses the connection, the second takes it."""
    with _server(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "127.0.0.2") as port, ending_within(5):
        assert "ok" == session.get(f"http://two.example:{port}/", timeout=1).text


def test_a_host_without_an_address_is_a_failed_connection(session: PunctualSession) -> None:
    """`.invalid` never resolves (RFC 6761)."""
    with pytest.raises(requests.ConnectionError, match=r"no\.such\.invalid"), ending_within(5):
        session.get("http://no.such.invalid/", timeout=1)


def test_nothing_begins_when_the_time_is_over(session: PunctualSession) -> None:
    """A try whose deadline has passed doesn't even connect."""
    with pytest.raises(requests.ConnectionError, match="the time for the whole request is over"), ending_within(-1):
        session.get("http://127.0.0.1:9/", timeout=1)


def test_writing_is_bounded(session: PunctualSession) -> None:
    """A peer that reads nothing holds a large request up only until the deadline."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ending_within(0.4):
        port, began = listener.getsockname()[1], monotonic()
        with pytest.raises(requests.ConnectionError):
            session.post(f"http://127.0.0.1:{port}/", data=b"x" * 50_000_000, timeout=(10, 10))
        assert 0.3 < monotonic() - began < 0.9


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\n" + b"X-Endless: yes\r\n" * 60_000,
        b"HTTP/1.1 200 " + b"x" * 1_000_000,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 60_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 1_000_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"X-Trailer: x\r\n" * 60_000,
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1_000_000,
    ],
    ids=["headers", "status line", "continue", "chunk size", "trailers", "body"],
)
def test_no_part_of_an_answer_is_endless(session: PunctualSession, answer: bytes) -> None:
    """Headers, interim answers, chunk sizes and trailers count towards the cap as the body does."""
    assert MOST_BYTES < len(answer)
    with _server(answer) as port, pytest.raises(requests.RequestException), ending_within(5):
        _ = session.get(f"http://127.0.0.1:{port}/", timeout=5).content


def test_a_deadline_ends_with_its_block(session: PunctualSession) -> None:
    """The next try on the same kept connection has its own time: nothing of a short deadline stays behind."""
    with _server(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") as port:
        for seconds in (0.2, 5):
            with ending_within(seconds):
                assert "ok" == session.get(f"http://127.0.0.1:{port}/", timeout=(5, None)).text
