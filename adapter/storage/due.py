"""Which waiting orders may be claimed now."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import ColumnElement, Select, and_, or_, select, text

from adapter.storage.tables import WAITING, State, purchases

_FARTHEST = timedelta(hours=1, minutes=1)
"""No order waits, and no lease lasts, so long: see the longest Retry-After and the longest lease.

The minute is for the clocks of two machines.
"""

_APART = timedelta(minutes=1)
"""So far the clocks of two machines may be apart."""

_USUALLY = timedelta(minutes=11)
"""An order waits for longer than this only after a Retry-After, and then its destination rests as well."""

Which = Literal["due", "newest", "suspects", "newest suspect"]
"""What to claim: what is due, oldest first; the newest alone, as a probe; orders refused alone, to try them again."""


def due(shops: tuple[str, ...] | None, which: Which, now: datetime) -> Select[tuple[int]]:
    """Return the query for the ids of these shops' rows (None: of all) in the order in which they are taken."""
    is_due = or_(has_come(purchases.c.due_at, now), _was_set_back(now))
    waiting = and_(purchases.c.state == State.PENDING.value, is_due)
    abandoned = and_(purchases.c.state == State.DELIVERING.value, has_come(purchases.c.lease_until, now))
    query = select(purchases.c.id).where(or_(waiting, abandoned))
    query = query if shops is None else query.where(purchases.c.shop.in_(shops))
    query = query.where(text(WAITING))
    suspect = purchases.c.suspect_at.is_not(None) if "suspect" in which else purchases.c.suspect_at.is_(None)
    newest = purchases.c.id.desc() if "newest" in which else purchases.c.due_at
    return query.where(suspect).order_by(newest, purchases.c.id)


def has_come(moment: ColumnElement[datetime | None], now: datetime) -> ColumnElement[bool]:
    """Say that a moment is over. One that lies hours ahead comes from a clock that jumped, and counts as over."""
    return or_(moment <= now, moment > now + _FARTHEST)


def _was_set_back(now: datetime) -> ColumnElement[bool]:
    """Say that the clock was set back since the order got its due moment: something else of it lies ahead as well."""
    stamps = (purchases.c.refreshed_at, purchases.c.first_sent_at, purchases.c.suspect_at)
    return and_(purchases.c.due_at > now + _USUALLY, or_(*(stamp > now + _APART for stamp in stamps)))
