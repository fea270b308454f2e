"""A TCP proxy that does what networks do, in toxiproxy's words; between any two processes of a campaign.

`upstream` is (host, port), or the path of a socket file. Everything may be changed while it runs, and holds for what
comes from then on; `up` is what the client sends, `down` what it gets.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock, Thread

_CHUNK = 65536


@dataclass(slots=True)
class Toxics:
    """What happens to one direction of every connection.

    `latency` seconds before each piece is passed on; `timeout`: nothing is passed on, and no end either (a black
    hole); `limit_data` and `reset_after`: the connection ends properly, or by a reset, after so many bytes;
    `slice_size`, `slice_delay`: pieces of so many bytes, so many seconds apart.
    """

    latency: float = 0
    timeout: bool = False
    limit_data: int | None = None
    reset_after: int | None = None
    slice_size: int | None = None
    slice_delay: float = 0


class Proxy:
    """Listens on a free port of 127.0.0.1 until `close`; `down()` refuses connections, `up_again()` takes them."""

    def __init__(self, upstream: tuple[str, int] | str) -> None:
        self.up = Toxics()
        self.down = Toxics()
        self._upstream = upstream
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._lock = Lock()
        self.port = 0
        self.up_again()

    def take_down(self) -> None:
        """Refuse new connections and reset all that are open."""
        with suppress(OSError):  # It may be down already.
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()
        self.reset_all()

    def up_again(self) -> None:
        """Listen, on the same port as before."""
        self._listening = socket.create_server(("127.0.0.1", self.port), backlog=256)
        self.port = self._listening.getsockname()[1]
        self._thread = Thread(target=self._accept, args=(self._listening,), daemon=True)
        self._thread.start()

    def reset_all(self) -> None:
        """Reset every open connection, on both sides."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for end in pair:
                _reset(end)

    def close(self) -> None:
        """End it."""
        self.up, self.down = Toxics(), Toxics()
        self.take_down()

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                client, _address = listening.accept()
            except OSError:
                return
            try:
                server = self._connect()
            except OSError:
                _reset(client)
                continue
            pair = (client, server)
            with self._lock:
                self._pairs.append(pair)
            Thread(target=self._serve, args=pair, daemon=True).start()

    def _serve(self, client: socket.socket, server: socket.socket) -> None:
        """Pass on what both sides say, until both have ended."""
        back = Thread(target=self._pump, args=(server, client, lambda: self.down), daemon=True)
        back.start()
        self._pump(client, server, lambda: self.up)
        back.join()
        with self._lock:
            self._pairs = [pair for pair in self._pairs if pair[0] is not client]
        client.close()
        server.close()

    def _connect(self) -> socket.socket:
        if isinstance(self._upstream, str):
            server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            server.connect(self._upstream)
            return server
        return socket.create_connection(self._upstream, 5)

    def _pump(self, source: socket.socket, sink: socket.socket, toxics: Callable[[], Toxics]) -> None:
        passed = 0
        with suppress(OSError):
            while piece := source.recv(_CHUNK):
                _wait_in_the_hole(toxics)
                time.sleep(toxics().latency)
                if not _pass_on(piece, sink, toxics(), passed):
                    source.shutdown(socket.SHUT_RDWR)
                    sink.shutdown(socket.SHUT_RDWR)
                    return
                passed += len(piece)
            _wait_in_the_hole(toxics)
            if self._is_kept(source):
                sink.shutdown(socket.SHUT_WR)

    def _is_kept(self, end: socket.socket) -> bool:
        """Whether nobody is resetting this connection: a proper end must not come before its reset."""
        with self._lock:
            return any(end in pair for pair in self._pairs)


def _wait_in_the_hole(toxics: Callable[[], Toxics]) -> None:
    while toxics().timeout:
        time.sleep(0.05)


def _pass_on(piece: bytes, sink: socket.socket, toxic: Toxics, passed: int) -> bool:
    """Send a piece as the toxics let it; return whether the connection goes on."""
    limit = toxic.limit_data if toxic.reset_after is None else toxic.reset_after
    kept = piece if limit is None else piece[: max(limit - passed, 0)]
    size = toxic.slice_size or len(kept) or 1
    for start in range(0, len(kept), size):
        sink.sendall(kept[start : start + size])
        time.sleep(toxic.slice_delay)
    if limit is None or passed + len(piece) < limit:
        return True
    if toxic.reset_after is not None:
        _reset(sink)
    return False


def _reset(end: socket.socket) -> None:
    with suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # The kernel resets when nobody uses the socket any more, so another thread's recv() has to return first.
        end.shutdown(socket.SHUT_RD)
        end.close()
