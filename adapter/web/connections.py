"""gunicorn's gevent worker, made punctual: nobody keeps a connection by being slow.

A connection costs a greenlet and no thread, so hundreds that drip stand in nobody's way; and each ends in time all the
same. gunicorn's own time limit begins anew with every byte of a body, and it has none for an answer that nobody reads.

The kinds of worker, measured on two cores against a Flask route that does nothing (gthread 2 × 8 = 1), orders of 10 kB
stored durably per second of CPU time, 32 connections (tests/benchmarks/intake.py, 2026-11-24 and 30):

    sync 2             SQLite 0.38   PostgreSQL 0.21   no keep-alive, and two clients that drip stop it
    gthread 2 × 16     SQLite 0.40   PostgreSQL 0.36   32 dripping clients take every thread
    gthread 1 × 16     SQLite 0.47, bound to one core, which no PaaS promises
    gevent × 2         SQLite 0.65   PostgreSQL 0.62   500 clients drip for five minutes: p99 of orders 30 ms, alone 6
    gevent × 1         SQLite 0.75   PostgreSQL 0.58   as above; 60 % of the orders per second of two processes

The defaults (SQLite × 1, PostgreSQL × 2) are medians of five rounds, the others of three or fewer; gthread was
measured before an order's row got cheaper, and all but the defaults before a statement on PostgreSQL did.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext, suppress
from time import monotonic
from typing import TYPE_CHECKING, Any

from gevent.socket import SHUT_WR
from gevent.socket import socket as Socket  # noqa: N812  # It is a class.
from gunicorn.glogging import Logger
from gunicorn.workers.base_async import AsyncWorker
from gunicorn.workers.ggevent import GeventWorker

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

IDLE_SECONDS = 5
"""So long a connection may stand without a request."""

REQUEST_SECONDS = 5.0
"""So long a request may take from its first byte to its last: who sends orders gives up after as much."""

ANSWER_SECONDS = 20.0
"""So long the other side may take over the answer; the longest are pages of the console."""

_MOST_GATHERED = 16 * 1024

_SEEING_OFF_SECONDS, _SEEING_OFF_READS, _READ = 1.0, 64, 64 * 1024
"""So long, and for so many times so many bytes, a connection that is to end is still read."""


class PunctualSocket(Socket):
    """A connection that looks closed to its reader when a request takes too long.

    So what was read is an incomplete request to gunicorn, or an incomplete body to the application, and either ends
    the connection without a word more in the log.
    """

    def __init__(self, accepted: Socket) -> None:
        super().__init__(accepted.family, accepted.type, accepted.proto, fileno=accepted.detach())
        self._gathered: list[bytes] | None = None
        self.expect_request()

    def expect_request(self) -> None:
        """Wait for the first byte of a request from now on."""
        self._has_begun = False
        self._ends_at = monotonic() + IDLE_SECONDS

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """Return what came, b"" when it ends or the time is over."""
        self.settimeout(max(0.0, self._ends_at - monotonic()))
        try:
            received: bytes = super().recv(bufsize, flags)
        except (TimeoutError, BlockingIOError):
            return b""
        if not self._has_begun:
            self._has_begun, self._ends_at = True, monotonic() + REQUEST_SECONDS
        return received

    def gather(self) -> None:
        """Keep what is sent from now on, up to some kilobytes, until `send_gathered`.

        gunicorn sends the head of an answer and its body apart: that costs a twelfth of an order's CPU time.
        """
        self._gathered = []

    def send_gathered(self) -> None:
        """Send what was kept, and from now on at once."""
        gathered, self._gathered = self._gathered, None
        if gathered:
            self.sendall(b"".join(gathered))

    def sendall(self, data: ReadableBuffer, flags: int = 0, /) -> None:
        """Send all of it, or raise `TimeoutError` when nobody reads it."""
        if self._gathered is not None:
            self._gathered.append(bytes(data))
            if sum(map(len, self._gathered)) < _MOST_GATHERED:
                return
            data, self._gathered = b"".join(self._gathered), []
        self.settimeout(ANSWER_SECONDS)
        # All of it fits nearly always; gevent's `sendall` first asks the system how large its buffer is.
        rest = memoryview(data)[self.send(data, flags) :]
        if rest:
            super().sendall(rest, flags)


class PunctualWorker(GeventWorker):
    """What gunicorn runs: `worker_class = "adapter.web.connections.PunctualWorker"`."""

    def timeout_ctx(self) -> Any:  # noqa: ANN401  # A context manager, though its types say None.
        """Bound nothing: the connection itself does, from the first byte on, and cheaper."""
        return nullcontext()

    def handle(self, listener: Socket, client: Socket, addr: Any) -> None:  # noqa: ANN401  # gunicorn's own.
        """Serve one connection."""
        AsyncWorker.handle(self, listener, PunctualSocket(client), addr)

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> bool:  # noqa: ANN401  # As above.
        """Answer one request; when the connection is to end with it, see the answer off."""
        sock.gather()
        try:
            super().handle_request(listener_name, req, sock, addr)
        except StopIteration:
            sock.send_gathered()
            _see_off(sock)
            raise
        except Exception:
            sock.send_gathered()  # It is empty: gunicorn answers for us now, and that is to leave at once.
            raise
        sock.send_gathered()
        sock.expect_request()
        return True


def _see_off(client: Socket) -> None:
    """Wait a moment for the other side to close: what it still sends would make the system throw our answer away."""
    ends_at = monotonic() + _SEEING_OFF_SECONDS
    with suppress(OSError):
        client.shutdown(SHUT_WR)
        for _ in range(_SEEING_OFF_READS):
            client.settimeout(max(0.0, ends_at - monotonic()))
            if not Socket.recv(client, _READ):
                return


class WithoutAccessLog(Logger):
    """gunicorn's logger without a line per request, for which it would gather facts all the same."""

    def access(self, *_facts: object, **_others: object) -> None:
        """Say nothing: each order has its own line."""


def closing_as_told(application: WSGIApplication) -> WSGIApplication:
    """Return the application with its "Connection: close" obeyed: gunicorn drops that header and says keep-alive."""

    def answer(environ: WSGIEnvironment, start_response: Any) -> Iterable[bytes]:  # noqa: ANN401  # gunicorn's own.
        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:  # noqa: ANN401  # PEP 3333.
            if ("Connection", "close") in headers:
                start_response.__self__.force_close()  # The method's object is gunicorn's response.
            return start_response(status, headers, *error)

        return application(environ, start)

    return answer
