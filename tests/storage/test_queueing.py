"""Who waits for the database: threads take turns, and when nobody gets through, most are sent away at once."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine, text
from ticking import Seconds

from adapter.errors import StorageBusy, StorageUnavailable
from adapter.settings import load_settings
from adapter.storage import engine as storage_engine
from adapter.storage import queueing
from adapter.storage.engine import open_engine, open_sqlite, writing
from adapter.storage.patience import AT_WORK, WHILE_A_BROWSER_WAITS, WHILE_A_SHOP_WAITS
from adapter.storage.queueing import (
    CROWDED,
    MOST_BESIDE,
    MOST_WAITING,
    SQLITE_GAP_SECONDS,
    SQLITE_WORK_GAP_SECONDS,
    STUCK_SECONDS,
    Queue,
)

if TYPE_CHECKING:
    from tests.storage.conftest import AtOnce


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


def test_no_more_wait_than_that() -> None:
    """One order too many is refused at once, however quickly the others get through."""
    queue = Queue(most=3)
    with ExitStack() as inside:
        places = [queue.place() for _ in range(3)]
        for place in places:
            inside.enter_context(place)
        with (
            pytest.raises(StorageUnavailable, match="3 orders wait already, as many as MAX_WAITING_ORDERS"),
            queue.place(),
        ):
            pass
        places[0].__exit__(None, None, None)
        with queue.place():
            pass


def test_who_comes_late_hears_since_when_nobody_got_through() -> None:
    """The first waits with its whole patience, who comes three seconds later with so much less."""
    seconds = Seconds()
    queue = Queue(seconds)
    with queue.place() as first:
        seconds.now += 3
        with queue.place() as late:
            pass
        with queue.place() as after_one_got_through:
            pass
    assert (0, 3, 0) == (first, late, after_one_got_through)


def test_an_empty_queue_is_still_stuck_after_a_failure() -> None:
    """The last one gave up: who comes next waits no longer than others do, until one gets through."""
    seconds = Seconds()
    queue = Queue(seconds)
    with pytest.raises(StorageUnavailable), queue.place():
        raise StorageUnavailable("locked")
    seconds.now += 60
    with queue.place() as after_a_failure:
        pass
    seconds.now += 60
    with queue.place() as after_a_success:
        pass
    assert (60, 0) == (after_a_failure, after_a_success)


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


def test_a_gap_behind_each_who_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker's next write waits a moment, and holds nothing meanwhile: an order begins at once."""
    monkeypatch.setattr(queueing, "SQLITE_WORK_GAP_SECONDS", 0.3)
    queue = Queue()
    began = threading.Event()

    def work() -> None:
        with queue.turn_at_work(5):
            began.set()

    with queue.turn_at_work(0):
        ended = time.monotonic()
    thread = threading.Thread(target=work)
    thread.start()
    with queue.turn(0):
        assert not began.is_set()
    thread.join()
    assert time.monotonic() - ended >= 0.3


def test_who_works_waits_for_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """It gives up as an order does; one that gave up leaves the place to the next."""
    monkeypatch.setattr(queueing, "SQLITE_WORK_GAP_SECONDS", 0)
    queue = Queue()
    refused = pytest.raises(StorageUnavailable, match="database is locked: other threads")
    with queue.turn(0), refused, queue.turn_at_work(0.05):
        pass
    with queue.turn_at_work(0), refused, queue.turn_at_work(0.05):
        pass
    with queue.turn_at_work(0):
        pass


def test_only_work_on_sqlite_leaves_gaps(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """No order waits for one, and PostgreSQL has none."""
    monkeypatch.setattr(queueing, "SQLITE_WORK_GAP_SECONDS", 0.5)
    expected = {AT_WORK: engine.dialect.name == "sqlite", WHILE_A_SHOP_WAITS: False}
    for patience, is_slow in expected.items():
        began = time.monotonic()
        for _ in range(2):
            with writing(engine, patience):
                pass
        assert is_slow == (time.monotonic() - began >= 0.5)


def test_an_order_waits_for_one_write_of_a_worker(
    sqlite_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much another process has to do, an order waits for the write at hand and one more, nearly always."""
    monkeypatch.setattr(queueing, "SQLITE_WORK_GAP_SECONDS", SQLITE_WORK_GAP_SECONDS)
    other = open_sqlite(f"sqlite:///{tmp_path}/adapter.db", 1, 4)
    over = threading.Event()
    begun: list[float] = []

    def hammer() -> None:
        while not over.is_set():
            with writing(other):
                begun.append(time.monotonic())
                time.sleep(0.003)

    hammering = threading.Thread(target=hammer)
    hammering.start()
    waited_for: list[int] = []
    try:
        for _ in range(60):
            time.sleep(0.005)
            came = time.monotonic()
            with writing(sqlite_engine, WHILE_A_SHOP_WAITS):
                served = time.monotonic()
            waited_for.append(sum(came < at < served for at in begun))
    finally:
        over.set()
        hammering.join()
        other.dispose()
    assert sum(count <= 1 for count in waited_for) > 50


def test_who_gives_way_waits_for_orders() -> None:
    """While two orders are being stored no click begins; when one of them is, it does, and takes nobody's place."""
    queue = Queue()
    with queue.place(), ExitStack() as second:
        second.enter_context(queue.place())
        assert 2 == CROWDED
        with pytest.raises(StorageBusy, match="orders are being stored"), queue.turn_beside(0.01):
            pass
        second.close()
        with queue.turn_beside(0.01):
            pass
    assert (0, 0, False) == (queue._inside, queue._beside, queue._writes_beside)


def test_one_who_gives_way_begins_as_soon_as_there_is_room() -> None:
    """It doesn't ask again and again: whoever leaves wakes it."""
    queue = Queue()
    began = threading.Event()

    def click() -> None:
        with queue.turn_beside(5):
            began.set()

    with ExitStack() as orders:
        for _ in range(CROWDED):
            orders.enter_context(queue.place())
        thread = threading.Thread(target=click)
        thread.start()
        assert not began.wait(0.1)
        orders.close()
        assert began.wait(2)
    thread.join()


def test_one_who_gives_way_writes_at_a_time() -> None:
    """A second one waits until the first is done."""
    queue = Queue()
    with ExitStack() as first:
        first.enter_context(queue.turn_beside(0))
        with pytest.raises(StorageBusy), queue.turn_beside(0.01):
            pass
        first.close()
        with queue.turn_beside(0):
            pass


def test_a_gap_behind_each_who_gives_way() -> None:
    """On SQLite the next one begins a quarter of a second after the last one has ended; orders wait for no gap."""
    seconds = Seconds()
    queue = Queue(seconds, gap=SQLITE_GAP_SECONDS)
    with queue.turn_beside(0):
        seconds.now += 1
    with pytest.raises(StorageBusy), queue.turn_beside(0.05):
        pass
    with queue.place():
        pass
    seconds.now += SQLITE_GAP_SECONDS + 0.001
    with queue.turn_beside(0):
        pass


def test_a_gap_ends_by_itself() -> None:
    """Who waits for a gap goes on when it is over, also when nobody else comes or goes."""
    queue = Queue(gap=0.05)
    began = time.monotonic()
    for _ in range(3):
        with queue.turn_beside(2):
            pass
    assert 0.1 <= time.monotonic() - began < 1


def test_the_gap_of_each_database(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL lets many write, and needs none."""
    monkeypatch.setattr(storage_engine, "SQLITE_GAP_SECONDS", SQLITE_GAP_SECONDS)  # Tests leave it out.
    settings = load_settings({"DATABASE_URL": engine.url.render_as_string(hide_password=False), "SECRET_KEY": "x"})
    queue: Queue = open_engine(settings).get_execution_options()["queue"]
    assert (SQLITE_GAP_SECONDS if engine.dialect.name == "sqlite" else 0) == queue._gap


def test_most_threads_stay_free_of_those_who_give_way() -> None:
    """So many may be there at once; one more is sent away in no time, and an order comes in as if none were there."""
    queue = Queue()
    with ExitStack() as stack:
        for _ in range(CROWDED):
            stack.enter_context(queue.place())
        waiting = [threading.Thread(target=_wait_beside, args=(queue,)) for _ in range(MOST_BESIDE)]
        for thread in waiting:
            thread.start()
        while queue._beside < MOST_BESIDE:
            time.sleep(0.001)
        began = time.monotonic()
        with pytest.raises(StorageBusy, match="too many wait already"), queue.place_beside():
            pass
        with queue.place():
            assert time.monotonic() - began < 0.2
        stack.close()
        for thread in waiting:
            thread.join()
    assert (0, 0, False) == (queue._inside, queue._beside, queue._writes_beside)


def _wait_beside(queue: Queue) -> None:
    with queue.place_beside(), queue.turn_beside(5):
        pass


def test_a_click_gives_way_on_both_databases(engine: Engine) -> None:
    """A click's transaction isn't begun while two shops wait; a failure of it leaves its place to the next."""
    queue: Queue = engine.get_execution_options()["queue"]
    with queue.place(), queue.place(), pytest.raises(StorageBusy), writing(engine, WHILE_A_BROWSER_WAITS):
        pass
    for _ in range(2):
        with pytest.raises(StorageUnavailable, match="no_such_table"), writing(engine, WHILE_A_BROWSER_WAITS) as sql:
            sql.execute(text("UPDATE no_such_table SET x = 1"))
    with writing(engine, WHILE_A_BROWSER_WAITS) as sql:
        sql.execute(text("UPDATE purchases SET fence = 0"))
