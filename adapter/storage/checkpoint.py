"""Emptying SQLite's log: what was purged from the file stands there until it is cut."""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import Connection, Engine

from adapter.storage.engine import reading

_BRIEFLY = 20
"""Milliseconds for which one try may keep others from writing, while it waits for those who read."""

_TRIES = 20
_BETWEEN_TRIES = 0.1


def empty_log(engine: Engine, sleep: Callable[[float], None] = time.sleep) -> bool:
    """Write SQLite's log back into the file and cut it to nothing; return whether that was done.

    Most is written back without keeping anybody from writing; only then is the rest cut, in several short tries.
    PostgreSQL has no such log of ours: nothing is done. Raise `StorageUnavailable`.
    """
    if engine.dialect.name != "sqlite":
        return True
    with reading(engine) as connection:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={_BRIEFLY}")
        try:
            return any(_cut(connection, sleep, attempt) for attempt in range(_TRIES))
        finally:
            connection.exec_driver_sql("PRAGMA busy_timeout=0")


def _cut(connection: Connection, sleep: Callable[[float], None], attempt: int) -> bool:
    if attempt:
        sleep(_BETWEEN_TRIES)
    connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")
    busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").scalar_one()
    return not busy
