"""The workers' pulse: one that looks for due orders says so, so that others can tell when none does."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine, update

from adapter.storage.engine import writing
from adapter.storage.tables import uptime

BEAT_SECONDS = 15.0
"""It costs one small transaction each time."""


class Pulse:
    """The pulse of one worker. `monotonic` gives seconds that never go back."""

    def __init__(self, engine: Engine, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._monotonic = monotonic
        self._next: float | None = None

    def beat(self, now: datetime) -> None:
        """Write down that a worker looks for due orders now, if it is time again; raise `StorageUnavailable`."""
        moment = self._monotonic()
        if self._next is not None and moment < self._next:
            return
        with writing(self._engine) as connection:
            connection.execute(update(uptime).where(uptime.c.id == 1).values(beat_at=now))
        self._next = moment + BEAT_SECONDS
