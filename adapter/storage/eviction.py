"""The clicks table stays bounded: when it holds too many rows, the oldest go, a few at a time.

The worker's sweep keeps it below its bound. Between two sweeps anybody may post, and it may be that none runs at all:
so whoever adds rows looks for himself, once in a thousand rows. The oldest are those that nothing was added to for
longest, first by uptime, which no wrong clock turns back, then by the clock.
"""

from __future__ import annotations

from threading import Lock

from sqlalchemy import Engine, delete, func, select

from adapter.storage.engine import reading, writing
from adapter.storage.patience import AT_WORK, WHILE_A_BROWSER_WAITS, Patience
from adapter.storage.tables import clicks

MOST_ROWS = 200_000
"""So many clicks are kept at most, of all shops: two months of a shop with a thousand visitors a day, about 100 MB."""

LOOK_AFTER = 1_000
"""Every process that adds rows counts them all after so many of its own. The table is cut to a tenth below its bound,
so that twenty processes together never pass it."""

BATCH = 200
"""So many rows are deleted at a time."""

_MOST_BATCHES = 2 * LOOK_AFTER // BATCH


class Eviction:
    """Deletes the oldest clicks when there are more than `most`; one for each process that adds some."""

    def __init__(self, engine: Engine, most: int = MOST_ROWS) -> None:
        self._engine = engine
        self._kept = most - most // 10
        self._lock = Lock()
        self._added = LOOK_AFTER  # What others left is unknown, so it is looked at once.

    def make_room(self, rows: int) -> None:
        """Say that so many rows will be added, and now and then evict as many; raise `StorageUnavailable`."""
        with self._lock:
            self._added += rows
            if self._added < LOOK_AFTER:
                return
        for _ in range(_MOST_BATCHES):
            if self.evict(WHILE_A_BROWSER_WAITS) < BATCH:
                break
        self._added = 0

    def evict(self, patience: Patience = AT_WORK) -> int:
        """Delete a batch of the oldest when there are too many; return how many were deleted."""
        excess = min(BATCH, self._count() - self._kept)
        if excess <= 0:
            return 0
        oldest = select(clicks.c.key).order_by(clicks.c.changed_uptime, clicks.c.last_at).limit(excess)
        with writing(self._engine, patience) as connection:
            keys = connection.execute(oldest.with_for_update(skip_locked=True)).scalars().all()
            connection.execute(delete(clicks).where(clicks.c.key.in_(keys)))
        return len(keys)

    def _count(self) -> int:
        with reading(self._engine) as connection:
            return connection.execute(select(func.count()).select_from(clicks)).scalar_one()
