"""Bringing the database to the newest schema: idempotent, and safe when two processes start at once."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from time import monotonic

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Engine, text

from adapter.errors import ConfigurationRefused, Problem, StorageUnavailable
from adapter.storage.engine import reading, writing
from adapter.storage.patience import ENDLESS

MIGRATIONS = Path(__file__).with_name("migrations")

_LOCK = 7_203_451_988_001
"""The number of the PostgreSQL advisory lock that migrations take; any number, but always this one."""


_PATIENCE_SECONDS = 60
"""How long to try again while others stand in the way."""

_IN_THE_WAY = ("database is locked", "deadlock detected")
"""Another process migrates the same SQLite file; or one at work locked two of PostgreSQL's tables crosswise."""


class Schema(Enum):
    """How a database stands to this program: made by no or an older version, by this one, or by a newer one."""

    OLDER = "older"
    NEWEST = "newest"
    UNKNOWN = "unknown"


def schema_of(engine: Engine) -> Schema:
    """Return how the database stands to this program; raise `StorageUnavailable` when it can't be asked."""
    with reading(engine) as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    script = ScriptDirectory(str(MIGRATIONS))
    if current == script.get_current_head():
        return Schema.NEWEST
    known = {revision.revision for revision in script.walk_revisions()}
    return Schema.OLDER if current is None or current in known else Schema.UNKNOWN


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
            if not any(words in str(unavailable) for words in _IN_THE_WAY) or monotonic() > gives_up_at:
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
