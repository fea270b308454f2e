"""The threads of one process that want to write: who waits for the database, and who is sent away at once.

SQLite lets one write at a time and has the others ask again and again, so that of many some are served never: the
threads of a process take turns instead, and only whole processes compete. And when nobody gets through any more, not
every thread may wait: what comes next would wait behind them unheard, longer than its shop does.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from threading import Lock
from time import monotonic

from adapter.errors import StorageUnavailable

MOST_WAITING = 8
"""So many may wait when nobody gets through: half the threads of a web process, the others answer."""

STUCK_SECONDS = 2.0
"""Nobody got through for so long: it isn't a slow moment of the disk. WooCommerce sends an order once, so that a slow
moment must cost none; and half of what a shop waits is left."""


class Queue:
    """The threads that write to one database. `now` gives monotonic seconds."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._turn = Lock()
        self._lock = Lock()
        self._inside = 0
        self._passed_at = 0.0

    @contextmanager
    def place(self) -> Generator[None, None, None]:
        """Count who is inside the block; raise `StorageUnavailable` at once when too many wait there in vain."""
        self._enter()
        try:
            yield
            self._passed_at = self._now()
        finally:
            with self._lock:
                self._inside -= 1

    def _enter(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._passed_at = self._now()
            if self._inside >= MOST_WAITING and self._now() - self._passed_at > STUCK_SECONDS:
                raise StorageUnavailable(f"nobody has got through for a while, and {self._inside} wait already")
            self._inside += 1

    @contextmanager
    def turn(self, seconds: float) -> Generator[None, None, None]:
        """Wait until no other thread writes; raise `StorageUnavailable` when that takes longer."""
        if not self._turn.acquire(timeout=seconds):
            raise StorageUnavailable("database is locked: other threads of this process wait for it")
        try:
            yield
        finally:
            self._turn.release()
