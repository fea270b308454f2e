"""The shops of a campaign: several connections that send signed orders, and send again what wasn't answered 200."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from queue import SimpleQueue
from select import select
from threading import Event, Lock, Thread

from campaigns.orders import Order

_PATIENCE_SECONDS = 5.0
"""WooCommerce and Shopify wait no longer."""

_OK = 200


@dataclass(slots=True)
class Record:
    """What the shops know. `answers` counts answers by their status; 0 stands for none at all.

    `stored_unheard` are the orders that were sent again, and turned out to have been stored by a try that failed.
    """

    acknowledged: dict[tuple[str, str], Order] = field(default_factory=dict)
    answers: dict[int, int] = field(default_factory=dict)
    tries: dict[tuple[str, str], int] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    stored_unheard: set[tuple[str, str]] = field(default_factory=set)

    @property
    def failures(self) -> int:
        """Return how many requests got no answer, or none of 200."""
        return sum(count for status, count in self.answers.items() if status != _OK)

    @property
    def most_tries(self) -> int:
        """Return how often the unluckiest order had to be sent."""
        return max(self.tries.values(), default=0)


class Driver:
    """Sends orders to 127.0.0.1 from several threads. Every second connection is kept open, the others aren't."""

    def __init__(self, port: int, connections: int = 8, patience: float = _PATIENCE_SECONDS) -> None:
        self.record = Record()
        self._port = port
        self._patience = patience
        self._orders: SimpleQueue[Order | None] = SimpleQueue()
        self._lock = Lock()
        self._gives_up = Event()
        self._open = 0
        self._threads = [
            Thread(target=self._send_all, args=(place % 2 == 0,), daemon=True) for place in range(connections)
        ]
        for thread in self._threads:
            thread.start()

    def send(self, orders: Iterable[Order], per_second: float | None = None) -> None:
        """Hand these orders to the connections, at most so many a second; return when all are handed over."""
        began = time.monotonic()
        for number, order in enumerate(orders):
            if per_second is not None:
                time.sleep(max(0.0, began + number / per_second - time.monotonic()))
            with self._lock:
                self._open += 1
            self._orders.put(order)

    @property
    def open(self) -> int:
        """Return how many orders aren't acknowledged yet."""
        return self._open

    def finish(self, seconds: float) -> Record:
        """Wait until every order is acknowledged, then end; raise AssertionError when none was for so long."""
        least, moved_at = self._open, time.monotonic()
        while self._open and time.monotonic() < moved_at + seconds:
            time.sleep(0.01)
            if self._open < least:
                least, moved_at = self._open, time.monotonic()
        self.stop()
        assert 0 == self._open, f"of {self._open} orders none was acknowledged for {seconds:.0f} s"
        return self.record

    def stop(self) -> None:
        """End, whether or not every order is acknowledged."""
        self._gives_up.set()
        for _ in self._threads:
            self._orders.put(None)
        for thread in self._threads:
            thread.join()

    def _send_all(self, keeps_open: bool) -> None:
        connection = self._connection()
        while not self._gives_up.is_set():
            order = self._orders.get()
            if order is None:
                break
            while not self._send(connection, order) and not self._gives_up.is_set():
                connection.close()
                time.sleep(0.05)
            if not keeps_open:
                connection.close()
        connection.close()

    def _send(self, connection: HTTPConnection, order: Order) -> bool:
        began = time.monotonic()
        status, said = post(connection, order.path, order.body, order.headers)
        with self._lock:
            record = self.record
            record.answers[status] = record.answers.get(status, 0) + 1
            record.tries[order.key] = record.tries.get(order.key, 0) + 1
            if status == _OK:
                if record.tries[order.key] > 1 and order.key not in record.acknowledged and b'"unchanged"' in said:
                    record.stored_unheard.add(order.key)
                record.seconds.append(time.monotonic() - began)
                record.acknowledged[order.key] = order
                self._open -= 1
        return status == _OK

    def _connection(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self._port, timeout=self._patience)


def post(connection: HTTPConnection, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
    """Send one request and return its answer: status and body; 0 when there was none."""
    _drop_if_closed(connection)
    try:
        connection.request("POST", path, body=body, headers=dict(headers))
        answer = connection.getresponse()
        said = answer.read()
    except (OSError, HTTPException):
        connection.close()
        return 0, b""
    return answer.status, said


def _drop_if_closed(connection: HTTPConnection) -> None:
    """Open a new connection when the server has closed this one while it was idle, as every HTTP client does."""
    if connection.sock is not None and select([connection.sock], [], [], 0)[0]:
        connection.close()


def post_once(port: int, order: Order, **changed: str) -> int:
    """Send an order once on a connection of its own, with these headers on top; return the status."""
    headers = {**order.headers, **{name.replace("_", "-"): value for name, value in changed.items()}}
    with closing(HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_SECONDS)) as connection:
        return post(connection, order.path, order.body, headers)[0]
