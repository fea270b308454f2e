"""Which waiting orders may be claimed now."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import ColumnElement, Select, and_, or_, select, text

from adapter.storage.tables import WAITING, State, purchases

_FARTHEST = timedelta(days=1)
"""No order waits, and no lease lasts, so long: see the longest Retry-After and the longest lease."""

Which = Literal["due", "newest", "suspects", "newest suspect"]
"""What to claim: what is due, oldest first; the newest alone, as a probe; orders refused alone, to try them again."""


def due(shops: tuple[str, ...] | None, which: Which, now: datetime) -> Select[tuple[int]]:
    """Return the query for the ids of these shops' rows (None: of all) in the order in which they are taken."""
    waiting = and_(purchases.c.state == State.PENDING.value, has_come(purchases.c.due_at, now))
    abandoned = and_(purchases.c.state == State.DELIVERING.value, has_come(purchases.c.lease_until, now))
    query = select(purchases.c.id).where(or_(waiting, abandoned))
    query = query if shops is None else query.where(purchases.c.shop.in_(shops))
    query = query.where(text(WAITING))
    suspect = purchases.c.suspect_at.is_not(None) if "suspect" in which else purchases.c.suspect_at.is_(None)
    newest = purchases.c.id.desc() if "newest" in which else purchases.c.due_at
    return query.where(suspect).order_by(newest, purchases.c.id)


def has_come(moment: ColumnElement[datetime | None], now: datetime) -> ColumnElement[bool]:
    """Say that a moment is over. One that lies days ahead comes from a clock that jumped, and counts as over."""
    return or_(moment <= now, moment > now + _FARTHEST)
