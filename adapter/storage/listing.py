"""Looking at the ledger without opening anything: rows, counts and ages, each by an index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, select, text

from adapter.storage import days
from adapter.storage.search import Wanted, known_shops, newest
from adapter.storage.tables import ENDED, SETTLED, UNSETTLED, WAITING, State, purchases

_AT_ONCE = 500
"""So many rows are asked for by their ids; databases bound the parameters of a statement."""

_SHOWN = (
    *("id", "shop", "order_id", "state", "reason", "received_at", "refreshed_at", "due_at", "attempts"),
    *("answer", "first_sent_at", "settled_at", "suspect_at"),
)


_UNSENT = (
    select(purchases.c.state, func.count())
    .where(purchases.c.shop == bindparam("shop"), text(ENDED))
    .where(purchases.c.state.in_([State.SKIPPED.value, State.QUARANTINED.value, State.EXPIRED.value]))
    .group_by(purchases.c.state)
)


def rows(
    connection: Connection, state: State | None, shop: str | None, reason: str | None, limit: int
) -> list[Mapping[str, Any]]:
    """Return the newest rows, `reason` being a part of their reason in any case; `body_kept` says if one may retry."""
    ids = [mark.id for mark in newest(connection, Wanted(state=state, shop=shop, reason=reason), limit)]
    kept = purchases.c.body.is_not(None).label("body_kept")
    query: Select[Any] = select(*(purchases.c[name] for name in _SHOWN), kept)
    found: dict[int, Mapping[str, Any]] = {}
    for start in range(0, len(ids), _AT_ONCE):
        some = query.where(purchases.c.id.in_(ids[start : start + _AT_ONCE]))
        found |= {row["id"]: dict(row) for row in connection.execute(some).mappings()}
    return [found[id_] for id_ in dict.fromkeys(ids) if id_ in found]


def counts(connection: Connection) -> dict[str, dict[str, int]]:
    """Return by shop how many orders are in each state. The delivered ones, mostly the most, are counted already."""
    found = {shop: {State.DELIVERED.value: number} for shop, number in days.delivered_in_all(connection).items()}
    waiting = select(purchases.c.shop, purchases.c.state, func.count()).where(text(WAITING))
    for shop, state, number in connection.execute(waiting.group_by(purchases.c.shop, purchases.c.state)):
        found.setdefault(shop, {})[state] = number
    for shop in known_shops(connection):
        for state, number in connection.execute(_UNSENT, {"shop": shop}):
            found.setdefault(shop, {})[state] = number
    return found


def oldest_waiting(connection: Connection, shops: Sequence[str]) -> Mapping[str, Any] | None:
    """Return the order of these shops that has waited longest to be sent: shop, order_id, received_at, due_at."""
    columns = (purchases.c[name] for name in ("shop", "order_id", "received_at", "due_at"))
    oldest = select(*columns).where(text(UNSETTLED), purchases.c.shop == bindparam("shop"))
    first = oldest.order_by(purchases.c.received_at, purchases.c.id).limit(1)
    rows = [row for shop in shops for row in connection.execute(first, {"shop": shop}).mappings()]
    return dict(min(rows, key=lambda row: row["received_at"])) if rows else None


def delivered_since(connection: Connection, shops: Sequence[str], moment: datetime) -> int:
    """Return how many orders of these shops were delivered after this moment."""
    delivered = purchases.c.state == State.DELIVERED.value
    query = select(func.count()).where(text(SETTLED), purchases.c.shop.in_(shops), delivered)
    return connection.execute(query.where(purchases.c.settled_at > moment)).scalar_one()
