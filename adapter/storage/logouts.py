"""Sessions of the console that were ended before their time. Every web process knows them, whichever ended them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine, delete, insert, select

from adapter.storage.engine import reading, writing
from adapter.storage.tables import logouts


class Logouts:
    """The ended sessions, on one engine. Of a session only its id is kept, until it would have ended anyway."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, session_id: str, until: datetime, now: datetime) -> None:
        """End a session that would have lasted until then; raise `StorageUnavailable`. Once more does nothing."""
        with writing(self._engine) as connection:
            connection.execute(delete(logouts).where((logouts.c.until <= now) | (logouts.c.session == session_id)))
            connection.execute(insert(logouts).values(session=session_id, until=until))

    def has(self, session_id: str) -> bool:
        """Whether this session was ended; raise `StorageUnavailable`."""
        query = select(logouts.c.session).where(logouts.c.session == session_id)
        with reading(self._engine) as connection:
            return connection.execute(query).first() is not None
