"""Orders at a steady pace: alone, beside hundreds of slow or silent clients, and in floods of what is no order.

    PYTHONPATH=tests python tests/benchmarks/hostile.py [--seconds 60] [--junk-seconds 60] [--clients 500]
        [--only drips] [--database sqlite|postgresql]

A line for each: how many orders weren't answered 200, how long the others took, the service's memory, for how long the
longest slow client was borne, how many requests a second the flood reached (it keeps to 2,000), and how many rows the
ledger has that nobody ordered. Nothing here is asserted: a time is a fact about a machine, and tests run on all of
them.
"""

from __future__ import annotations

import argparse
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from threading import Event, Thread

from campaigns.databases import Database, opened
from intake import Service, adapter_on, memory_of, order_requests, request_of
from latency import database
from load import Answered, send, write_requests
from sqlalchemy import text
from steady import post_steadily

PER_SECOND = 20
ROWS = ("alone", "drips", "half-open", "unread", "junk")
JUNK_PER_SECOND, JUNK_CONNECTIONS, JUNK = 2_000, 16, 2_000
HEAD = b"POST /webhooks/shopify HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
LOOK = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"
LONG = b"Content-Length: 100000\r\n\r\n"


class Crowd:
    """So many connections at any time, which begin like `openings` and then send `drop` each second."""

    per_second = 0.0

    def __init__(self, port: int, count: int, openings: Sequence[bytes], drop: bytes) -> None:
        self.longest = 0.0
        self._port, self._count, self._openings, self._drop = port, count, cycle(openings), drop
        self._stop = Event()
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
                began[self._open()] = time.monotonic()
            for connection, since in list(began.items()):
                if not _is_open(connection, self._drop):
                    self.longest = max(self.longest, time.monotonic() - since)
                    connection.close()
                    del began[connection]
        for connection, since in began.items():
            self.longest = max(self.longest, time.monotonic() - since)
            connection.close()

    def _open(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self._port), 10)
        connection.sendall(next(self._openings))
        connection.setblocking(False)
        return connection


def _is_open(connection: socket.socket, drop: bytes) -> bool:
    """Send the drop, if there is one; return whether the connection is still open."""
    try:
        connection.send(drop)
        return bool(connection.recv(4096))
    except BlockingIOError:
        return True
    except OSError:
        return False


class Flood:
    """Requests of a file, again and again, for so many seconds."""

    longest = 0.0

    def __init__(self, port: int, requests: Path, seconds: float) -> None:
        self._answered: Answered | None = None
        self._thread = Thread(target=self._run, args=(port, requests, seconds), daemon=True)
        self._thread.start()

    @property
    def per_second(self) -> float:
        """What was answered, 200 or not, when it is over."""
        found = self._answered
        return (found.accepted + found.refused) / found.seconds if found else 0.0

    def stop(self) -> None:
        """Wait for its end."""
        self._thread.join()

    def _run(self, port: int, requests: Path, seconds: float) -> None:
        self._answered = send(port, requests, slice(0, JUNK), JUNK_CONNECTIONS, seconds, JUNK_PER_SECOND)


class Nobody:
    """Who stands beside the orders when they are alone."""

    longest = per_second = 0.0

    def stop(self) -> None:
        """Do nothing."""


def junk() -> Iterator[bytes]:
    """Yield requests that nobody signed, every hundredth of them too large."""
    for number in range(JUNK):
        body = b"x" * (3_000_000 if number % 100 == 0 else 500)
        yield request_of("/webhooks/shopify", body, b"A" * 43 + b"=")


def unread(signed_orders: Iterator[bytes]) -> Iterator[bytes]:
    """Yield requests whose bodies nobody reads: taken for the next request, each would be a signed order."""
    for number in range(JUNK):
        body = next(signed_orders)
        if number % 2:
            yield request_of("/nowhere" if number % 4 == 1 else "/webhooks/nobody", body, b"A" * 43 + b"=")
        else:
            yield LOOK + b"Content-Length: %d\r\n\r\n" % len(body) + body


def rows_in(ledger: Database) -> int:
    """Return how many orders the ledger has."""
    with opened(ledger) as engine, engine.connect() as connection:
        return int(connection.execute(text("SELECT count(*) FROM purchases")).scalar_one())


@dataclass(kw_only=True)
class House:
    """The service with its ledger, and the orders that come."""

    ledger: Database
    service: Service
    orders: Iterator[bytes]

    def measure(self, name: str, seconds: float, beside: Crowd | Flood | Nobody) -> None:
        """Send orders at the steady pace for so long, and print the line."""
        rows, memory, ends_at = rows_in(self.ledger), self._memory(), time.monotonic() + seconds
        answered = post_steadily(self.service.port, self.orders, PER_SECOND, lambda: time.monotonic() < ends_at)
        grown = self._memory() - memory
        beside.stop()
        strange = rows_in(self.ledger) - rows - answered.accepted
        shown = "".join(f"{answered.latency(share) * 1000:>9.1f} ms" for share in (0.5, 0.99, 1))
        print(
            f"{name:<28}{answered.accepted:>8}{answered.refused:>9}{shown}{memory:>7.0f} + {grown:<3.0f}MB"
            f"{beside.longest:>9.1f} s{beside.per_second:>11,.0f}{strange:>7}",
            flush=True,
        )

    def _memory(self) -> float:
        return memory_of(self.service.process.pid)


def run(house: House, folder: Path, only: Sequence[str], seconds: float, junk_seconds: float, clients: int) -> None:
    """Measure the named rows, one after the other."""
    port = house.service.port
    warm_up_ends_at = time.monotonic() + 2
    post_steadily(
        port, house.orders, PER_SECOND, lambda: time.monotonic() < warm_up_ends_at
    )  # First loads are no growth.
    write_requests(folder / "junk", junk())
    write_requests(folder / "unread", unread(house.orders))
    rows: dict[str, tuple[str, float, Callable[[], Crowd | Flood | Nobody]]] = {
        "alone": ("alone", seconds, Nobody),
        "drips": (
            "beside clients that drip",
            seconds,
            lambda: Crowd(port, clients, (HEAD, HEAD + LONG, LOOK + LONG), b"x"),
        ),
        "half-open": ("beside half-open ones", seconds, lambda: Crowd(port, clients, (b"", HEAD, HEAD + LONG), b"")),
        "unread": ("beside bodies left unread", junk_seconds, lambda: Flood(port, folder / "unread", junk_seconds)),
        "junk": ("in a flood of junk", junk_seconds, lambda: Flood(port, folder / "junk", junk_seconds)),
    }
    for row in only:
        name, lasts, begin = rows[row]
        house.measure(name, lasts, begin())


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--junk-seconds", type=float, help="of the floods; as long as the others, if it isn't said")
    options.add_argument("--only", action="append", choices=ROWS)
    options.add_argument("--clients", type=int, default=500)
    options.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    chosen = options.parse_args()
    junk_seconds = chosen.junk_seconds or chosen.seconds
    print(
        f"{PER_SECOND} orders a second on {chosen.database}, beside {chosen.clients} slow clients, or up to "
        f"{JUNK_PER_SECOND:,} requests a second over {JUNK_CONNECTIONS} connections"
    )
    print(
        f"{'':<28}{'orders':>8}{'not 200':>9}{'p50':>12}{'p99':>12}{'slowest':>12}{'memory':>15}{'longest':>11}"
        f"{'flood/s':>11}{'rows':>7}"
    )
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hostile-", ignore_cleanup_errors=True)))
        folder.chmod(0o755)
        ledger = stack.enter_context(database(chosen.database, folder))
        orders = order_requests(int((chosen.seconds * 3 + junk_seconds * 2 + 60) * PER_SECOND) + JUNK)
        house = House(ledger=ledger, service=stack.enter_context(adapter_on(ledger.url, folder)), orders=orders)
        run(house, folder, chosen.only or ROWS, chosen.seconds, junk_seconds, chosen.clients)


if __name__ == "__main__":
    main()
