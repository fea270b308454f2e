"""requests' transport, made punctual: every try ends by its deadline and reads a bounded answer, whatever comes.

The timeouts of requests and urllib3 begin anew with every read, so an answer of one byte a second lasts for hours, and
anew with every address of the host. Here the time that is left bounds each connect, each write and each read.
"""

from __future__ import annotations

import socket
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from http.client import HTTPResponse
from io import BufferedReader, RawIOBase
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.connection import create_connection

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MOST_BYTES = 256 * 1024
"""What is taken off the wire for one answer, headers and framing included."""

_ends_at: ContextVar[float] = ContextVar("ends_at")


@contextmanager
def ending_within(seconds: float) -> Generator[None, None, None]:
    """End whatever is sent and read on this thread's connections inside the block after so many seconds."""
    token = _ends_at.set(monotonic() + seconds)
    try:
        yield
    finally:
        _ends_at.reset(token)


def _seconds_left() -> float:
    """Return the time until the deadline; raise TimeoutError when it has passed."""
    left = _ends_at.get() - monotonic()
    if left <= 0:
        raise TimeoutError("the time for the whole request is over")
    return left


class PunctualSession(requests.Session):
    """A session whose connections are punctual; it takes nothing from the environment and keeps no cookies."""

    def __init__(self, connections: int) -> None:
        super().__init__()
        self.trust_env = False  # No .netrc may replace the key, no proxy may read along by accident.
        for scheme in ("https://", "http://"):
            self.mount(scheme, _Adapter(pool_connections=connections, pool_maxsize=connections, max_retries=0))

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002  # As the base has it.
        """Know no redirect: requests reads and unpacks the whole body of one, also when it isn't to follow it."""
        return None


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401  # As the base has them.
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}


class _Reader(RawIOBase):
    """Reads a socket for one answer: as long as the deadline and the number of bytes allow."""

    def __init__(self, source: socket.socket) -> None:
        self._socket = source
        self._seconds_each = source.gettimeout()
        self._raw = source.makefile("rb", buffering=0)
        self._bytes_left = MOST_BYTES
        self.has_ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int | None:
        left = _seconds_left()
        self._socket.settimeout(left if self._seconds_each is None else min(left, self._seconds_each))
        count = self._raw.readinto(buffer)
        self.has_ended = count == 0
        self._bytes_left -= count or 0
        if self._bytes_left < 0:
            raise OSError("the answer is too long")
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Source:
    """What http.client takes for a socket: it only ever asks for a file to read from."""

    def __init__(self, source: socket.socket) -> None:
        self._socket = source

    def makefile(self, _mode: str) -> BufferedReader:
        return BufferedReader(_Reader(self._socket))  # Its lines need no byte that comes after them.


class _Answer(HTTPResponse):
    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:  # noqa: ANN401  # As the base.
        super().__init__(cast("socket.socket", _Source(sock)), *arguments, **options)

    def begin(self) -> None:
        """Read status and headers; raise ConnectionError when the other side ends within them.

        http.client takes what came for the whole: "HTTP/1.1 200" and an end would be an accepted batch.
        """
        super().begin()
        if cast("_Reader", self.fp.raw).has_ended:
            raise ConnectionError("the answer ended within its headers")


class _Connection(HTTPConnection):
    response_class = _Answer

    def send(self, data: Any) -> None:  # noqa: ANN401  # As the base has it.
        if self.sock is None:
            self.connect()
        cast("socket.socket", self.sock).settimeout(_seconds_left())
        super().send(data)

    def _new_conn(self) -> socket.socket:
        """Try the addresses of the host one after the other, all of them within the time for one."""
        addresses = self._addresses()
        ends_at = monotonic() + min(cast("float", self.timeout), _seconds_left())
        while True:
            share = max(ends_at - monotonic(), 0.001) / len(addresses)
            try:
                return create_connection(addresses.pop(0), share, socket_options=self.socket_options)
            except OSError as error:
                if not addresses:
                    kind = ConnectTimeoutError if isinstance(error, TimeoutError) else NewConnectionError
                    raise kind(self, f"no connection ({type(error).__name__})") from error

    def _addresses(self) -> list[tuple[str, int]]:
        try:
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        return [(str(address[0]), self.port) for *_, address in found]


class _TLSConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection  # pyright: ignore[reportAssignmentType]  # urllib3's own connection misfits as well.


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection  # pyright: ignore[reportAssignmentType]  # As above.
