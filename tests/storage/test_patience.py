"""How long PostgreSQL may take: a network that swallows everything, at whatever moment, holds nobody up."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from math import inf
from pathlib import Path

import psycopg
import pytest
from campaigns.wire import Verdict, Wire
from sqlalchemy import Engine, text

from adapter.errors import StorageUnavailable
from adapter.settings import load_settings
from adapter.storage.arrivals import Receipt, Received
from adapter.storage.engine import open_engine, reading, writing
from adapter.storage.patience import AT_WORK, ENDLESS, WHILE_A_SHOP_WAITS, Limit, Patience
from adapter.storage.purchases import Purchases
from adapter.storage.sealing import Sealer

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
QUICK = Patience(answer=0.5, block=0.5)
IDLE = 0.2
"""Seconds after which a connection is asked before an order is trusted to it."""
ORDER = Receipt(shop="acme", order_id="1001", body=b"{}", counts=True)


@pytest.fixture
def wire(postgres_engine: Engine) -> Iterator[Wire]:
    """Yield what stands between the adapter and the database."""
    wire = Wire(str(Path(str(postgres_engine.url.query["host"])) / ".s.PGSQL.5432"))
    yield wire
    wire.close()


@pytest.fixture
def distant(postgres_engine: Engine, wire: Wire) -> Iterator[Engine]:
    """Yield the database at the other end of the wire, with one connection open already."""
    url = f"postgresql://postgres@127.0.0.1:{wire.port}/{postgres_engine.url.database}"
    engine = open_engine(load_settings({"DATABASE_URL": url, "SECRET_KEY": "secret"}), threads=2)
    with reading(engine) as connection:
        connection.execute(text("SELECT 1"))
    yield engine
    engine.dispose()


@contextmanager
def given_up_within(low: float, high: float, words: str = "no answer from the database") -> Iterator[None]:
    """Expect that the block is given up after so many seconds, in these words."""
    began = time.monotonic()
    with pytest.raises(StorageUnavailable, match=words):
        yield
    assert low < time.monotonic() - began < high


def judged(statement: bytes, verdict: Verdict, times: int = 1) -> Callable[[bytes], Verdict]:
    """Return a judge that has this verdict on the first pieces with this statement, and lets all else pass."""
    left = [verdict] * times
    return lambda piece: left.pop() if left and statement in piece else "pass"


def count(engine: Engine) -> int:
    """Return how many orders are stored."""
    with reading(engine) as connection:
        return int(connection.execute(text("SELECT count(*) FROM purchases")).scalar_one())


def test_a_shop_hears_in_time_that_nothing_comes_back(distant: Engine, wire: Wire, sealer: Sealer) -> None:
    """The open connection is asked, then a new one is tried, and the answer is 503 before the shop's 5 s are over."""
    store = Purchases(distant, sealer)
    time.sleep(IDLE)
    wire.forget()
    wire.judge = lambda _piece: "swallow"
    with given_up_within(1, 4.3, "timeout expired"):
        store.receive([ORDER], NOON)
    wire.judge = lambda _piece: "pass"
    assert [Received.STORED] == store.receive([ORDER], NOON)


def test_a_connection_that_the_network_has_forgotten(distant: Engine, wire: Wire, sealer: Sealer) -> None:
    """It costs a moment, and no order: a new connection is made while there is time."""
    time.sleep(IDLE)
    wire.forget()
    began = time.monotonic()
    assert [Received.STORED] == Purchases(distant, sealer).receive([ORDER], NOON)
    assert 1 < time.monotonic() - began < 3


def test_a_stored_order_whose_answer_is_swallowed(distant: Engine, wire: Wire, sealer: Sealer) -> None:
    """The insert that got no answer is told as not stored within four seconds, and the next try works."""
    store = Purchases(distant, sealer)
    wire.judge = judged(b"INSERT INTO purchases", "swallow")
    with given_up_within(3, 4.3):
        store.receive([ORDER], NOON)
    assert [Received.STORED] == store.receive([ORDER], NOON)


@pytest.mark.parametrize("statement", [b"BEGIN", b"UPDATE purchases", b"COMMIT\0"])
def test_an_answer_that_is_swallowed(distant: Engine, wire: Wire, statement: bytes) -> None:
    """Whichever statement it belongs to, it is told in time, and the next block works."""
    wire.judge = judged(statement, "swallow")
    with given_up_within(0.4, 1), writing(distant, QUICK) as connection:
        connection.execute(text("UPDATE purchases SET fence = 0"))
    assert 0 == count(distant)


def test_a_round_trip_an_order(distant: Engine, wire: Wire, sealer: Sealer) -> None:
    """An order is one statement, which commits itself; the connection is asked first when it was idle."""
    store, sent = Purchases(distant, sealer), list[bytes]()
    for number in range(9):  # psycopg prepares what comes often.
        store.receive([replace(ORDER, order_id=str(number))], NOON)

    def overhear(piece: bytes) -> Verdict:
        sent.append(piece)
        return "pass"

    wire.judge = overhear
    store.receive([ORDER], NOON)
    assert 1 == len(sent)
    time.sleep(IDLE)
    store.receive([replace(ORDER, order_id="1002")], NOON)
    assert 3 == len(sent)


def test_forgotten_just_now(distant: Engine, wire: Wire, sealer: Sealer) -> None:
    """A connection that answered within the last moment isn't asked: the one order in it is told as not stored."""
    store = Purchases(distant, sealer)
    with reading(distant) as connection:
        connection.execute(text("SELECT 1"))
    wire.forget()
    with given_up_within(3, 4.3):
        store.receive([ORDER], NOON)
    assert [Received.STORED] == store.receive([ORDER], NOON)


@pytest.mark.parametrize(("verdict", "stored"), [("lose", Received.STORED), ("deafen", Received.UNCHANGED)])
def test_a_statement_with_an_unknown_outcome(
    distant: Engine, wire: Wire, sealer: Sealer, verdict: Verdict, stored: Received
) -> None:
    """The connection breaks before or after the order was stored: it is tried again at once, and is one row."""
    wire.judge = judged(b"INSERT INTO purchases", verdict)
    assert [stored] == Purchases(distant, sealer).receive([ORDER], NOON)
    assert 1 == count(distant)


def test_an_unknown_outcome_twice(distant: Engine, wire: Wire, sealer: Sealer) -> None:
    """What breaks twice is told as not stored."""
    wire.judge = judged(b"INSERT INTO purchases", "lose", times=2)
    with pytest.raises(StorageUnavailable):
        Purchases(distant, sealer).receive([ORDER], NOON)
    assert 0 == count(distant)


@pytest.mark.parametrize(("verdict", "stored"), [("lose", 0), ("deafen", 1)])
def test_a_commit_with_an_unknown_outcome(distant: Engine, wire: Wire, verdict: Verdict, stored: int) -> None:
    """Whether it was done or not, it is told as not done."""
    statement = text("INSERT INTO tallies VALUES ('n', 's', 'k', 1, now())")
    wire.judge = judged(b"COMMIT\0", verdict)
    with pytest.raises(StorageUnavailable), writing(distant) as connection:
        connection.execute(statement)
    with reading(distant) as connection:
        assert stored == connection.execute(text("SELECT count(*) FROM tallies")).scalar_one()


def test_a_migration_waits_as_long_as_it_takes(distant: Engine) -> None:
    """Another process that migrates may need minutes: only the check of the connection itself is bounded."""
    with writing(distant, ENDLESS) as connection:
        assert 1 == connection.execute(text("SELECT 1 FROM pg_sleep(2)")).scalar()


def test_a_slow_block_of_quick_statements(distant: Engine) -> None:
    """A shop waits for the whole block; a worker may go on as long as each of its statements is answered."""
    with given_up_within(0.4, 1), writing(distant, QUICK) as connection:
        for _ in range(20):
            connection.execute(text("SELECT pg_sleep(0.1)"))
    with writing(distant, Patience(answer=0.5)) as connection:
        for _ in range(8):
            connection.execute(text("SELECT pg_sleep(0.1)"))


def test_no_time_is_left_to_connect() -> None:
    """A new connection that couldn't be made in time isn't begun."""
    now = time.monotonic()
    assert 3 == Limit(4, inf).left_to_connect()
    assert 2 == Limit(4, now + 2.9).left_to_connect()
    assert 2 == Limit(4, now + 1.9).left_to_connect()
    with pytest.raises(psycopg.OperationalError, match="no time left"):
        Limit(4, now + 1.4).left_to_connect()
    assert 0 == Limit(4, now - 1).left()


def test_the_figures() -> None:
    """A shop gives up after five seconds; the server ends a statement after four."""
    assert (3.5, 3.5) == (WHILE_A_SHOP_WAITS.answer, WHILE_A_SHOP_WAITS.block)
    assert (5, inf) == (AT_WORK.answer, AT_WORK.block)
    assert (inf, inf) == (ENDLESS.answer, ENDLESS.block)
