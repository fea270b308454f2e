"""Which waiting orders may be claimed now."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import Any, Literal

from sqlalchemy import BindParameter, ColumnElement, Select, TextClause, and_, bindparam, or_, select, text, union_all

from adapter.storage.tables import WAITING, State, purchases

_LONGEST_WAIT = timedelta(minutes=11)
"""No order waits so long by itself; what the API asks for lets its destination rest, and not the order.

The last minute, here and below, is for the clocks of two machines.
"""

_LONGEST_LEASE = timedelta(hours=1, minutes=1)
"""No lease lasts so long."""

_MOST_QUESTIONS = 100

Which = Literal["due", "newest", "suspects", "newest suspect"]
"""What to claim: what is due, oldest first; the newest alone, as a probe; orders refused alone, to try them again."""


def moments(now: datetime) -> dict[str, datetime]:
    """Return the parameters of the queries made here."""
    return {"now": now, "longest_wait": now + _LONGEST_WAIT, "longest_lease": now + _LONGEST_LEASE}


@cache
def is_any_due() -> Select[tuple[int]]:
    """Return the query for one due row, whichever is found first."""
    return select(purchases.c.id).where(*_conditions("due")).limit(1)


@cache
def shops_waiting() -> Select[str]:
    """Return the query for the shops of which a row is due or suspect; each is found by one step in the index.

    One question for all: with one for each, 500 shops cost a fifth of a second at every look.
    """
    waits = select(purchases.c.shop).where(text(WAITING)).order_by(purchases.c.shop).limit(1)
    first = select(waits.subquery().c.shop).cte("shops", recursive=True)
    following = waits.where(purchases.c.shop > first.c.shop).scalar_subquery()
    found = first.union_all(select(following).where(first.c.shop.is_not(None)))
    may_be_claimed = select(purchases.c.id).where(purchases.c.shop == found.c.shop, *_conditions(None)).exists()
    return select(found.c.shop).where(found.c.shop.is_not(None), may_be_claimed)


@cache
def oldest_due() -> Select[Any]:
    """Return the query for the moment at which the oldest due order of the shop, a parameter, became due."""
    of_shop = select(purchases.c.due_at).where(purchases.c.shop == bindparam("shop"), *_conditions("due"))
    return of_shop.order_by(purchases.c.due_at).limit(1)


@cache
def due(shops: tuple[str, ...], which: Which, limit: int, *, before: bool = False) -> Select[tuple[int]]:
    """Return the query for the ids of the first `limit` of these shops' rows, locked.

    With `before`, only those whose `suspect_at` isn't after the parameter `suspected_before`.

    Each shop is asked for its first ones by itself: the index has them in their order, so that a long backlog costs
    no more than a short one. With one question for all shops, every waiting row is read and sorted for each batch;
    but SQLite takes 500 questions at most, and so many shops hardly ever share a destination.
    """
    together = [shops] if len(shops) > _MOST_QUESTIONS else [(shop,) for shop in shops]
    firsts = [_first_of(some, which, limit, before=before).subquery() for some in together]
    found = union_all(*(select(first) for first in firsts)).subquery()
    return select(found.c.id).order_by(*_order(found.c, which)).limit(limit)


def _first_of(shops: tuple[str, ...], which: Which, limit: int, *, before: bool) -> Select[Any, Any]:
    query = select(purchases.c.id, purchases.c.due_at).where(purchases.c.shop.in_(shops), *_conditions(which))
    if before:
        query = query.where(purchases.c.suspect_at <= _moment("suspected_before"))
    return query.order_by(*_order(purchases.c, which)).limit(limit).with_for_update(skip_locked=True)


def _order(columns: Any, which: Which) -> tuple[Any, ...]:  # noqa: ANN401  # SQLAlchemy's columns.
    return (columns.id.desc(),) if "newest" in which else (columns.due_at, columns.id)


def _conditions(which: Which | None) -> tuple[ColumnElement[bool] | TextClause, ...]:
    """Return the conditions of a row that may be claimed; None takes the suspects and the others alike."""
    waiting = and_(purchases.c.state == State.PENDING.value, _has_come(purchases.c.due_at, "longest_wait"))
    abandoned = and_(purchases.c.state == State.DELIVERING.value, _has_come(purchases.c.lease_until, "longest_lease"))
    if which is None:
        return or_(waiting, abandoned), text(WAITING)
    suspect = purchases.c.suspect_at.is_not(None) if "suspect" in which else purchases.c.suspect_at.is_(None)
    return or_(waiting, abandoned), text(WAITING), suspect


def has_ended(lease: ColumnElement[datetime | None], now: datetime) -> ColumnElement[bool]:
    """Say that a lease is over. One that ends hours ahead comes from a clock that jumped, and counts as over."""
    return or_(lease <= now, lease > now + _LONGEST_LEASE)


def _has_come(moment: ColumnElement[datetime | None], longest: str) -> ColumnElement[bool]:
    """Say that a moment is over, or so far ahead that it was written by a clock that has been set back since."""
    return or_(moment <= _moment("now"), moment > _moment(longest))


def _moment(name: str) -> BindParameter[datetime]:
    return bindparam(name, type_=purchases.c.due_at.type)
