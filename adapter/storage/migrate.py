"""Bringing the database to the newest schema: idempotent, and safe when two processes start at once."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from time import monotonic, sleep

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, text

from adapter.errors import ConfigurationRefused, Problem, StorageUnavailable
from adapter.storage.engine import reading, writing
from adapter.storage.indexing import build_beside
from adapter.storage.patience import ENDLESS, limited
from adapter.storage.schema import MIGRATIONS

_LOCK = 7_203_451_988_001
"""The number of the PostgreSQL advisory lock that migrations take; any number, but always this one."""

_LOOK_AGAIN_SECONDS = 0.1

_PATIENCE_SECONDS = 60
"""How long to try again while others stand in the way."""

_IN_THE_WAY = ("database is locked", "deadlock detected")
"""Another process migrates the same SQLite file; or one at work locked two of PostgreSQL's tables crosswise."""


def migrate(engine: Engine) -> None:
    """Run the migrations that are missing, in one transaction, while no second process does.

    On PostgreSQL large indexes are built before it, beside the load. Raise `StorageUnavailable` when the database
    can't be reached, `ConfigurationRefused` when a newer version of this program has already changed it.
    """
    gives_up_at = monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return _migrate(engine)
        except StorageUnavailable as unavailable:
            if not any(words in str(unavailable) for words in _IN_THE_WAY) or monotonic() > gives_up_at:
                raise


def _migrate(engine: Engine) -> None:
    if engine.dialect.name != "postgresql":
        _upgrade(engine)
        return
    with _alone(engine) as connection:
        current = MigrationContext.configure(connection).get_current_revision()
        build_beside(connection, ScriptDirectory(str(MIGRATIONS)), current)
        _upgrade(engine)


@contextmanager
def _alone(engine: Engine) -> Generator[Connection, None, None]:
    """Wait until no other process migrates; yield the connection that keeps the others waiting until it is closed.

    It asks again and again for the lock: a statement that waits for it has a snapshot, for which an index that is
    built beside would wait in turn. Who builds the index has the lock itself, so that PostgreSQL sees such a circle
    with an older version of this program, which waits so, and breaks it.
    """
    with reading(engine) as connection, limited(ENDLESS) as limit:
        limit.answer = ENDLESS.answer
        connection.detach()  # With its lock and its endless patience it belongs to nobody else.
        connection.exec_driver_sql("SET statement_timeout = 0")
        connection.exec_driver_sql("SET lock_timeout = 0")
        while not connection.execute(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": _LOCK}).scalar():
            sleep(_LOOK_AGAIN_SECONDS)
        yield connection


def _upgrade(engine: Engine) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    with writing(engine, ENDLESS) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SET LOCAL lock_timeout = 0"))
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            hint = "run the version that made it, or a newer one; or restore the backup from before the update"
            problem = Problem("DATABASE_URL", "", f"the database has an unknown schema: {error}", hint)
            raise ConfigurationRefused([problem]) from None
