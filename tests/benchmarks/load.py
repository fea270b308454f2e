"""A closed loop of HTTP requests, each sent once: on each of so many connections the next when the last is answered.

    python tests/benchmarks/load.py REQUESTS PORT SKIP MOST CONNECTIONS SECONDS PER_SECOND

A process of its own, so that it takes no time of the service's; it prints one line of JSON. `REQUESTS` is a file that
`write_requests` has made.
"""

from __future__ import annotations

import json
import selectors
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import chain, count, islice
from pathlib import Path
from time import perf_counter, sleep

_PATIENCE = 30
"""Seconds that an answer may take before the run is given up."""

_MOST_BEHIND = 0.05
"""Seconds that a run at a pace may make up for: a moment's delay costs it no request, a long one does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What came of a run. The latencies are in seconds, sorted."""

    accepted: int
    refused: int
    seconds: float
    latencies: list[float]

    def latency(self, share: float) -> float:
        """Return the seconds within which this share was answered."""
        return self.latencies[min(int(len(self.latencies) * share), len(self.latencies) - 1)]


def write_requests(path: Path, requests: Iterable[bytes]) -> None:
    """Write whole HTTP requests into a file, each after its length in eight digits."""
    with path.open("wb") as file:
        for request in requests:
            file.write(b"%08d" % len(request) + request)


def send(port: int, requests: Path, part: slice, connections: int, seconds: float, per_second: float = 0) -> Answered:
    """Send that part of the file from a process of its own, for so long or until it is used up.

    With `per_second` no more than that, and the part again and again; the latencies are of no use then.
    """
    numbers = (port, part.start, part.stop - part.start, connections, seconds, per_second)
    words = [sys.executable, __file__, str(requests), *map(str, numbers)]
    printed = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
    return Answered(**json.loads(printed.stdout))


def _read(path: Path, skip: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        number = 0
        while length := file.read(8):
            number += 1
            if number > skip:
                yield file.read(int(length))
            else:
                file.seek(int(length), 1)


class _Loop:
    """The connections of one run; it ends when the time is over or there is nothing more to send."""

    def __init__(self, port: int, requests: Iterator[bytes], gap: float) -> None:
        self._port = port
        self._requests = requests
        self._gap = gap
        self._next_at = 0.0
        self._selector = selectors.DefaultSelector()
        self._sent_at: dict[socket.socket, float] = {}
        self._refused = 0
        self._latencies: list[float] = []

    def run(self, connections: int, seconds: float) -> Answered:
        began = perf_counter()
        ends_at = began + seconds
        for _ in range(connections):
            self._connect()
        while self._sent_at:
            ready = self._selector.select(_PATIENCE)
            if not ready:
                raise TimeoutError("no answer any more")
            for key, _events in ready:
                self._answered(key.fileobj, goes_on=perf_counter() < ends_at)  # type: ignore[arg-type]
        took = perf_counter() - began
        accepted = len(self._latencies) - self._refused
        return Answered(accepted=accepted, refused=self._refused, seconds=took, latencies=sorted(self._latencies))

    def _connect(self) -> None:
        connection = socket.create_connection(("127.0.0.1", self._port), _PATIENCE)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._selector.register(connection, selectors.EVENT_READ)
        self._send(connection)

    def _send(self, connection: socket.socket) -> None:
        request = next(self._requests, None)
        if request is None:
            self._close(connection)
            return
        if self._gap:
            self._keep_the_gap()
        self._sent_at[connection] = perf_counter()
        with suppress(OSError):  # Who is refused before all was sent reads why, if the answer is still there.
            connection.sendall(request)

    def _keep_the_gap(self) -> None:
        sleep(max(0.0, self._next_at - perf_counter()))
        self._next_at = max(self._next_at, perf_counter() - _MOST_BEHIND) + self._gap

    def _close(self, connection: socket.socket) -> None:
        self._sent_at.pop(connection, None)
        self._selector.unregister(connection)
        connection.close()

    def _answered(self, connection: socket.socket, *, goes_on: bool) -> None:
        answer = _answer_on(connection)
        self._latencies.append(perf_counter() - self._sent_at[connection])
        if answer[9:12] != b"200":
            self._refused += 1
        if not goes_on:
            self._close(connection)
        elif not answer or b"\r\nConnection: close" in answer:
            self._close(connection)
            self._connect()
        else:
            self._send(connection)


def _answer_on(connection: socket.socket) -> bytes:
    """Return the whole answer, b"" when the connection was cut off."""
    answer = b""
    with suppress(OSError):
        answer = connection.recv(65536)
        while answer and not _is_whole(answer):
            more = connection.recv(65536)
            answer = answer + more if more else b""
    return answer


def _is_whole(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    _, named, length = head.lower().partition(b"\r\ncontent-length:")
    return bool(end) and bool(named) and len(body) >= int(length.split(b"\r\n", 1)[0])


def main() -> None:
    """Send, and print what came of it."""
    file, port, skip, most, connections, seconds, per_second = sys.argv[1:]
    gap = 1 / float(per_second) if float(per_second) else 0.0
    rounds = count() if gap else range(1)
    requests = chain.from_iterable(islice(_read(Path(file), int(skip)), int(most)) for _ in rounds)
    loop = _Loop(int(port), requests, gap)
    print(json.dumps(asdict(loop.run(int(connections), float(seconds)))))


if __name__ == "__main__":
    main()
