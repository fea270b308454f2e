"""What keeps slow clients from holding a connection. Many of them at once, at a real server: tests/test_server.py."""

from __future__ import annotations

import time
from collections.abc import Iterator

import gevent
import pytest
from gevent import socket

from adapter.web import connections
from adapter.web.connections import PunctualSocket, PunctualWorker, closing_as_told


class GunicornResponse:
    """As much of gunicorn's response as counts here."""

    def __init__(self) -> None:
        self.closes = False
        self.status = ""

    def force_close(self) -> None:
        """Close the connection after this answer."""
        self.closes = True

    def start_response(self, status: str, headers: list[tuple[str, str]], *error: object) -> None:
        """Take the head of an answer."""
        self.status = f"{status} {len(headers)} {len(error)}"


@pytest.mark.parametrize(
    ("headers", "closes"),
    [([("Connection", "close")], True), ([("Connection", "keep-alive")], False), ([], False)],
)
def test_closing_as_told(headers: list[tuple[str, str]], closes: bool) -> None:
    """An answer that says "Connection: close" closes it; everything else passes as it is."""
    response = GunicornResponse()
    application = closing_as_told(lambda environ, start: start(environ["status"], headers, "error"))
    application({"status": "413"}, response.start_response)
    assert (closes, f"413 {len(headers)} 1") == (response.closes, response.status)


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[PunctualSocket, socket.socket]]:
    """Yield a punctual connection and its other end; a request may take 0.3 s, a silence 0.1 s."""
    monkeypatch.setattr(connections, "IDLE_SECONDS", 0.1)
    monkeypatch.setattr(connections, "REQUEST_SECONDS", 0.3)
    ours, theirs = socket.socketpair()
    with PunctualSocket(ours) as connection, theirs:
        yield connection, theirs


Pair = tuple[PunctualSocket, socket.socket]


def test_a_request_that_drips(pair: Pair) -> None:
    """However regularly a byte comes, after its time a request looks as if the sender had gone."""
    connection, client = pair

    def drip() -> None:
        while True:
            client.sendall(b"x")
            gevent.sleep(0.02)

    dripping, began = gevent.spawn(drip), time.monotonic()
    while connection.recv(100):
        pass
    assert 0.29 <= time.monotonic() - began < 2
    dripping.kill()


def test_a_silent_connection(pair: Pair) -> None:
    """Without a request it looks closed sooner; and after each answer anew."""
    connection, client = pair
    began = time.monotonic()
    assert b"" == connection.recv(100)
    assert 0.09 <= time.monotonic() - began < 0.3  # gevent's timers go by the start of the loop's turn.
    connection.expect_request()
    client.sendall(b"POST")
    assert b"POST" == connection.recv(100)


def test_a_request_right_after_a_silence(pair: Pair) -> None:
    """The time for a request begins with its first byte, not with the silence before."""
    connection, client = pair
    gevent.spawn_later(0.09, client.sendall, b"first")
    gevent.spawn_later(0.25, client.sendall, b"second")
    assert (b"first", b"second") == (connection.recv(100), connection.recv(100))


def test_the_parts_of_an_answer_leave_together(pair: Pair) -> None:
    """Head and body of a small answer are one packet; what is larger leaves before it fills the memory."""
    connection, client = pair
    connection.gather()
    connection.sendall(b"head")
    connection.sendall(b"body")
    client.settimeout(0.01)
    with pytest.raises(TimeoutError):
        client.recv(100)
    connection.send_gathered()
    assert b"headbody" == client.recv(100)
    connection.gather()
    connection.sendall(b"x" * 20_000)
    assert 20_000 == len(client.recv(100_000))
    connection.send_gathered()


def test_an_answer_that_is_read_slowly(pair: Pair) -> None:
    """What the system doesn't take at once follows, byte for byte."""
    connection, client = pair
    whole = b"".join(b"%07d\n" % number for number in range(250_000))
    sending = gevent.spawn(connection.sendall, whole)
    received = b""
    while len(received) < len(whole):
        gevent.sleep(0)
        received += client.recv(100_000)
    sending.join()
    assert whole == received


def test_an_answer_that_nobody_reads(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sending ends when the other side takes nothing."""
    connection, _client = pair
    monkeypatch.setattr(connections, "ANSWER_SECONDS", 0.05)
    with pytest.raises(TimeoutError):
        connection.sendall(b"x" * 10_000_000)


def test_seeing_off_a_client_that_still_sends(pair: Pair) -> None:
    """A connection that is to end is read for a moment, so that the answer isn't lost by a reset."""
    connection, client = pair
    connection.sendall(b"413")
    client.sendall(b"x" * 100_000)
    gevent.spawn_later(0.02, client.sendall, b"more")
    gevent.spawn_later(0.04, client.shutdown, socket.SHUT_WR)
    connections._see_off(connection)
    connection.close()
    assert (b"413", b"") == (client.recv(100), client.recv(100))


def test_only_the_connection_bounds_time() -> None:
    """Gunicorn's own time limit, which would need a timer for each request, is not used."""
    with PunctualWorker.timeout_ctx(object.__new__(PunctualWorker)) as nothing:
        assert nothing is None


def test_the_answer_to_an_unexpected_error_leaves(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """What gunicorn answers to a failure that nobody foresaw isn't kept back with the answer that never was."""
    connection, client = pair

    def fail(*_arguments: object) -> None:
        raise RuntimeError("unforeseen")

    monkeypatch.setattr(connections.GeventWorker, "handle_request", fail)
    with pytest.raises(RuntimeError):
        PunctualWorker.handle_request(object.__new__(PunctualWorker), None, None, connection, None)
    connection.sendall(b"HTTP/1.1 500 Internal Server Error")
    assert b"HTTP/1.1 500 Internal Server Error" == client.recv(100)
