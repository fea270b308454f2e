"""How the databases are opened: durable, patient only so long, and silent about values."""

from __future__ import annotations

import re
import socket
import sqlite3
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy import Connection, Engine, bindparam, insert, text
from sqlalchemy.exc import OperationalError

from adapter.errors import StorageUnavailable
from adapter.settings import load_settings
from adapter.storage.direct import Driver
from adapter.storage.engine import directly, open_engine, open_sqlite, place, reading, writing
from adapter.storage.migrate import migrate
from adapter.storage.patience import WHILE_A_SHOP_WAITS
from adapter.storage.tables import destinations

if TYPE_CHECKING:
    from tests.storage.conftest import AtOnce, Ledger

Opening = Callable[[Engine], AbstractContextManager[Connection]]

CANARY = "canary@example.test"

HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.readline()
"""


@contextmanager
def held_elsewhere(path: Path) -> Iterator[None]:
    """Let another process hold a SQLite file for itself."""
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        try:
            yield
        finally:
            holder.kill()


@contextmanager
def opened(url: str, threads: int = 2) -> Iterator[Engine]:
    """Open the configured engine, and close it afterwards."""
    engine = open_engine(load_settings({"DATABASE_URL": url, "SECRET_KEY": "secret"}), threads)
    yield engine
    engine.dispose()


@contextmanager
def impatient(path: Path, seconds: float = 0.3, threads: int = 2) -> Iterator[Engine]:
    """Open a SQLite file with a short patience, so that the test is quick."""
    engine = open_sqlite(f"sqlite:///{path}", threads, seconds)
    yield engine
    engine.dispose()


def count_orders(engine: Engine) -> int:
    """Return how many orders are stored."""
    with reading(engine) as connection:
        return connection.execute(text("SELECT count(*) FROM purchases")).scalar_one()


def insert_destination(connection: Connection, name: str) -> None:
    """Write one small row."""
    statement = (
        "INSERT INTO destinations (id, condition, since, failures, odd_answers) VALUES (:name, 'open', :at, 0, 0)"
    )
    connection.execute(text(statement), {"name": name, "at": "2026-05-01 12:00:00.000000"})


def destination_ids(engine: Engine) -> list[str]:
    """Return what was written."""
    with reading(engine) as connection:
        return list(connection.execute(text("SELECT id FROM destinations ORDER BY id")).scalars())


@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        ("journal_mode", "wal"),
        ("synchronous", 2),  # FULL: every commit is on disk before it returns.
        ("foreign_keys", 1),
        ("secure_delete", 1),
        ("busy_timeout", 0),  # The waiting is ours, and stops no other greenlet.
        ("journal_size_limit", 64 * 1024 * 1024),
        ("wal_autocheckpoint", 250),
    ],
)
def test_sqlite_is_durable_on_every_connection(sqlite_engine: Engine, pragma: str, value: object) -> None:
    """Each connection of the pool has the settings, read back from SQLite, and keeps them when it is used again."""
    for _ in range(2):
        with reading(sqlite_engine) as one, writing(sqlite_engine) as another:
            assert value == one.exec_driver_sql(f"PRAGMA {pragma}").scalar()
            assert value == another.exec_driver_sql(f"PRAGMA {pragma}").scalar()


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("statement_timeout", "4s"),
        ("lock_timeout", "4s"),
        ("idle_in_transaction_session_timeout", "10s"),
        ("application_name", "order-adapter"),
        ("synchronous_commit", "on"),
        ("transaction_isolation", "read committed"),
    ],
)
def test_postgresql_answers_in_time(postgres_engine: Engine, setting: str, value: str) -> None:
    """Each session has the limits, read back from the server, also after a connection was used for reading."""
    for opening in (reading, writing):
        with opening(postgres_engine) as connection:
            assert value == connection.exec_driver_sql(f"SHOW {setting}").scalar()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_postgresql(postgres_url: str, scheme: str) -> None:
    """The addresses that hosts give open the same database."""
    with opened(postgres_url.replace("postgresql", scheme, 1)) as engine, reading(engine) as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1


@pytest.mark.parametrize("name", ["with space.db", "50%.db", "50%41.db", "a#b.db", "ünïcode.db"])
def test_a_path_with_odd_characters(tmp_path: Path, name: str) -> None:
    """The file has the very name that was asked for."""
    with opened(f"sqlite:///{tmp_path}/{name}") as engine:
        migrate(engine)
        assert count_orders(engine) == 0
    assert (tmp_path / name).is_file()


def test_a_writing_block_commits(engine: Engine) -> None:
    """What was written is there when the block has ended."""
    with writing(engine) as connection:
        insert_destination(connection, "kept")
    assert destination_ids(engine) == ["kept"]


def test_a_writing_block_that_fails_leaves_nothing(engine: Engine) -> None:
    """An error in the block, of whatever kind, undoes all of it and is raised as it is."""

    def write_and_fail() -> None:
        with writing(engine) as connection:
            insert_destination(connection, "lost")
            raise KeyError("own")

    with pytest.raises(KeyError, match="own"):
        write_and_fail()
    assert destination_ids(engine) == []


def test_writers_take_the_lock_when_they_begin(sqlite_engine: Engine, tmp_path: Path) -> None:
    """A writing block that has said nothing yet is the writer: no one else gets between its reading and writing."""
    other = sqlite3.connect(tmp_path / "adapter.db", timeout=0, isolation_level=None)
    for _ in range(2):
        with writing(sqlite_engine), pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        with reading(sqlite_engine):  # The same pooled connection, which is the writer again in the next round.
            other.execute("BEGIN IMMEDIATE")
            other.execute("ROLLBACK")
    other.close()


def test_readers_open_no_transaction(engine: Engine) -> None:
    """A reader sees what others commit while it is open, and holds no snapshot that would let the WAL grow."""
    with reading(engine) as connection:
        assert connection.execute(text("SELECT id FROM destinations")).all() == []
        with writing(engine) as other:
            insert_destination(other, "new")
        assert connection.execute(text("SELECT id FROM destinations")).scalar() == "new"


def test_readers_and_writers_at_once(ledger: Ledger, at_once: AtOnce) -> None:
    """Threads that read, then write in one transaction, many times over, never meet `database is locked`.

    Of 1,600 such transactions with a plain BEGIN, SQLite refused 1,506.
    """

    def work(thread: int) -> int:
        for number in range(50):
            ledger.receive(f"{thread}-{number}")
            ledger.claim(limit=1)
        return thread

    assert at_once(4, work) == [0, 1, 2, 3]
    assert sum(ledger.purchases.counts()["acme"].values()) == 200


@pytest.mark.processes
@pytest.mark.parametrize("opening", [reading, writing])
def test_a_file_that_another_process_holds(sqlite_engine: Engine, tmp_path: Path, opening: Opening) -> None:
    """A file that stays locked is reported when the patience is over, and works again as soon as it is free."""
    path = tmp_path / "adapter.db"
    with impatient(path) as engine:
        assert count_orders(engine) == 0
        with held_elsewhere(path):
            started = time.monotonic()
            with pytest.raises(StorageUnavailable, match="database is locked"), writing(engine):
                pass
            assert 0.2 < time.monotonic() - started < 2
        with opening(engine) as connection:
            assert connection.execute(text("SELECT count(*) FROM purchases")).scalar() == 0


@pytest.mark.processes
def test_a_file_that_is_held_when_it_is_opened(sqlite_engine: Engine, tmp_path: Path) -> None:
    """Also the first connection of a process gives up in time."""
    sqlite_engine.dispose()
    with held_elsewhere(tmp_path / "adapter.db"), impatient(tmp_path / "adapter.db") as engine:
        started = time.monotonic()
        with pytest.raises(StorageUnavailable, match="database is locked"), writing(engine):
            pass
        assert time.monotonic() - started < 2


@pytest.mark.processes
def test_a_new_file_that_another_process_holds(tmp_path: Path) -> None:
    """The switch to WAL is waited for as long as any statement, no longer, and works when the file is free."""
    with impatient(tmp_path / "new.db") as engine:
        with held_elsewhere(tmp_path / "new.db"):
            started = time.monotonic()
            with pytest.raises(StorageUnavailable, match="database is locked"), writing(engine):
                pass
            assert 0.2 < time.monotonic() - started < 1
        with reading(engine) as connection:
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


@pytest.mark.processes
def test_a_statement_that_waits_outside_of_a_transaction(tmp_path: Path) -> None:
    """It waits as long as a transaction would, by asking again: SQLite's own waiting would stop every greenlet."""
    with impatient(tmp_path / "new.db") as engine:
        with writing(engine) as connection:
            connection.execute(text("CREATE TABLE a (b)"))
        with held_elsewhere(tmp_path / "new.db"), reading(engine) as connection:
            started = time.monotonic()
            with pytest.raises(OperationalError, match="database is locked"):
                connection.execute(text("INSERT INTO a VALUES (1)"))
            assert 0.2 < time.monotonic() - started < 1
        with reading(engine) as connection:
            connection.execute(text("INSERT INTO a VALUES (1)"))


def test_a_file_that_may_not_be_written(tmp_path: Path) -> None:
    """What waiting can't mend is reported at once."""
    sqlite3.connect(tmp_path / "old.db").close()
    with sqlite3.connect(tmp_path / "old.db") as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    engine = open_sqlite(f"sqlite:///file:{tmp_path}/old.db?mode=ro&uri=true", 1)
    started = time.monotonic()
    with pytest.raises(StorageUnavailable, match="readonly database"), writing(engine):
        pass
    assert time.monotonic() - started < 1
    engine.dispose()


@pytest.mark.processes
def test_the_patience_is_four_seconds(sqlite_engine: Engine, tmp_path: Path) -> None:
    """The shops give up on us after five seconds, so the answer comes before that, by default."""
    count_orders(sqlite_engine)
    with held_elsewhere(tmp_path / "adapter.db"):
        started = time.monotonic()
        with pytest.raises(StorageUnavailable), writing(sqlite_engine):
            pass
        assert 3.5 < time.monotonic() - started < 4.5


def test_a_table_that_is_locked_on_postgresql(postgres_engine: Engine) -> None:
    """A lock that isn't given within four seconds is reported before the shops give up."""
    with psycopg.connect(_libpq_url(postgres_engine)) as holder:
        holder.execute("LOCK TABLE purchases")
        started = time.monotonic()
        with pytest.raises(StorageUnavailable, match="timeout"):
            count_orders(postgres_engine)
        assert 3.5 < time.monotonic() - started < 4.5
        holder.rollback()
    assert count_orders(postgres_engine) == 0


def test_when_every_connection_is_in_use(tmp_path: Path) -> None:
    """A thread that gets no connection in time says so instead of waiting for ever."""
    refused = pytest.raises(StorageUnavailable, match="TimeoutError: QueuePool limit of size 1")
    with impatient(tmp_path / "adapter.db", threads=1) as engine, reading(engine), refused, reading(engine):
        pass


def test_the_connection_that_was_used_last(engine: Engine) -> None:
    """It is the next to be used: it knows what it has read, and one that nobody needs doesn't read the same."""
    with ExitStack() as used:
        connections = [used.enter_context(reading(engine)) for _ in range(3)]
        drivers = [connection.connection.dbapi_connection for connection in connections]
    with reading(engine) as next_one:
        assert next_one.connection.dbapi_connection is drivers[0]  # Which was given back last.


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    """A damaged file is reported in SQLite's words."""
    (tmp_path / "adapter.db").write_bytes(b"this is no database at all, whatever its name says" * 100)
    refused = pytest.raises(StorageUnavailable, match="file is not a database")
    with opened(f"sqlite:///{tmp_path}/adapter.db") as engine, refused:
        count_orders(engine)


def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    """A file that can't be made is reported in SQLite's words."""
    refused = pytest.raises(StorageUnavailable, match="unable to open database file")
    with opened(f"sqlite:///{tmp_path}/missing/adapter.db") as engine, refused:
        count_orders(engine)


def test_no_server_there() -> None:
    """A port on which nothing listens is reported at once, without the password."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"postgresql://user:{CANARY.replace('@', '%40')}@127.0.0.1:{unused.getsockname()[1]}/orders"
        with opened(url) as engine, pytest.raises(StorageUnavailable, match="refused") as refused:
            count_orders(engine)
    assert CANARY not in "".join(traceback.format_exception(refused.value))


def test_a_server_that_went_away(postgres_engine: Engine) -> None:
    """A database that is gone is reported, from pooled connections as from new ones."""
    assert count_orders(postgres_engine) == 0
    _drop(postgres_engine)
    for opening in (reading, writing, reading):
        with pytest.raises(StorageUnavailable, match="does not exist"), opening(postgres_engine):
            pass


def test_a_connection_that_broke_while_idle(postgres_engine: Engine) -> None:
    """After a restart of the server the next use gets a new connection, and nobody notices."""
    assert count_orders(postgres_engine) == 0
    _break_connections(postgres_engine)
    assert count_orders(postgres_engine) == 0


def test_a_connection_that_breaks_in_the_middle(postgres_engine: Engine) -> None:
    """A server that ends the session in a transaction is reported, nothing was written, and the next one works."""

    def write_while_it_breaks() -> None:
        with writing(postgres_engine) as connection:
            insert_destination(connection, "lost")
            _break_connections(postgres_engine)
            insert_destination(connection, "lost too")

    with pytest.raises(StorageUnavailable, match="terminating connection"):
        write_while_it_breaks()
    assert destination_ids(postgres_engine) == []


@contextmanager
def at_the_door(engine: Engine) -> Iterator[Driver]:
    """Open the database as an order's webhook does."""
    with place(engine, WHILE_A_SHOP_WAITS) as seconds, directly(engine, WHILE_A_SHOP_WAITS, seconds) as driver:
        yield driver


def insert_directly(driver: Driver, name: str) -> None:
    """Insert a destination of this name."""
    values = {"id": name, "at": datetime.fromisoformat("2026-05-01T12:00:00+00:00")}
    assert [(name,)] == list(driver.fetch(INSERT_DIRECTLY, values))


INSERT_DIRECTLY = (
    insert(destinations)
    .values(id=bindparam("id"), condition="open", since=bindparam("at"), failures=0, odd_answers=0)
    .returning(destinations.c.id)
)


def test_the_door(engine: Engine) -> None:
    """What is written past SQLAlchemy is there for everybody when the block has ended."""
    with at_the_door(engine) as driver:
        insert_directly(driver, "one")
        insert_directly(driver, "two")
    assert ["one", "two"] == destination_ids(engine)


def test_an_error_at_the_door(engine: Engine) -> None:
    """On SQLite nothing is kept of a group with an error, on PostgreSQL each statement stands alone."""

    def fail() -> None:
        with at_the_door(engine) as driver:
            insert_directly(driver, "one")
            insert_directly(driver, "one")

    with pytest.raises(StorageUnavailable, match=re.compile("unique", re.IGNORECASE)) as refused:
        fail()
    assert "DETAIL" not in str(refused.value)
    assert ([] if engine.dialect.name == "sqlite" else ["one"]) == destination_ids(engine)


def test_a_transaction_on_a_connection_of_the_door(engine: Engine) -> None:
    """A connection on which statements stood alone is rolled back whole when a transaction fails, and reads."""

    def fail() -> None:
        with writing(engine) as connection:
            insert_destination(connection, "lost")
            insert_destination(connection, "lost")

    for number in range(3):
        with at_the_door(engine) as driver:
            insert_directly(driver, str(number))
        with pytest.raises(StorageUnavailable):
            fail()
        assert 0 == count_orders(engine)
        with writing(engine) as connection:
            insert_destination(connection, f"kept {number}")
    assert ["0", "1", "2", "kept 0", "kept 1", "kept 2"] == destination_ids(engine)


def test_connections_that_break_at_the_door(postgres_engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    """When one breaks that was used just now, the others are asked before the next use: a second try succeeds.

    The broken one is thrown away, and no library complains of it in the log.
    """

    def use_many() -> None:
        with ExitStack() as stack:
            for number in range(4):
                insert_directly(stack.enter_context(at_the_door(postgres_engine)), str(time.monotonic_ns() + number))

    use_many()
    _break_connections(postgres_engine)

    def store() -> None:
        with at_the_door(postgres_engine) as driver:
            insert_directly(driver, "again")

    with pytest.raises(StorageUnavailable, match="terminating connection"):
        store()
    store()
    use_many()
    assert 9 == len(destination_ids(postgres_engine))
    assert [] == caplog.records


def test_a_request_that_is_given_up_at_the_door(engine: Engine) -> None:
    """Its connection isn't used again, and what it had begun on SQLite is undone: the next one can write at once."""

    def give_up() -> None:
        with at_the_door(engine) as driver:
            insert_directly(driver, "given up")
            raise SystemExit

    with pytest.raises(SystemExit):
        give_up()
    with at_the_door(engine) as driver:
        insert_directly(driver, "next")
    assert "next" in destination_ids(engine)
    assert (engine.dialect.name == "sqlite") is ("given up" not in destination_ids(engine))


def test_errors_hold_no_values(engine: Engine) -> None:
    """Neither the message nor the traceback that a log would print shows what was to be stored."""

    def write_twice() -> None:
        with writing(engine) as connection:
            insert_destination(connection, "one")
            values = {"key": CANARY.encode(), "shop": CANARY, "at": "2026-05-01 12:00:00.000000"}
            statement = (
                "INSERT INTO clicks (key, shop, identifiers, first_at, last_at) VALUES (:key, :shop, :key, :at, :at)"
            )
            connection.execute(text(statement), values)
            connection.execute(text(statement), values)

    with pytest.raises(StorageUnavailable, match=re.compile("unique", re.IGNORECASE)) as refused:
        write_twice()
    assert CANARY not in "".join(traceback.format_exception(refused.value))


def test_a_driver_that_says_nothing(engine: Engine) -> None:
    """An error without a message is named by its kind alone."""

    def fail() -> None:
        with writing(engine):
            raise OperationalError("statement", {"name": CANARY}, OSError())

    with pytest.raises(StorageUnavailable) as refused:
        fail()
    assert str(refused.value) == "OperationalError"


def test_a_long_story_is_cut(engine: Engine) -> None:
    """Only the first line of what the driver says is told, and of that 200 characters."""

    def fail() -> None:
        with writing(engine):
            raise OperationalError("statement", {}, OSError("x" * 300 + "\nDETAIL: " + CANARY))

    with pytest.raises(StorageUnavailable) as refused:
        fail()
    assert str(refused.value) == "OperationalError: " + "x" * 200


def _libpq_url(engine: Engine) -> str:
    return engine.url.set(drivername="postgresql").render_as_string(hide_password=False)


def _elsewhere(engine: Engine) -> str:
    return engine.url.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)


def _break_connections(engine: Engine) -> None:
    with psycopg.connect(_elsewhere(engine), autocommit=True) as connection:
        query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
        assert connection.execute(query, [engine.url.database]).fetchall() != []


def _drop(engine: Engine) -> None:
    with psycopg.connect(_elsewhere(engine), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{engine.url.database}" WITH (FORCE)'.encode())
