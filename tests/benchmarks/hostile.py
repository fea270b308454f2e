"""Orders at a steady pace, alone, beside hundreds of clients that drip, and in a flood of unsigned junk.

    PYTHONPATH=tests python tests/benchmarks/hostile.py [--seconds 60] [--drips 500] [--database sqlite|postgresql]

A line for each: how many orders weren't answered 200, how long the others took, the service's memory, and for how long
the longest drip was borne. Nothing here is asserted: a time is a fact about a machine, and tests run on all of them.
"""

from __future__ import annotations

import argparse
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Event, Thread

from campaigns.databases import PostgreSQL, Server, SQLite
from intake import Service, adapter_on, memory_of, order_requests, request_of
from load import send, write_requests

PER_SECOND = 20
HEAD = b"POST /webhooks/shopify HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


def post(port: int, request: bytes) -> tuple[bool, float]:
    """Send one request on a connection of its own; return whether it was answered 200, and the seconds."""
    began = time.monotonic()
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.settimeout(10)
        connection.sendall(request)
        return connection.recv(4096).startswith(b"HTTP/1.1 200"), time.monotonic() - began
    return False, time.monotonic() - began


class Drips:
    """So many connections at any time on which a byte comes each second, half of them in the head of a request."""

    def __init__(self, port: int, count: int) -> None:
        self.longest = 0.0
        self._port, self._count, self._stop = port, count, Event()
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End them."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        began: dict[socket.socket, float] = {}
        while not self._stop.wait(1.0):
            while len(began) < self._count:
                connection = socket.create_connection(("127.0.0.1", self._port), 10)
                connection.sendall(HEAD + (b"Content-Length: 100000\r\n\r\n" if len(began) % 2 else b""))
                connection.setblocking(False)
                began[connection] = time.monotonic()
            for connection, since in list(began.items()):
                if not _drip(connection):
                    self.longest = max(self.longest, time.monotonic() - since)
                    connection.close()
                    del began[connection]
        for connection in began:
            connection.close()


def _drip(connection: socket.socket) -> bool:
    """Send one byte; return whether the connection is still open."""
    try:
        connection.send(b"x")
        return bool(connection.recv(4096))
    except BlockingIOError:
        return True
    except OSError:
        return False


def junk(count: int) -> Iterator[bytes]:
    """Yield requests that nobody signed, every hundredth of them too large."""
    for number in range(count):
        body = b"x" * (3_000_000 if number % 100 == 0 else 500)
        yield request_of("/webhooks/shopify", body, b"A" * 43 + b"=")


def measure(
    name: str, service: Service, orders: Iterator[bytes], seconds: float, longest: Callable[[], float]
) -> None:
    """Send orders at the steady pace for so long, and print the line."""
    before, began = memory_of(service.process.pid), time.monotonic()
    taken: list[tuple[bool, float]] = []
    for number in range(int(seconds * PER_SECOND)):
        time.sleep(max(0.0, began + number / PER_SECOND - time.monotonic()))
        taken.append(post(service.port, next(orders)))
    times = sorted(took for _, took in taken)
    grown = memory_of(service.process.pid) - before
    print(
        f"{name:<26}{len(taken):>8}{sum(not ok for ok, _ in taken):>9}{times[len(times) // 2] * 1000:>9.1f} ms"
        f"{times[int(len(times) * 0.99)] * 1000:>9.1f} ms{times[-1] * 1000:>9.1f} ms{before:>7.0f} + {grown:.0f} MB"
        f"{longest():>10.1f} s"
    )


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--drips", type=int, default=500)
    options.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    chosen = options.parse_args()
    print(f"{PER_SECOND} orders a second on {chosen.database}, {chosen.drips} dripping clients, 8 that flood")
    print(f"{'':<26}{'orders':>8}{'not 200':>9}{'p50':>12}{'p99':>12}{'slowest':>12}{'memory':>13}{'longest':>12}")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hostile-", ignore_cleanup_errors=True)))
        folder.chmod(0o755)
        url = SQLite(folder).url if chosen.database == "sqlite" else _postgresql(folder, stack)
        run(stack.enter_context(adapter_on(url, folder)), folder, chosen.seconds, chosen.drips)


def run(service: Service, folder: Path, seconds: float, count: int) -> None:
    """Measure all three, one after the other."""
    orders = order_requests(int(seconds * PER_SECOND * 3) + 100)
    for _ in range(40):
        post(service.port, next(orders))  # What is loaded at the first orders is no growth.
    measure("alone", service, orders, seconds, lambda: 0.0)
    drips = Drips(service.port, count)
    measure("beside clients that drip", service, orders, seconds, lambda: drips.longest)
    drips.stop()
    write_requests(folder / "junk", junk(2000))
    stop = Event()
    flooding = Thread(target=_flood, args=(service.port, folder / "junk", stop), daemon=True)
    flooding.start()
    measure("in a flood of junk", service, orders, seconds, lambda: 0.0)
    stop.set()
    flooding.join()


def _flood(port: int, requests: Path, stop: Event) -> None:
    while not stop.is_set():
        send(port, requests, slice(0, 2000), 8, 5)


def _postgresql(folder: Path, stack: ExitStack) -> str:
    (folder / "pg").mkdir()
    server = Server(folder / "pg", fsync=True)
    stack.callback(server.close)
    database = PostgreSQL(server)
    stack.callback(database.close)
    return database.url


if __name__ == "__main__":
    main()
