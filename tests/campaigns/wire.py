"""A TCP forwarder in front of PostgreSQL that looks at what is said, and breaks the connection at the worst moment.

`campaigns.proxy` does to a connection what networks do at any moment; this one knows which moment it is.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Lock, Thread
from typing import Literal

Verdict = Literal["pass", "lose", "deafen", "swallow"]
"""Pass it on; reset the connection instead; pass it on and reset the connection when the answer is there; or pass
nothing on from here, in either direction, and keep the connection open."""

_CHUNK = 65536


class Wire:
    """Forwards connections to 127.0.0.1:`port` to the socket file `upstream`, until `close`.

    `judge` is asked about each piece that a client sends. `cut` counts the connections that were broken by it.
    """

    def __init__(self, upstream: str, judge: Callable[[bytes], Verdict] = lambda _piece: "pass") -> None:
        self.judge = judge
        self.cut = 0
        self._upstream = upstream
        self._lock = Lock()
        self._lines: list[_Line] = []
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listening.getsockname()[1]
        self._thread = Thread(target=self._accept, daemon=True)
        self._thread.start()

    def forget(self) -> None:
        """Swallow whatever comes over the connections that are open now; new ones work."""
        with self._lock:
            for line in self._lines:
                line.swallows.set()

    def close(self) -> None:
        """End it, and every connection."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()
        with self._lock:
            for line in self._lines:
                line.end()

    def count_cut(self) -> None:
        """Note that a connection was broken on purpose."""
        with self._lock:
            self.cut += 1

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._listening.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                server.connect(self._upstream)
            except OSError:
                _reset(client)
                continue
            line = _Line(self, client, server)
            with self._lock:
                self._lines.append(line)
            for work in (line.carry_up, line.carry_down):
                Thread(target=work, daemon=True).start()


class _Line:
    """One connection."""

    def __init__(self, wire: Wire, client: socket.socket, server: socket.socket) -> None:
        self.swallows = Event()
        self._deafens = Event()
        self._wire = wire
        self._client = client
        self._server = server

    def carry_up(self) -> None:
        """Carry what the client says to the server, as it is judged."""
        with suppress(OSError):
            while piece := self._client.recv(_CHUNK):
                verdict = self._wire.judge(piece)
                if verdict == "swallow":
                    self._wire.count_cut()
                    self.swallows.set()
                if self.swallows.is_set():
                    continue
                if verdict == "lose":
                    self._wire.count_cut()
                    break
                if verdict == "deafen":
                    self._deafens.set()
                self._server.sendall(piece)
        self.end()

    def carry_down(self) -> None:
        """Carry what the server says to the client, unless it is to hear no more."""
        with suppress(OSError):
            while piece := self._server.recv(_CHUNK):
                if self._deafens.is_set():
                    self._wire.count_cut()
                    break
                if not self.swallows.is_set():
                    self._client.sendall(piece)
        if not self.swallows.is_set():
            self.end()

    def end(self) -> None:
        """Reset both sides."""
        for side in (self._client, self._server):
            _reset(side)


def _reset(side: socket.socket) -> None:
    with suppress(OSError):
        side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        side.shutdown(socket.SHUT_RDWR)  # A thread that waits in recv() keeps a socket open, closed or not.
    side.close()
