"""Opening the database: SQLite made durable and patient, PostgreSQL made impatient enough to answer in time."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from time import monotonic, sleep
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import SQLAlchemyError

from adapter.errors import StorageUnavailable
from adapter.settings import Settings
from adapter.storage.patience import AT_WORK, Patience, PunctualConnection, current, limited

Database = Engine
"""A database, for those who only hand it on."""

BUSY_SECONDS = 4
"""How long a statement may wait for another writer: WooCommerce and Shopify give up on us after five."""

_SWITCH_AGAIN_SECONDS = 0.02

_POOL_SECONDS = 2
"""How long to wait on PostgreSQL for a connection that other threads use: there are more than threads."""

_POSTGRESQL = {
    "options": f"-c statement_timeout={BUSY_SECONDS * 1000} -c lock_timeout={BUSY_SECONDS * 1000}"
    " -c idle_in_transaction_session_timeout=10000",
    "tcp_user_timeout": 5000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "application_name": "order-adapter",
}


def open_engine(settings: Settings, threads: int = 8) -> Engine:
    """Return the engine of the configured database; `threads` is how many may use it at once. Connects lazily."""
    if settings.sqlite_path is not None:
        return open_sqlite(URL.create("sqlite", database=str(settings.sqlite_path)), threads)
    scheme, rest = settings.database_url.split("://", 1)
    del scheme  # postgres, postgresql or postgresql+psycopg: all the same database.
    engine = create_engine(
        f"postgresql+psycopg://{rest}",
        pool_size=threads,
        max_overflow=0,
        pool_timeout=_POOL_SECONDS,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args=_POSTGRESQL,
    )
    event.listen(engine, "do_connect", _connect_in_time)
    return engine


def _connect_in_time(_dialect: object, _record: object, arguments: Any, parameters: Any) -> PunctualConnection:  # noqa: ANN401  # SQLAlchemy's event.
    return PunctualConnection.connect(*arguments, **{**parameters, "connect_timeout": current().left_to_connect()})


def open_sqlite(url: str | URL, threads: int, busy_seconds: float = BUSY_SECONDS) -> Engine:
    """Return an engine on a SQLite file: WAL, synchronous=FULL, every writing transaction BEGIN IMMEDIATE.

    `busy_seconds` is how long a statement may wait for another writer, or a thread for a connection.
    """
    engine = create_engine(
        url,
        pool_size=threads,
        max_overflow=0,
        pool_timeout=busy_seconds,
        hide_parameters=True,
        connect_args={"timeout": busy_seconds},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401  # sqlite3's connection.
    connection.isolation_level = None  # We say BEGIN ourselves; sqlite3's own is deferred.
    _switch_to_wal(connection)
    for pragma in (
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",
        "journal_size_limit=67108864",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _switch_to_wal(connection: Any) -> None:  # noqa: ANN401  # As above.
    """Make a new file a WAL file, and wait for others as any statement does.

    SQLite itself doesn't wait for another process that makes the same switch at this moment, so the waiting is ours.
    """
    patience: int = connection.execute("PRAGMA busy_timeout").fetchone()[0]
    gives_up_at = monotonic() + patience / 1000
    connection.execute("PRAGMA busy_timeout=0")
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or monotonic() > gives_up_at:
                raise
            sleep(_SWITCH_AGAIN_SECONDS)
        else:
            break
    connection.execute(f"PRAGMA busy_timeout={patience}")


def _begin_sqlite(connection: Connection) -> None:
    """Begin as a writer: a deferred BEGIN that reads and then writes fails at once after another writer."""
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def writing(engine: Engine, patience: Patience = AT_WORK) -> Generator[Connection, None, None]:
    """Open a transaction that is committed when the block ends; raise `StorageUnavailable` when it can't be.

    `patience` bounds the waiting for PostgreSQL; SQLite's own is `BUSY_SECONDS`.
    """
    try:
        with limited(patience) as limit, engine.connect() as connection:
            limit.answer = patience.answer
            with connection.begin():
                yield connection
    except SQLAlchemyError as error:
        raise StorageUnavailable(_reason(error)) from error


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


def _reason(error: SQLAlchemyError) -> str:
    """Say what went wrong without the statement's parameters, which are personal.

    The driver's first line alone: PostgreSQL puts the row's values into the next, its DETAIL.
    """
    lines = str(getattr(error, "orig", None) or error).splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
