"""Those of one process who want to write: who waits for the database, and who is sent away at once.

SQLite lets one write at a time and has the others ask again and again, so that of many some are served never: the
threads of a process take turns instead, and only whole processes compete. And when nobody gets through any more, not
every thread may wait: what comes next would wait behind them unheard, longer than its shop does.

Clicks stand beside the queue and give way. Anybody may post them, as many as they like; an order comes once. So one
transaction of clicks is written at a time, none begins while two orders are being stored, and not too many wait. So a
flood of clicks delays an order by those that had begun, some milliseconds, however large it is.

On SQLite other processes can't see this queue: they ask for the file again and again. So a gap is left behind a
transaction of clicks, in which those that come gather for the next one, and behind each write of those who work, whom
nobody waits for: an order of another process waits for one of them, and not for all that a worker has to do.
PostgreSQL lets many write, and needs no gaps.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from math import inf
from threading import Condition, Lock
from time import monotonic, sleep

from adapter.errors import StorageBusy, StorageUnavailable
from adapter.settings import MAX_WAITING_ORDERS

MOST_WAITING = 8
"""So many may wait when nobody gets through; the others are answered at once."""

STUCK_SECONDS = 2.0
"""Nobody got through for so long: it isn't a slow moment of the disk. WooCommerce sends an order once, so that a slow
moment must cost none; and half of what a shop waits is left."""

MOST_BESIDE = 64
"""So many who give way may be here at once, waiting or writing: some more than are written in a second."""

SQLITE_GAP_SECONDS = 0.25
"""So long no transaction of clicks of this process begins after one has ended. In a flood of them an order meets four
of those a second and process, where it met ten clicks. No buyer waits for the answer to a click."""

SQLITE_WORK_GAP_SECONDS = 0.002
"""So long nobody of this process who works begins after another one has ended: twice the time between two questions of
another process. Without it an order found the worker's next write begun, four and more times in a row."""

CROWDED = 2
"""So many others are inside: then at least one of them waits, and nobody who gives way begins."""

BESIDE_SECONDS = 1.0
"""So long one waits for the others; then the browser may ask again."""


class Queue:
    """Those who write to one database: greenlets of the web process, threads of the worker.

    `now` gives monotonic seconds; `gap` is left between two clicks; no more than `most` orders wait at once.
    """

    def __init__(self, now: Callable[[], float] = monotonic, gap: float = 0.0, most: int = MAX_WAITING_ORDERS) -> None:
        self._now = now
        self._gap = gap
        self._most = most
        self._turn = Lock()
        self._work = Lock()
        self._worked_at = -inf
        self._lock = Condition()
        self._inside = 0
        self._beside = 0
        self._writes_beside = False
        self._wrote_beside_at = -inf
        self._passed_at = 0.0
        self._last_failed = False

    @contextmanager
    def place(self) -> Generator[float, None, None]:
        """Count who is inside the block; raise `StorageUnavailable` at once when too many wait there in vain.

        Yield for how many seconds nobody has got through: so much less may one wait who comes now.
        """
        stuck_for, has_passed = self._enter(), False
        try:
            yield stuck_for
            has_passed = True
        finally:
            self._leave(has_passed=has_passed)

    def _leave(self, *, has_passed: bool) -> None:
        with self._lock:
            self._inside -= 1
            self._last_failed = not has_passed
            if has_passed:
                self._passed_at = self._now()
            self._lock.notify_all()

    @contextmanager
    def place_beside(self) -> Generator[float, None, None]:
        """Count who gives way and is inside the block; raise `StorageBusy` at once when too many are there."""
        with self._lock:
            if self._beside >= MOST_BESIDE:
                raise StorageBusy("too many wait already of those who give way")
            self._beside += 1
        try:
            yield 0.0
        finally:
            with self._lock:
                self._beside -= 1

    @contextmanager
    def turn_beside(self, seconds: float = BESIDE_SECONDS) -> Generator[None, None, None]:
        """Wait until few enough others are inside, and write; raise `StorageBusy` when that takes longer."""
        with self._lock:
            self._begin_beside(seconds)
        try:
            yield
        finally:
            with self._lock:
                self._writes_beside = False
                self._wrote_beside_at = self._now()
                self._lock.notify_all()

    def _begin_beside(self, seconds: float) -> None:
        gives_up_at = monotonic() + seconds
        while not self._has_room_beside():
            left = gives_up_at - monotonic()
            if left <= 0:
                raise StorageBusy("orders are being stored, and go first")
            # Whoever leaves wakes it; the end of a gap wakes nobody.
            self._lock.wait(min(left, self._rest_of_gap() or left))
        self._writes_beside = True

    def _has_room_beside(self) -> bool:
        return self._inside < CROWDED and not self._writes_beside and not self._rest_of_gap()

    def _rest_of_gap(self) -> float:
        return max(0.0, self._wrote_beside_at + self._gap - self._now())

    def _enter(self) -> float:
        with self._lock:
            now = self._now()
            if self._inside == 0 and not self._last_failed:  # Nobody got through, for nobody came.
                self._passed_at = now
            stuck_for = now - self._passed_at
            if self._inside >= self._most:
                raise StorageUnavailable(f"{self._inside} orders wait already, as many as MAX_WAITING_ORDERS allows")
            if self._inside >= MOST_WAITING and stuck_for > STUCK_SECONDS:
                raise StorageUnavailable(f"nobody has got through for a while, and {self._inside} wait already")
            self._inside += 1
            return stuck_for

    @contextmanager
    def turn(self, seconds: float) -> Generator[None, None, None]:
        """Wait until no other thread writes; raise `StorageUnavailable` when that takes longer."""
        with _held(self._turn, seconds):
            yield

    @contextmanager
    def turn_at_work(self, seconds: float) -> Generator[None, None, None]:
        """Do the same for one whom nobody waits for: begin a moment after the last such one has ended."""
        gives_up_at = monotonic() + seconds
        with _held(self._work, seconds):
            sleep(max(0.0, self._worked_at + SQLITE_WORK_GAP_SECONDS - monotonic()))
            try:
                with self.turn(max(0.0, gives_up_at - monotonic())):
                    yield
            finally:
                self._worked_at = monotonic()


@contextmanager
def _held(lock: Lock, seconds: float) -> Generator[None, None, None]:
    if not lock.acquire(timeout=seconds):
        raise StorageUnavailable("database is locked: other threads of this process wait for it")
    try:
        yield
    finally:
        lock.release()
