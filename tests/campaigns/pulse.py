"""Shops that don't wait for each other: an order every so often, each on its own connection, whatever others hear."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from threading import Event, Lock, Thread

from campaigns.driver import Record, post
from campaigns.orders import Order, Orders

SHOPS_PATIENCE = 5.0
"""Seconds after which Shopify and WooCommerce hang up."""

_PATIENCE_SECONDS = 8.0
"""Longer than any shop's, to see how long an answer really takes."""


@dataclass(frozen=True, slots=True)
class Beat:
    """One order that was sent once: when, when it was answered (by the monotonic clock), and how; 0: not at all."""

    began: float
    ended: float
    status: int
    order: Order

    @property
    def seconds(self) -> float:
        """Return how long the answer took."""
        return self.ended - self.began


class Pulse:
    """Sends so many orders a second to the service until it is stopped, each once.

    `record.acknowledged` are those answered 200, `refused()` those that a shop would have to send again.
    """

    def __init__(self, port: int, orders: Orders, per_second: float) -> None:
        self.record = Record()
        self.beats: list[Beat] = []
        self._port = port
        self._orders = orders
        self._lock = Lock()
        self._stop = Event()
        self._threads: list[Thread] = []
        self._pacemaker = Thread(target=self._pace, args=(per_second,), daemon=True)
        self._pacemaker.start()

    def stop(self) -> None:
        """Send no more, and wait for the answers that are still to come."""
        self._stop.set()
        self._pacemaker.join()
        for thread in self._threads:
            thread.join()

    def between(self, began: float, ended: float) -> list[Beat]:
        """Return the orders that were sent within this time."""
        return [beat for beat in self.beats if began <= beat.began < ended]

    def is_answered(self, status: int, since: float | None = None) -> bool:
        """Whether an order that was sent since then, or in the last second, was answered so."""
        moment = time.monotonic() - 1 if since is None else since
        return any(beat.status == status for beat in reversed(self.beats[-200:]) if beat.began >= moment)

    def refused(self) -> list[Order]:
        """Return the orders that weren't acknowledged."""
        return [beat.order for beat in self.beats if beat.order.key not in self.record.acknowledged]

    def _pace(self, per_second: float) -> None:
        began = time.monotonic()
        while not self._stop.wait(max(0.0, began + len(self._threads) / per_second - time.monotonic())):
            thread = Thread(target=self._send, args=(self._orders.next(),), daemon=True)
            thread.start()
            self._threads.append(thread)

    def _send(self, order: Order) -> None:
        began = time.monotonic()
        with closing(HTTPConnection("127.0.0.1", self._port, timeout=_PATIENCE_SECONDS)) as connection:
            status, _said = post(connection, order.path, order.body, {**order.headers, "Connection": "close"})
        with self._lock:
            self.beats.append(Beat(began, time.monotonic(), status, order))
            self.record.answers[status] = self.record.answers.get(status, 0) + 1
            if status == 200:
                self.record.acknowledged[order.key] = order


@contextmanager
def beating(port: int, orders: Orders, per_second: float) -> Iterator[Pulse]:
    """Send orders while the block runs."""
    pulse = Pulse(port, orders, per_second)
    try:
        yield pulse
    finally:
        pulse.stop()


def slowest(beats: list[Beat]) -> float:
    """Return how long the slowest answer took."""
    return max((beat.seconds for beat in beats), default=0.0)
