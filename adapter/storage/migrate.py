"""Bringing the database to the newest schema: idempotent, and safe when two processes start at once."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, text

from adapter.storage.engine import writing

MIGRATIONS = Path(__file__).with_name("migrations")

_LOCK = 7_203_451_988_001
"""The number of the PostgreSQL advisory lock that migrations take; any number, but always this one."""


def migrate(engine: Engine) -> None:
    """Run the migrations that are missing, in one transaction that no second process can enter."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
