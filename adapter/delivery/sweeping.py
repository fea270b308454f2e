"""The sweep: from time to time a worker purges what has been kept long enough, in small batches beside the load."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event

import structlog

from adapter.storage.checkpoint import empty_log
from adapter.storage.engine import Database
from adapter.storage.eviction import Eviction
from adapter.storage.retention import BATCH, Retention
from adapter.storage.uptime import Uptime

SWEEP_EVERY_SECONDS = 300.0
"""Every process that delivers sweeps; several at once are harmless."""

LONGEST_SECONDS = 5.0
"""A sweep ends after that, and what is left is done by the next one: 200 rows take about 20 ms."""

BREATH_SECONDS = 0.02
"""Between two batches it lets others write."""

_log = structlog.get_logger()


@dataclass(kw_only=True)
class Sweeper:
    """Sweeps one database. `clock` gives aware UTC times, `monotonic` seconds."""

    engine: Database
    keep: timedelta
    clock: Callable[[], datetime]
    monotonic: Callable[[], float] = time.monotonic
    _next: float | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Make what counts the uptime: one for the life of the process."""
        self._uptime = Uptime(self.engine, self.monotonic)
        self._retention = Retention(self.engine, self.keep)
        self._eviction = Eviction(self.engine)

    def takes_turn(self) -> bool:
        """Whether it is time to sweep, at once after the start; then it is again in five minutes."""
        now = self.monotonic()
        if self._next is not None and now < self._next:
            return False
        self._next = now + SWEEP_EVERY_SECONDS
        return True

    def sweep(self, stop: Event) -> None:
        """Expire and purge what is old enough, until all is done, time is up or `stop` is set.

        Raise `StorageUnavailable`; the next sweep goes on.
        """
        started = self.monotonic()
        uptime = self._uptime.look(self.clock())
        steps: list[tuple[str, Callable[[], int]]] = [
            ("dated", self._retention.date),
            ("expired", lambda: self._expire(uptime)),
            ("orders purged", lambda: self._retention.purge_orders(uptime)),
            ("clicks purged", lambda: self._retention.purge_clicks(uptime)),
            ("clicks evicted", self._eviction.evict),
        ]
        for name, step in steps:
            if count := self._repeated(step, started + LONGEST_SECONDS, stop):
                _log.info(name, count=count)
        if not stop.is_set() and not empty_log(self.engine):
            _log.warning("log not emptied", hint="others read or write without a pause; the next sweep tries again")

    def _repeated(self, step: Callable[[], int], until: float, stop: Event) -> int:
        """Take batch after batch; return how many rows there were."""
        total = 0
        while not stop.is_set() and self.monotonic() < until:
            count = step()
            total += count
            if count < BATCH:
                break
            stop.wait(BREATH_SECONDS)
        return total

    def _expire(self, uptime: timedelta) -> int:
        expired = self._retention.expire(uptime, self.clock())
        for order in expired:
            hint = "`adapter retry` makes it due again while its body is kept"
            _log.warning("order expired", shop=order.shop, order=order.order_id, hint=hint)
        return len(expired)
