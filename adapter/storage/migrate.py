"""Bringing the database to the newest schema: idempotent, and safe when two processes start at once."""

from __future__ import annotations

from pathlib import Path
from time import monotonic

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Engine, text

from adapter.errors import ConfigurationRefused, Problem, StorageUnavailable
from adapter.storage.engine import writing
from adapter.storage.patience import ENDLESS

MIGRATIONS = Path(__file__).with_name("migrations")

_LOCK = 7_203_451_988_001
"""The number of the PostgreSQL advisory lock that migrations take; any number, but always this one."""


_PATIENCE_SECONDS = 60
"""How long to wait for another process that migrates the same SQLite file; on PostgreSQL the lock itself waits."""


def migrate(engine: Engine) -> None:
    """Run the migrations that are missing, in one transaction that no second process can enter.

    Raise `StorageUnavailable` when the database can't be reached, `ConfigurationRefused` when a newer version of this
    program has already changed it.
    """
    gives_up_at = monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return _migrate(engine)
        except StorageUnavailable as unavailable:
            if "database is locked" not in str(unavailable) or monotonic() > gives_up_at:
                raise


def _migrate(engine: Engine) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    with writing(engine, ENDLESS) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            hint = "run the version that made it, or a newer one; or restore the backup from before the update"
            problem = Problem("DATABASE_URL", "", f"the database has an unknown schema: {error}", hint)
            raise ConfigurationRefused([problem]) from None
