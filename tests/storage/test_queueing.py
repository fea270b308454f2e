"""Who waits for the database: threads take turns, and when nobody gets through, most are sent away at once."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine, text

from adapter.errors import StorageUnavailable
from adapter.storage.engine import open_sqlite, reading, writing
from adapter.storage.patience import WHILE_A_SHOP_WAITS
from adapter.storage.queueing import MOST_WAITING, STUCK_SECONDS, Queue

if TYPE_CHECKING:
    from tests.storage.conftest import AtOnce


class Seconds:
    """A monotonic clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Return the seconds."""
        return self.now


def test_all_may_wait_while_somebody_gets_through() -> None:
    """However many are inside, as long as one of them came out well a moment ago."""
    seconds = Seconds()
    queue = Queue(seconds)
    with ExitStack() as inside:
        for _ in range(3 * MOST_WAITING):
            inside.enter_context(queue.place())
            seconds.now += STUCK_SECONDS * 0.9
            with queue.place():
                pass


def test_when_nobody_gets_through_only_some_wait() -> None:
    """The next one hears so at once, how many wait; when one of them gives up, another may wait."""
    seconds = Seconds()
    queue = Queue(seconds)
    with ExitStack() as inside:
        places = [queue.place() for _ in range(MOST_WAITING)]
        for place in places:
            inside.enter_context(place)
        seconds.now += STUCK_SECONDS + 0.01
        with pytest.raises(StorageUnavailable, match="nobody has got through for a while, and 8 wait"), queue.place():
            pass
        places[0].__exit__(*_failure())
        with queue.place():
            pass
        with queue.place():  # That one got through, so everybody may wait again.
            pass


def _failure() -> tuple[type[BaseException], BaseException, None]:
    error = StorageUnavailable("locked")
    return type(error), error, None


def test_a_quiet_hour_is_no_trouble() -> None:
    """Nobody got through for an hour because nobody wanted to."""
    seconds = Seconds()
    queue = Queue(seconds)
    seconds.now += 3600
    with ExitStack() as inside:
        for _ in range(MOST_WAITING + 1):
            inside.enter_context(queue.place())


def test_a_turn_is_waited_for() -> None:
    """One thread at a time; the others wait so long, and the next one gets it at once."""
    queue = Queue()
    refused = pytest.raises(StorageUnavailable, match="database is locked: other threads")
    with queue.turn(5), refused, queue.turn(0.05):
        pass
    with queue.turn(0):
        pass


def test_two_waits_are_no_longer_than_one(sqlite_engine: Engine, tmp_path: Path) -> None:
    """A thread that waited for another thread waits for another process only as long as is left."""
    path = tmp_path / "adapter.db"
    other = open_sqlite(f"sqlite:///{path}", 1, 5)
    engine = open_sqlite(f"sqlite:///{path}", 2, 1.0)
    with writing(other):
        threading.Thread(target=_fail, args=(engine,)).start()
        time.sleep(0.5)  # That one waits for the other process; we wait for that one, then for what is left.
        began = time.monotonic()
        with pytest.raises(StorageUnavailable, match="database is locked"), writing(engine):
            pass
        assert time.monotonic() - began < 1.4
    with reading(engine) as one:
        assert 1000 == one.exec_driver_sql("PRAGMA busy_timeout").scalar()
    for opened in (other, engine):
        opened.dispose()


def _fail(engine: Engine) -> None:
    with pytest.raises(StorageUnavailable, match="database is locked"), writing(engine):
        pass


def test_many_threads_are_all_served(sqlite_engine: Engine, at_once: AtOnce) -> None:
    """Thirty-two threads that write again and again all get through, each within a fraction of the patience.

    When each asked SQLite for itself, of so many some were served never.
    """

    def work(_thread: int) -> float:
        longest = 0.0
        for _ in range(10):
            began = time.monotonic()
            with writing(sqlite_engine, WHILE_A_SHOP_WAITS) as connection:
                connection.execute(text("UPDATE purchases SET fence = 0"))
                time.sleep(0.001)
            longest = max(longest, time.monotonic() - began)
        return longest

    assert max(at_once(8, work)) < 2


def test_a_shop_is_sent_away_only_where_it_waits(engine: Engine) -> None:
    """A worker's own writing isn't counted, and is never sent away: it may wait."""
    with ExitStack() as inside:
        queue: Queue = engine.get_execution_options()["queue"]
        for _ in range(MOST_WAITING):
            inside.enter_context(queue.place())
        time.sleep(STUCK_SECONDS + 0.05)
        with pytest.raises(StorageUnavailable, match="8 wait already"), writing(engine, WHILE_A_SHOP_WAITS):
            pass
        with writing(engine):
            pass


def test_a_busy_process_leaves_room_for_another(sqlite_engine: Engine, tmp_path: Path) -> None:
    """One that writes without a pause doesn't keep another one out: it asks again soon enough to find a gap."""
    other = open_sqlite(f"sqlite:///{tmp_path}/adapter.db", 1, 4)
    until = time.monotonic() + 3

    def hammer() -> None:
        while time.monotonic() < until:
            with writing(other):
                time.sleep(0.03)
            time.sleep(0.002)

    hammering = threading.Thread(target=hammer)
    hammering.start()
    served = 0
    while time.monotonic() < until:
        with writing(sqlite_engine):
            served += 1
    hammering.join()
    other.dispose()
    assert served >= 5
