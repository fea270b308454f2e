"""Looking at the ledger without opening anything: rows, counts and ages, each by an index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select, text

from adapter.storage.tables import SETTLED, WAITING, State, purchases

_SHOWN = (
    *("id", "shop", "order_id", "state", "reason", "received_at", "refreshed_at", "due_at", "attempts"),
    *("answer", "first_sent_at", "settled_at", "suspect_at"),
)


def rows(
    connection: Connection, state: State | None, shop: str | None, reason: str | None, limit: int
) -> list[Mapping[str, Any]]:
    """Return the newest rows, `reason` being a part of their reason in any case; `body_kept` says if one may retry."""
    kept = purchases.c.body.is_not(None).label("body_kept")
    query: Select[Any] = select(*(purchases.c[name] for name in _SHOWN), kept)
    query = query if state is None else query.where(purchases.c.state == state.value)
    query = query if shop is None else query.where(purchases.c.shop == shop)
    query = query if reason is None else query.where(purchases.c.reason.icontains(reason, autoescape=True))
    found = connection.execute(query.order_by(purchases.c.id.desc()).limit(limit)).mappings().all()
    return [dict(row) for row in found]


def counts(connection: Connection) -> dict[str, dict[str, int]]:
    """Return by shop how many orders are in each state."""
    found: dict[str, dict[str, int]] = {}
    for index in (WAITING, SETTLED):
        query = select(purchases.c.shop, purchases.c.state, func.count()).where(text(index))
        for shop, state, number in connection.execute(query.group_by(purchases.c.shop, purchases.c.state)):
            found.setdefault(shop, {})[state] = number
    return found


def oldest_waiting(connection: Connection, shops: Sequence[str]) -> Mapping[str, Any] | None:
    """Return the order of these shops that has waited longest to be sent: shop, order_id, received_at, due_at."""
    first = select(func.min(purchases.c.id)).where(text(WAITING), purchases.c.shop.in_(shops)).scalar_subquery()
    columns = (purchases.c[name] for name in ("shop", "order_id", "received_at", "due_at"))
    row = connection.execute(select(*columns).where(purchases.c.id == first)).mappings().one_or_none()
    return None if row is None else dict(row)


def delivered_since(connection: Connection, shops: Sequence[str], moment: datetime) -> int:
    """Return how many orders of these shops were delivered after this moment."""
    delivered = purchases.c.state == State.DELIVERED.value
    query = select(func.count()).where(text(SETTLED), purchases.c.shop.in_(shops), delivered)
    return connection.execute(query.where(purchases.c.settled_at > moment)).scalar_one()
