"""How a database stands to this program, by the revision that it carries.

What brings it to the newest one, `adapter.storage.migrate`, is loaded only where that is to be done: Alembic takes
4 MB, and a web process rarely has anything to bring.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from adapter.storage.engine import reading

MIGRATIONS = Path(__file__).with_name("migrations")


class Schema(Enum):
    """How a database stands to this program: made by no or an older version, by this one, or by a newer one."""

    OLDER = "older"
    NEWEST = "newest"
    UNKNOWN = "unknown"


def schema_of(engine: Engine) -> Schema:
    """Return how the database stands to this program; raise `StorageUnavailable` when it can't be asked."""
    with reading(engine) as connection:
        current = _revision_of(connection)
    known = revisions()
    if current == known[-1]:
        return Schema.NEWEST
    return Schema.OLDER if current is None or current in known else Schema.UNKNOWN


def revisions() -> Sequence[str]:
    """Return the revisions that this program knows, the newest last: a revision's file begins with its number."""
    return sorted(file.name.partition("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))


def _revision_of(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return revision
