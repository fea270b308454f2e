"""Which waiting orders may be claimed now."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import Any, Literal

from sqlalchemy import BindParameter, ColumnElement, Select, TextClause, and_, bindparam, or_, select, text, union_all

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


def moments(now: datetime) -> dict[str, datetime]:
    """Return the parameters of the queries made here."""
    return {"now": now, "soon": now + _APART, "later": now + _USUALLY, "farthest": now + _FARTHEST}


@cache
def is_any_due(shops: tuple[str, ...] | None, which: Which) -> Select[tuple[int]]:
    """Return the query for one of these shops' rows (None: of all), whichever is found first."""
    query = select(purchases.c.id).where(*_conditions(which)).limit(1)
    return query if shops is None else query.where(purchases.c.shop.in_(shops))


@cache
def due(shops: tuple[str, ...], which: Which, limit: int, *, before: bool = False) -> Select[tuple[int]]:
    """Return the query for the ids of the first `limit` of these shops' rows, locked.

    With `before`, only those whose `suspect_at` isn't after the parameter `suspected_before`.

    Each shop is asked for its first ones by itself: the index has them in their order, so that a long backlog costs
    no more than a short one. With one question for all shops, every waiting row is read and sorted for each batch.
    """
    firsts = [_first_of(shop, which, limit, before=before).subquery() for shop in shops]
    found = union_all(*(select(first) for first in firsts)).subquery()
    return select(found.c.id).order_by(*_order(found.c, which)).limit(limit)


def _first_of(shop: str, which: Which, limit: int, *, before: bool) -> Select[Any, Any]:
    query = select(purchases.c.id, purchases.c.due_at).where(purchases.c.shop == shop, *_conditions(which))
    if before:
        query = query.where(purchases.c.suspect_at <= _moment("suspected_before"))
    return query.order_by(*_order(purchases.c, which)).limit(limit).with_for_update(skip_locked=True)


def _order(columns: Any, which: Which) -> tuple[Any, ...]:  # noqa: ANN401  # SQLAlchemy's columns.
    return (columns.id.desc(),) if "newest" in which else (columns.due_at, columns.id)


def _conditions(which: Which) -> tuple[ColumnElement[bool] | TextClause, ...]:
    is_due = or_(_has_come(purchases.c.due_at), _was_set_back())
    waiting = and_(purchases.c.state == State.PENDING.value, is_due)
    abandoned = and_(purchases.c.state == State.DELIVERING.value, _has_come(purchases.c.lease_until))
    suspect = purchases.c.suspect_at.is_not(None) if "suspect" in which else purchases.c.suspect_at.is_(None)
    return or_(waiting, abandoned), text(WAITING), suspect


def has_come(moment: ColumnElement[datetime | None], now: datetime) -> ColumnElement[bool]:
    """Say that a moment is over. One that lies hours ahead comes from a clock that jumped, and counts as over."""
    return or_(moment <= now, moment > now + _FARTHEST)


def _has_come(moment: ColumnElement[datetime | None]) -> ColumnElement[bool]:
    """Say the same of the moment that the parameters tell."""
    return or_(moment <= _moment("now"), moment > _moment("farthest"))


def _was_set_back() -> ColumnElement[bool]:
    """Say that the clock was set back since the order got its due moment: something else of it lies ahead as well."""
    stamps = (purchases.c.refreshed_at, purchases.c.first_sent_at, purchases.c.suspect_at)
    return and_(purchases.c.due_at > _moment("later"), or_(*(stamp > _moment("soon") for stamp in stamps)))


def _moment(name: str) -> BindParameter[datetime]:
    return bindparam(name, type_=purchases.c.due_at.type)
