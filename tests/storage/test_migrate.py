"""The schema: what the migrations make is what the tables say, whoever runs them and how often."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from threading import Event, Thread
from time import sleep

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, bindparam, inspect, select, text
from sqlalchemy.exc import OperationalError

import adapter
from adapter.errors import ConfigurationRefused, StorageUnavailable
from adapter.purchase.facts import Facts
from adapter.settings import load_settings
from adapter.storage import days
from adapter.storage.arrivals import Receipt
from adapter.storage.engine import open_engine, open_sqlite, reading, writing
from adapter.storage.migrate import migrate
from adapter.storage.purchases import Purchases
from adapter.storage.retention import Retention
from adapter.storage.schema import MIGRATIONS, Schema, schema_of
from adapter.storage.sealing import Sealer
from adapter.storage.tables import metadata, purchases

PACKAGE = Path(adapter.__file__).parent
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)

PROCESS = """
import sys
from adapter.settings import load_settings
from adapter.storage.engine import open_engine
from adapter.storage.migrate import migrate
engine = open_engine(load_settings({"DATABASE_URL": sys.argv[1], "SECRET_KEY": "secret"}))
print("ready", flush=True)
sys.stdin.readline()
migrate(engine)
engine.dispose()
print("migrated")
"""


@contextmanager
def opened(url: str) -> Iterator[Engine]:
    """Open the configured engine, and close it afterwards."""
    engine = open_engine(load_settings({"DATABASE_URL": url, "SECRET_KEY": "secret"}))
    yield engine
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of an empty database."""
    return f"sqlite:///{tmp_path}/empty.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")


@pytest.fixture
def empty(empty_url: str) -> Iterator[Engine]:
    """Yield an engine on an empty database."""
    with opened(empty_url) as engine:
        yield engine


def start(url: str, root: Path = PACKAGE.parent) -> subprocess.Popen[str]:
    """Start a process that migrates when it is told to, with the package that lies in `root`."""
    return subprocess.Popen(
        [sys.executable, "-c", PROCESS, url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )


def go(*processes: subprocess.Popen[str]) -> list[str]:
    """Let started processes migrate at the same time; return the last line that each printed."""
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return [process.communicate(timeout=60)[0].splitlines()[-1] for process in processes]


def tables(engine: Engine) -> set[str]:
    """Return the names of the tables that are there."""
    return set(inspect(engine).get_table_names())


def test_an_empty_database_gets_all_tables(empty: Engine) -> None:
    """After the first run every table is there, and the version."""
    migrate(empty)
    assert {"purchases", "clicks", "awaited_clicks", "destinations", "alembic_version"} <= tables(empty)


def test_migrating_again_changes_nothing(engine: Engine) -> None:
    """The second run keeps tables and rows."""
    with writing(engine) as connection:
        connection.execute(text("INSERT INTO awaited_clicks SELECT 'k', id FROM purchases"))
        insert = "INSERT INTO destinations (id, condition, since, failures, odd_answers)"
        connection.execute(text(f"{insert} VALUES ('d', 'open', '2026-05-01 12:00:00.000000', 0, 0)"))
    before = tables(engine)
    migrate(engine)
    assert before == tables(engine)
    with reading(engine) as connection:
        assert connection.execute(text("SELECT id FROM destinations")).scalars().all() == ["d"]


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index purchases_by_reason")
@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index")
def test_the_schema_is_what_the_tables_say(engine: Engine) -> None:
    """Alembic finds no difference between the migrated database and tables.py: columns, types, nulls, indexes."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_the_index_of_due_orders_is_partial(engine: Engine) -> None:
    """The index holds waiting orders alone, so that it stays small; Alembic doesn't compare that."""
    query = {
        "sqlite": "SELECT sql FROM sqlite_master WHERE name = 'purchases_waiting'",
        "postgresql": "SELECT indexdef FROM pg_indexes WHERE indexname = 'purchases_waiting'",
    }[engine.dialect.name]
    with reading(engine) as connection:
        definition = connection.execute(text(query)).scalar_one()
    assert "WHERE" in definition
    assert "'pending'" in definition
    assert "'delivering'" in definition


def test_the_index_of_reasons(engine: Engine) -> None:
    """It is by the words up to the first colon, and partial; SQLite's indexes of expressions can't be compared."""
    query = {
        "sqlite": "SELECT sql FROM sqlite_master WHERE name = 'purchases_by_reason'",
        "postgresql": "SELECT indexdef FROM pg_indexes WHERE indexname = 'purchases_by_reason'",
    }[engine.dialect.name]
    with reading(engine) as connection:
        definition = connection.execute(text(query)).scalar_one()
    kind = {"sqlite": "substr(reason, 1, min(instr(reason || ':', ':') - 1, 60))", "postgresql": "split_part(reason, "}
    assert kind[engine.dialect.name] in definition
    assert "reason IS NOT NULL" in definition.replace("(reason IS NOT NULL)", "reason IS NOT NULL")


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index purchases_by_reason")
@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index")
@pytest.mark.processes
def test_several_processes_at_once(empty_url: str) -> None:
    """Real processes that start on an empty database together all succeed, and the tables are made once."""
    assert ["migrated"] * 4 == go(*[start(empty_url) for _ in range(4)])
    with opened(empty_url) as engine, engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert connection.execute(text("SELECT count(*) FROM alembic_version")).scalar() == 1


@pytest.mark.processes
def test_a_folder_with_a_space_and_a_percent_sign(tmp_path: Path) -> None:
    """Both the program and its database may lie in a folder that Alembic's own configuration would choke on."""
    root = tmp_path / "50% off"
    shutil.copytree(PACKAGE, root / "adapter", ignore=shutil.ignore_patterns("__pycache__"))
    assert go(start(f"sqlite:///{root}/my 100%.db", root)) == ["migrated"]
    assert (root / "my 100%.db").is_file()
    assert not (root / "my 100").exists()


def test_a_migration_that_fails_leaves_nothing(empty: Engine) -> None:
    """All tables are made in one transaction: when the last can't be, none is there, and the next try starts anew."""
    with writing(empty) as connection:
        connection.execute(text("CREATE TABLE destinations (id TEXT)"))
    with pytest.raises(StorageUnavailable, match="destinations"):
        migrate(empty)
    assert {"destinations"} == tables(empty)
    with writing(empty) as connection:
        connection.execute(text("DROP TABLE destinations"))
    migrate(empty)
    assert "purchases" in tables(empty)


def test_a_database_from_a_newer_version(engine: Engine) -> None:
    """An older program that was brought back says what is wrong and what to do, and touches nothing."""
    with writing(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigurationRefused, match=r"DATABASE_URL: .* '9999' \(run the version that made it"):
        migrate(engine)
    with reading(engine) as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "9999"


def test_how_a_schema_stands(empty: Engine) -> None:
    """An empty or older database wants a migration; one of a newer version is told apart."""
    assert Schema.OLDER is schema_of(empty)
    migrate(empty)
    assert Schema.NEWEST is schema_of(empty)
    for version, schema in {"0001": Schema.OLDER, "9999": Schema.UNKNOWN}.items():
        with writing(empty) as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})
        assert schema is schema_of(empty)


def test_no_database_there(tmp_path: Path) -> None:
    """A database that can't be opened is an error of the storage, not a traceback of SQLAlchemy's."""
    with opened(f"sqlite:///{tmp_path}/missing/adapter.db") as engine, pytest.raises(StorageUnavailable):
        migrate(engine)


def test_migrations_wait_for_each_other(postgres_url: str) -> None:
    """On PostgreSQL a second migration waits for the first, also longer than a statement may otherwise take."""
    with opened(postgres_url) as engine, writing(engine) as connection:
        limits = ("statement_timeout", "lock_timeout")
        assert [connection.exec_driver_sql(f"SHOW {name}").scalar() for name in limits] == ["4s", "4s"]
        holder = connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7203451988001)")
        assert holder.rowcount == 1
        waiting = start(postgres_url)
        with pytest.raises(subprocess.TimeoutExpired):
            _go_for(waiting, seconds=5)
        connection.commit()
        assert waiting.communicate(timeout=60)[0].splitlines()[-1] == "migrated"


def _go_for(process: subprocess.Popen[str], seconds: float) -> None:
    """Let a process migrate and wait so long for its end."""
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline() == "ready\n"
    process.stdin.write("go\n")
    process.stdin.flush()
    process.wait(seconds)


def test_a_process_that_locked_crosswise(postgres_url: str) -> None:
    """A migration that PostgreSQL ends, because a process at work waits for it and it for that one, tries again."""
    with opened(postgres_url) as engine, engine.connect() as at_work, reading(engine) as looking:
        upgrade_to(engine, "0001")
        at_work.exec_driver_sql("SET deadlock_timeout = '1h'")  # So it is the migration that is ended.
        at_work.exec_driver_sql("LOCK TABLE clicks IN ROW EXCLUSIVE MODE")
        migrating = Thread(target=migrate, args=(engine,))
        migrating.start()
        waits = text("SELECT count(*) FROM pg_locks WHERE relation = 'clicks'::regclass AND NOT granted")
        while looking.execute(waits).scalar() == 0:  # Not by `at_work`: an index would wait for one that looks to end.
            sleep(0.01)
        at_work.exec_driver_sql("SET lock_timeout = 0")
        at_work.exec_driver_sql("UPDATE purchases SET revision = 2")
        at_work.commit()
        migrating.join(30)
        assert not migrating.is_alive()
        assert Schema.NEWEST is schema_of(engine)


NEXT = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "9999", {head!r}


def upgrade():
    for table in ("purchases", "clicks", "destinations"):
        op.add_column(table, sa.Column("next", sa.Text))
    op.create_index("purchases_next", "purchases", ["next"])
"""


def test_processes_at_work_while_the_next_version_migrates(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process of today stores orders before, during and after a migration that adds to its tables; none is lost."""
    shutil.copytree(MIGRATIONS, tmp_path / "migrations", ignore=shutil.ignore_patterns("__pycache__"))
    head = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    (tmp_path / "migrations" / "versions" / "9999_next.py").write_text(NEXT.format(head=head))
    monkeypatch.setattr("adapter.storage.migrate.MIGRATIONS", tmp_path / "migrations")
    store, stored, stop = Purchases(engine, Sealer(["secret"])), list[str](), Event()

    def take_orders() -> None:
        for number in count():
            with suppress(StorageUnavailable):  # Answered 503, as while the tables are locked.
                store.receive([Receipt(shop="acme", order_id=str(number), body=b"{}")], NOON)
                stored.append(str(number))
                store.anything_due(NOON)
            if stop.is_set():
                return

    taking = Thread(target=take_orders)
    taking.start()
    _wait_until(lambda: len(stored) > 20)
    migrate(engine)
    after = len(stored)
    _wait_until(lambda: len(stored) > after + 20)
    stop.set()
    taking.join()
    columns = {column["name"] for column in inspect(engine).get_columns("purchases")}
    assert "next" in columns
    assert set(stored) <= {row["order_id"] for row in store.rows(limit=100_000)}


def _wait_until(holds: Callable[[], bool]) -> None:
    while not holds():
        sleep(0.01)


def test_waiting_for_another_migration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On SQLite a migration waits longer than a webhook may for the process that has the file; then it gives up."""
    engine = open_sqlite(f"sqlite:///{tmp_path}/a.db", 1, busy_seconds=0.05)
    with sqlite3.connect(tmp_path / "a.db", isolation_level=None) as other:
        other.execute("PRAGMA journal_mode=WAL")
        other.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr("adapter.storage.migrate._PATIENCE_SECONDS", 0.2)
        with pytest.raises(StorageUnavailable, match="database is locked"):
            migrate(engine)
        monkeypatch.setattr("adapter.storage.migrate._PATIENCE_SECONDS", 30)
        waiting = Thread(target=migrate, args=(engine,))
        waiting.start()
        sleep(0.5)
        other.execute("ROLLBACK")
        waiting.join(20)
    other.close()
    assert not waiting.is_alive()
    assert "purchases" in tables(engine)
    engine.dispose()


def upgrade_to(engine: Engine, version: str) -> None:
    """Make the schema of an older version."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, version)


def test_orders_of_the_version_before(empty: Engine) -> None:
    """0002 keeps the rows of 0001, dates what was settled at intake, and a process of before goes on writing."""
    upgrade_to(empty, "0001")
    columns = "shop, order_id, state, body_hash, counts, revision, received_at, refreshed_at, due_at"
    moments = "'2026-05-01 12:00:00', '2026-05-02 12:00:00', '2026-05-01 12:00:00'"
    insert = (
        f"INSERT INTO purchases ({columns}, fence, attempts, fixed, body) VALUES ('acme', :order, :state, '', false, 1"
    )
    before = text(f"{insert}, {moments}, 0, 0, false, 'b')")
    with writing(empty) as connection:
        connection.execute(before, {"order": "1", "state": "quarantined"})
        connection.execute(before, {"order": "2", "state": "pending"})
    migrate(empty)
    with writing(empty) as connection:
        connection.execute(before, {"order": "3", "state": "skipped"})
    settled = select(purchases.c.order_id, purchases.c.settled_at).order_by(purchases.c.order_id)
    second = datetime(2026, 5, 2, 12, tzinfo=UTC)
    with reading(empty) as connection:
        assert [("1", second), ("2", None), ("3", None)] == [tuple(row) for row in connection.execute(settled)]
    assert 3 == Retention(empty, timedelta(days=30)).date()
    with reading(empty) as connection:
        assert [("1", second), ("2", None), ("3", second)] == [tuple(row) for row in connection.execute(settled)]


_MANY = """
    INSERT INTO purchases (shop, order_id, state, body_hash, counts, revision, received_at, refreshed_at, due_at,
                           fence, attempts, fixed, settled_at)
    VALUES ('acme', :order, :state, '', false, 1, :at, :at, :at, 0, 0, false, :at)
"""


def test_what_was_delivered_is_counted(empty: Engine) -> None:
    """0008 counts the orders that no version has counted, each on its day in UTC; those counted stay as they are."""
    upgrade_to(empty, "0007")
    at = bindparam("at", type_=purchases.c.received_at.type)
    with writing(empty) as connection:
        for number, (state, moment) in enumerate(
            [
                ("delivered", datetime(2026, 5, 1, 23, 59, 59, tzinfo=UTC)),
                ("delivered", datetime(2026, 5, 1, tzinfo=UTC)),
                ("delivered", datetime(2026, 5, 2, tzinfo=UTC)),
                ("skipped", datetime(2026, 5, 2, tzinfo=UTC)),
            ]
        ):
            connection.execute(text(_MANY).bindparams(at), {"order": str(number), "state": state, "at": moment})
        known = days.Delivered("acme", datetime(2026, 5, 1, tzinfo=UTC), timedelta(0), Facts("email", "5", "EUR"))
        days.count(connection, [known])
    migrate(empty)
    first, second = date(2026, 5, 1), date(2026, 5, 2)
    with reading(empty) as connection:
        assert {first: 2, second: 1} == days.delivered(connection, "acme", [first, second])
        assert {"acme": {"delivered": 3, "skipped": 1}} == Purchases(empty, Sealer(["secret"])).counts()
    assert [("EUR", 1)] == [(day.currency, day.delivered) for day in days.Days(empty).since(first)]


def _insert(connection: Connection, order: str) -> None:
    at = bindparam("at", type_=purchases.c.received_at.type)
    connection.execute(text(_MANY).bindparams(at), {"order": order, "state": "pending", "at": NOON})


def test_orders_come_in_while_an_index_is_built(postgres_url: str) -> None:
    """A build that waits for a transaction which has begun before it keeps nobody from writing meanwhile."""
    with opened(postgres_url) as engine, engine.connect() as before:
        upgrade_to(engine, "0005")
        _insert(before, "before")
        migrating = _building(engine)
        with writing(engine) as connection:
            _insert(connection, "meanwhile")
        before.commit()
        migrating.join(60)
        assert Schema.NEWEST is schema_of(engine)
        with reading(engine) as connection:
            assert 2 == connection.execute(text("SELECT count(*) FROM purchases")).scalar()
            assert 0 == connection.execute(text(_BROKEN)).scalar()


def _building(engine: Engine) -> Thread:
    """Begin to migrate, and return when an index is being built."""
    migrating = Thread(target=migrate, args=(engine,))
    migrating.start()
    with reading(engine) as connection:
        _wait_until(lambda: bool(connection.execute(text(_BUILDS)).scalar()))
    return migrating


_BUILDS = "SELECT count(*) FROM pg_stat_progress_create_index WHERE datname = current_database()"
_BROKEN = "SELECT count(*) FROM pg_index WHERE NOT indisvalid"


@pytest.mark.processes
def test_a_build_that_was_cut(postgres_url: str) -> None:
    """A release that is killed within a build leaves an index that nobody uses; the next one begins it anew."""
    with opened(postgres_url) as engine:
        upgrade_to(engine, "0005")
        with engine.connect() as before, reading(engine) as looking:
            _insert(before, "before")
            killed = start(postgres_url)
            with pytest.raises(subprocess.TimeoutExpired):
                _go_for(killed, seconds=0)
            _wait_until(lambda: bool(looking.execute(text(_BROKEN)).scalar()))
            killed.kill()
            killed.communicate()
            looking.execute(text(_END_BUILDS))
            before.commit()
        assert go(start(postgres_url), start(postgres_url)) == ["migrated"] * 2
        assert Schema.NEWEST is schema_of(engine)
        with reading(engine) as connection:
            assert 0 == connection.execute(text(_BROKEN)).scalar()


_END_BUILDS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND query LIKE 'CREATE INDEX CONCURRENTLY%'
"""
"""The server ends what a killed process has begun when it notices that nobody listens: we don't wait for that."""


def test_an_older_version_waits_for_its_turn(postgres_url: str) -> None:
    """It waits within one statement, for which a build waits in turn: PostgreSQL breaks the circle."""
    with opened(postgres_url) as engine, engine.connect() as before, engine.connect() as older:
        upgrade_to(engine, "0005")
        _insert(before, "before")
        migrating = _building(engine)
        waits = Thread(target=_take_the_lock, args=(older,))
        waits.start()
        sleep(0.2)
        before.commit()
        for thread in (waits, migrating):
            thread.join(60)
            assert not thread.is_alive()
        assert Schema.NEWEST is schema_of(engine)


def _take_the_lock(connection: Connection) -> None:
    connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
    connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
    with suppress(OperationalError):  # It may be this one that is ended; it would try again.
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7203451988001)")
    connection.rollback()
