"""Opening the database: SQLite made durable and patient, PostgreSQL made impatient enough to answer in time."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from math import inf
from time import monotonic
from typing import Any

import psycopg
from psycopg.types.array import ListBinaryDumper
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import InvalidatePoolError, OperationalError, SQLAlchemyError

from adapter.errors import StorageUnavailable
from adapter.settings import MAX_WAITING_ORDERS, Settings
from adapter.storage.direct import Driver
from adapter.storage.insisting import at_ease, in_a_hurry, insist
from adapter.storage.patience import AT_WORK, Patience, PunctualConnection, current, limited
from adapter.storage.queueing import SQLITE_GAP_SECONDS, Queue

Database = Engine
"""A database, for those who only hand it on."""

BUSY_SECONDS = 4
"""How long a statement may wait for another writer: WooCommerce and Shopify give up on us after five."""

_SHORTEST_WAIT = 1.0
_SHORTEST_RECONNECT = 2.0
"""Seconds."""

_QUEUE = "queue"
_BUSY = "busy_seconds"
"""Where an engine carries what belongs to it: its queue, and on SQLite the patience of its connections."""

_BREAKS = "breaks"
"""Where an engine on PostgreSQL carries when one of its connections broke last."""

_GIVES_UP_AT = "gives_up_at"
"""Where a connection carries until when its next transaction may wait to begin, by the monotonic clock."""

_USED_AT = "used_at"
"""Where a pooled connection carries when it was last given back, by the monotonic clock."""

_JUST_NOW_SECONDS = 0.1
"""A connection that answered within this time is there still, but for the rarest case, and that is tried again."""

_POOL_SECONDS = 2
"""How long to wait on PostgreSQL for a connection that others of the process use."""

_POSTGRESQL = {
    "options": f"-c statement_timeout={BUSY_SECONDS * 1000} -c lock_timeout={BUSY_SECONDS * 1000}"
    " -c idle_in_transaction_session_timeout=10000",
    "tcp_user_timeout": 5000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "application_name": "order-adapter",
}


@dataclass(slots=True)
class Breaks:
    """When a connection of an engine broke last, by the monotonic clock."""

    last_at: float = -inf


def open_engine(settings: Settings, threads: int = 8) -> Engine:
    """Return the engine of the configured database; `threads` is how many may use it at once. Connects lazily."""
    if settings.sqlite_path is not None:
        url = URL.create("sqlite", database=str(settings.sqlite_path))
        return open_sqlite(url, threads, most_waiting=settings.max_waiting_orders)
    scheme, rest = settings.database_url.split("://", 1)
    del scheme  # postgres, postgresql or postgresql+psycopg: all the same database.
    engine = create_engine(
        f"postgresql+psycopg://{rest}",
        pool_size=threads,
        max_overflow=0,
        pool_timeout=_POOL_SECONDS,
        hide_parameters=True,
        connect_args=_POSTGRESQL,
        pool_use_lifo=True,  # The one that was used last is there still, and PostgreSQL's process behind it is warm.
        execution_options={_QUEUE: Queue(most=settings.max_waiting_orders), _BREAKS: Breaks()},
    )
    event.listen(engine, "do_connect", _connect_in_time)
    event.listen(engine, "connect", _send_arrays_in_binary)
    event.listen(engine, "begin", _begin_postgresql)
    event.listen(engine, "checkin", _note_use)
    event.listen(engine, "checkout", partial(_ask, engine))
    return engine


def _connect_in_time(_dialect: object, _record: object, arguments: Any, parameters: Any) -> PunctualConnection:  # noqa: ANN401  # SQLAlchemy's event.
    return PunctualConnection.connect(*arguments, **{**parameters, "connect_timeout": current().left_to_connect()})


def _send_arrays_in_binary(connection: PunctualConnection, _record: object) -> None:
    """Send no texts, which are psycopg's choice: in them the bodies of an array are twice as long, digit by digit."""
    connection.adapters.register_dumper(list, ListBinaryDumper)


def _note_use(_connection: object, record: Any) -> None:  # noqa: ANN401  # SQLAlchemy's event.
    record.info[_USED_AT] = monotonic()


def _begin_postgresql(connection: Connection) -> None:
    """Have psycopg say BEGIN: on this connection, statements may have stood alone before."""
    plain: Any = connection.connection.dbapi_connection
    is_wanted = connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT"
    if plain.autocommit and not is_wanted and not plain.closed:  # Of a broken one its first statement tells.
        plain.autocommit = False


def _ask(engine: Engine, connection: Any, record: Any, _proxy: object) -> None:  # noqa: ANN401  # As above.
    """Have a pooled connection that is gone replaced. The pool's own ping would ask one that was just used, too."""
    used_at = record.info.get(_USED_AT)
    broke_at = engine.get_execution_options()[_BREAKS].last_at
    if used_at is None or (current().trusts and used_at > max(broke_at, monotonic() - _JUST_NOW_SECONDS)):
        return  # It is new, or answered just now.
    try:
        engine.dialect.do_ping(connection)
    except psycopg.Error as error:
        raise InvalidatePoolError from error


def open_sqlite(
    url: str | URL, threads: int, busy_seconds: float = BUSY_SECONDS, most_waiting: int = MAX_WAITING_ORDERS
) -> Engine:
    """Return an engine on a SQLite file: WAL, synchronous=FULL, every writing transaction BEGIN IMMEDIATE.

    `busy_seconds` is how long a statement may wait for another writer, or a thread for a connection; `most_waiting`
    is how many orders may wait for their turn.
    """
    engine = create_engine(
        url,
        pool_size=threads,
        max_overflow=0,
        pool_timeout=busy_seconds,
        pool_use_lifo=True,  # The one that was used last has read what is needed, and each keeps up to 2 MB of that.
        hide_parameters=True,
        connect_args={"timeout": 0},  # The waiting is ours: see `adapter.storage.insisting`.
        execution_options={_QUEUE: Queue(gap=SQLITE_GAP_SECONDS, most=most_waiting), _BUSY: busy_seconds},
    )
    event.listen(engine, "connect", partial(_prepare_sqlite, busy_seconds))
    event.listen(engine, "begin", _begin_sqlite)
    event.listen(engine, "do_execute", partial(_execute, busy_seconds))
    return engine


def _prepare_sqlite(busy_seconds: float, connection: Any, _record: object) -> None:  # noqa: ANN401  # sqlite3's.
    connection.isolation_level = None  # We say BEGIN ourselves; sqlite3's own is deferred.
    # SQLite itself doesn't wait for another process that makes a new file a WAL file at this moment.
    insist(partial(connection.execute, "PRAGMA journal_mode=WAL"), monotonic() + busy_seconds)
    for pragma in (
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",
        "journal_size_limit=67108864",
        # The log is written back in small parts: an order waits 3 ms for that and not 9, as with SQLite's 1000 pages.
        "wal_autocheckpoint=250",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get("isolation_level") == "AUTOCOMMIT":
        return
    gives_up_at = connection.info.pop(_GIVES_UP_AT, None) or monotonic() + options[_BUSY]
    plain: Any = connection.connection.dbapi_connection
    try:
        _begin(plain, gives_up_at)
    except sqlite3.Error as error:
        raise OperationalError("BEGIN IMMEDIATE", {}, error) from error


def _begin(connection: sqlite3.Connection, gives_up_at: float, pause: Callable[[], None] = at_ease) -> None:
    """Begin as a writer: a deferred BEGIN that reads and then writes fails at once after another writer."""
    insist(partial(connection.execute, "BEGIN IMMEDIATE"), gives_up_at, pause)


def _execute(busy_seconds: float, cursor: Any, statement: str, parameters: Any, _context: object) -> bool:  # noqa: ANN401  # SQLAlchemy's event.
    """Execute a statement outside of a writer's transaction, too, with the patience that is ours."""
    insist(partial(cursor.execute, statement, parameters), monotonic() + busy_seconds)
    return True


@contextmanager
def writing(engine: Engine, patience: Patience = AT_WORK) -> Generator[Connection, None, None]:
    """Open a transaction that is committed when the block ends; raise `StorageUnavailable` when it can't be.

    `patience` bounds the waiting for PostgreSQL; SQLite's own is `BUSY_SECONDS`. While a shop waits, it may be raised
    at once: when too many wait already and nobody gets through. Who gives way gets `StorageBusy` when others go first.
    """
    with place(engine, patience) as seconds, transaction(engine, patience, seconds) as connection:
        yield connection


@contextmanager
def place(engine: Engine, patience: Patience) -> Generator[float, None, None]:
    """Take a place in the queue of those who write; yield for how many seconds one may wait from now on.

    When nobody has got through for a while, who comes now may have waited to be let in already, unseen: then it
    waits for what is left of the patience since, and a second at least. PostgreSQL may have to be connected to anew,
    which is given two.
    """
    options = engine.get_execution_options()
    with _place(options[_QUEUE], patience) as stuck_for:
        most, least = (options[_BUSY], _SHORTEST_WAIT) if _BUSY in options else (patience.block, _SHORTEST_RECONNECT)
        yield most - min(stuck_for, max(most - least, 0.0))


def _place(queue: Queue, patience: Patience) -> AbstractContextManager[float]:
    if patience.gives_way:
        return queue.place_beside()
    return queue.place() if patience.block < inf else nullcontext(0.0)


@contextmanager
def transaction(engine: Engine, patience: Patience, seconds: float) -> Generator[Connection, None, None]:
    """Open a transaction as `writing` does, for one who has a place in the queue and may wait for so many seconds."""
    queue: Queue = engine.get_execution_options()[_QUEUE]
    try:
        with (
            limited(patience.within(seconds)) as limit,
            _turn(engine, queue, patience, seconds) as gives_up_at,
            engine.connect() as connection,
        ):
            limit.answer = patience.answer
            connection.info[_GIVES_UP_AT] = gives_up_at
            with connection.begin():
                yield connection
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise StorageUnavailable(_reason(error)) from error


@contextmanager
def directly(engine: Engine, patience: Patience, seconds: float) -> Generator[Driver, None, None]:
    """Open a transaction as `transaction` does, past SQLAlchemy, whose share of an order alone is a tenth.

    On PostgreSQL each statement is a transaction of its own: that saves the round trips of BEGIN and COMMIT, a third
    of the time. On SQLite they would cost a sync each.
    """
    queue: Queue = engine.get_execution_options()[_QUEUE]
    try:
        with (
            limited(patience.within(seconds)) as limit,
            _turn(engine, queue, patience, seconds) as gives_up_at,
            _lent(engine) as connection,
        ):
            limit.answer = patience.answer
            if engine.dialect.name == "sqlite":
                _begin(connection, gives_up_at, in_a_hurry())
            elif not connection.autocommit:
                connection.autocommit = True
            yield Driver(engine.dialect.name, connection)
            connection.commit()  # After an error SQLite rolls back as the connection goes back to the pool.
    except (SQLAlchemyError, sqlite3.Error, psycopg.Error) as error:
        raise StorageUnavailable(_reason(error)) from error


@contextmanager
def _lent(engine: Engine) -> Generator[Any, None, None]:
    """Lend one of the pool's connections. When it breaks, the others aren't trusted either: they may be gone, too."""
    pooled = engine.raw_connection()
    connection: Any = pooled.dbapi_connection
    try:
        yield connection
    except psycopg.Error:
        if connection.closed:
            pooled.invalidate()
            engine.get_execution_options()[_BREAKS].last_at = monotonic()
        raise
    finally:
        pooled.close()


@contextmanager
def _turn(engine: Engine, queue: Queue, patience: Patience, seconds: float) -> Generator[float, None, None]:
    """Wait for those who go first, and on SQLite for the other threads, before a connection is taken: readers need it.

    Yield until when one may wait for other processes: that is what is left of the patience.
    """
    with queue.turn_beside() if patience.gives_way else nullcontext():
        gives_up_at = monotonic() + seconds
        if _BUSY not in engine.get_execution_options():
            yield gives_up_at
            return
        turn = queue.turn if patience.block < inf else queue.turn_at_work
        with turn(seconds):
            yield gives_up_at


@contextmanager
def reading(engine: Engine) -> Generator[Connection, None, None]:
    """Open a connection for reading alone, without a transaction; raise `StorageUnavailable` when it can't be."""
    try:
        with limited(AT_WORK) as limit, engine.connect() as plain:
            limit.answer = AT_WORK.answer
            with plain.execution_options(isolation_level="AUTOCOMMIT") as connection:
                yield connection
    except SQLAlchemyError as error:
        raise StorageUnavailable(_reason(error)) from error


def _reason(error: Exception) -> str:
    """Say what went wrong without the statement's parameters, which are personal.

    The driver's first line alone: PostgreSQL puts the row's values into the next, its DETAIL.
    """
    lines = str(getattr(error, "orig", None) or error).splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
