"""The clicks table stays bounded: when it holds too many rows, the oldest go, a few at a time.

The worker's sweep keeps it below its bound. Between two sweeps anybody may post, and it may be that none runs at all:
so each process counts the rows once in a thousand of its own, and while there are too many, whoever adds some deletes
as many and one in the same transaction, which costs an order no more waiting than the clicks themselves. The oldest
are those that nothing was added to for longest, first by uptime, which no wrong clock turns back, then by the clock.
"""

from __future__ import annotations

from threading import Lock

from sqlalchemy import Connection, Engine, Integer, bindparam, delete, func, select

from adapter.errors import StorageUnavailable
from adapter.storage.direct import fetch, run
from adapter.storage.engine import reading, writing
from adapter.storage.tables import clicks

MOST_ROWS = 200_000
"""So many clicks are kept at most, of all shops: two months of a shop with a thousand visitors a day, about 100 MB."""

LOOK_AFTER = 1_000
"""Every process that adds rows counts all of them after so many of its own: 10 ms on SQLite, 50 on PostgreSQL. There
are too many a tenth below the bound already, so that twenty processes together never pass it."""

BATCH = 200
"""So many rows a sweep deletes at a time."""


class Eviction:
    """Deletes the oldest clicks when there are more than `most`; one for each process that adds some."""

    def __init__(self, engine: Engine, most: int = MOST_ROWS) -> None:
        self._engine = engine
        self._kept = most - most // 10
        self._lock = Lock()
        self._added = LOOK_AFTER  # What others left is unknown, so it is looked at once.
        self._is_full = False
        self._to_evict = 0

    def share_of(self, rows: int) -> int:
        """Return how many of the oldest whoever adds so many rows has to delete; raise `StorageUnavailable`.

        It comes to one more for each transaction: another's rows may be locked, and are passed over.
        """
        if self._must_look(rows):
            self._look()
        return rows if self._is_full else 0

    def _must_look(self, rows: int) -> bool:
        """Count these rows; return whether it is on who adds them to look, and on nobody else meanwhile.

        When all looked who come at once, each would hold one of the connections that orders need.
        """
        with self._lock:
            self._added += rows
            if self._added < LOOK_AFTER:
                return False
            self._added = 0
            return True

    def _look(self) -> None:
        try:
            self._is_full = self._excess() > 0
        except StorageUnavailable:
            self._added = LOOK_AFTER
            raise

    def evict(self) -> int:
        """Delete a batch of the oldest when there are too many; return how many were deleted.

        They are counted for a few batches at a time: meanwhile, or until the next sweep, others delete some, too.
        """
        if self._to_evict <= 0:
            self._to_evict = min(self._excess(), LOOK_AFTER)
        batch = min(BATCH, self._to_evict)
        self._to_evict -= max(batch, 0)
        if batch <= 0:
            return 0
        with writing(self._engine) as connection:
            return delete_oldest(connection, batch)

    def _excess(self) -> int:
        with reading(self._engine) as connection:
            return connection.execute(select(func.count()).select_from(clicks)).scalar_one() - self._kept


def delete_oldest(connection: Connection, count: int) -> int:
    """Delete so many of the oldest clicks, without waiting for one that another transaction holds."""
    oldest = fetch(connection, _OLDEST, {"count": count})
    return run(connection, _DELETE, [{"gone": row.key} for row in oldest])


_OLDEST = (
    select(clicks.c.key)
    .order_by(clicks.c.changed_uptime, clicks.c.last_at)
    .limit(bindparam("count", type_=Integer))
    .with_for_update(skip_locked=True)
)

_DELETE = delete(clicks).where(clicks.c.key == bindparam("gone"))
