"""How long workers have been running in all: the age of what is stored is counted in it, not by a clock.

A clock that jumps by an hour or by ten years, ahead or back, would purge what has just come in, or keep it for ten
years. So a worker counts what its monotonic clock says has passed since it last looked. What passed while no worker
ran is known from the clock alone, and is counted up to `MOST_AT_START`: what is purged may be purged later than asked,
after a long standstill, and never earlier.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Engine, select, update

from adapter.storage.engine import writing
from adapter.storage.tables import uptime

MOST_AT_START = timedelta(minutes=10)
"""So much at most is counted for the time between two processes: a restart, or `adapter deliver --once` by cron."""

MOST_AT_ONCE = timedelta(hours=1)
"""So much at most is counted by one look, so that what was written since the last one isn't taken for much older."""


class Uptime:
    """Counts the time that this process lives, and adds it to what the database says. `monotonic` gives seconds."""

    def __init__(self, engine: Engine, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._monotonic = monotonic
        self._last: tuple[float, int] | None = None

    def look(self, now: datetime) -> timedelta:
        """Count the time since the last look; return the uptime. Several processes that look count no second twice."""
        moment = self._monotonic()
        with writing(self._engine) as connection:
            stored = connection.execute(select(uptime).where(uptime.c.id == 1).with_for_update()).one()
            seconds = max(stored.seconds, self._counted(moment, stored.seconds, stored.looked_at, now))
            connection.execute(update(uptime).where(uptime.c.id == 1).values(seconds=seconds, looked_at=now))
        self._last = (moment, seconds)
        return timedelta(seconds=seconds)

    def _counted(self, moment: float, stored: int, looked_at: datetime | None, now: datetime) -> int:
        """Return the uptime as this process knows it: from its own last look on, or from the last of any other."""
        if self._last is not None:
            before, seconds = self._last
            return seconds + int(min(moment - before, MOST_AT_ONCE.total_seconds()))
        gap = timedelta(0) if looked_at is None else min(now - looked_at, MOST_AT_START)
        return stored + max(int(gap.total_seconds()), 0)
