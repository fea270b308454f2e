"""What a late click or a late refusal does to the orders it concerns: it wakes those that wait, or purges them all.

The keys of an order's clicks are known once its body was read. From then on, as long as its body is kept, a click or a
refusal under one of them finds the order.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    Select,
    and_,
    bindparam,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from adapter.purchase.rules import REFUSED
from adapter.storage.direct import run
from adapter.storage.engine import reading, writing
from adapter.storage.lists import among
from adapter.storage.retention import PURGE, purged
from adapter.storage.tables import UPTIME, State, awaited_clicks, purchases

_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def expect(engine: Engine, keys: Sequence[tuple[int, bytes]]) -> None:
    """Remember under which keys' hashes something may still come for which orders; raise `StorageUnavailable`.

    Whoever looks clicks up afterwards misses no refusal: it was stored before that, or it finds the order.
    """
    if not keys:
        return
    rows = [{"purchase_id": purchase_id, "key": key} for purchase_id, key in sorted(set(keys))]
    insert = _INSERTS[engine.dialect.name](awaited_clicks).on_conflict_do_nothing()
    with writing(engine) as connection:
        connection.execute(insert, rows)


def wake(connection: Connection, keys: Sequence[bytes], now: datetime) -> None:
    """Make the orders due that wait for a click under one of these keys."""
    run(connection, _WAKE, [{"key": key, "now": now} for key in keys])


def orders_of(engine: Engine, keys: Sequence[bytes]) -> Sequence[int]:
    """Return the ids of the orders for which something was expected under these keys' hashes."""
    with reading(engine) as connection:
        return connection.execute(_orders_of(engine.dialect.name), {"keys": keys}).scalars().all()


def refuse(connection: Connection, which: ColumnElement[bool], now: datetime) -> list[bytes]:
    """Purge what is kept of these orders, of which none is sent any more; return the hashes of their clicks' keys.

    One that was sent stays delivered, and one that may be under way goes on to its end; its bytes aren't sent again.
    """
    columns = tuple(purchases.c[name] for name in ("id", "state", "fixed", "reason", "answer"))
    is_kept = and_(which, purchases.c.body.is_not(None))
    locked = select(*columns).where(is_kept).order_by(purchases.c.shop, purchases.c.order_id).with_for_update()
    rows = connection.execute(locked).all()
    if not rows:
        return []
    connection.execute(PURGE, [{**purged(row), "kept_reason": _reason(row)} for row in rows])
    connection.execute(_END, {"ids": [row.id for row in rows if not _may_be_out(row)], "now": now})
    connection.execute(_OUTDATE, {"ids": [row.id for row in rows if _may_be_out(row)]})
    theirs = awaited_clicks.c.purchase_id.in_([row.id for row in rows])
    return list(connection.execute(delete(awaited_clicks).where(theirs).returning(awaited_clicks.c.key)).scalars())


@cache
def _orders_of(dialect: str) -> Select[Any]:
    return select(awaited_clicks.c.purchase_id).where(among(awaited_clicks.c.key, "keys", dialect))


def _may_be_out(row: Row[Any]) -> bool:
    """Whether its event was sent, or is perhaps being sent right now."""
    return row.state == State.DELIVERED or (row.state == State.DELIVERING and bool(row.fixed))


def _reason(row: Row[Any]) -> str:
    if row.state == State.DELIVERED:
        return f"{REFUSED}, after it was sent"
    return f"{REFUSED}; an earlier try may have been accepted" if row.fixed else str(REFUSED)


_now = bindparam("now", type_=purchases.c.due_at.type)
_WAKE = (
    update(purchases)
    .where(purchases.c.id.in_(select(awaited_clicks.c.purchase_id).where(awaited_clicks.c.key == bindparam("key"))))
    .where(purchases.c.state == State.PENDING.value, purchases.c.due_at > _now)
    .values(due_at=_now)
)

_ids = bindparam("ids", expanding=True, type_=purchases.c.id.type)

_END = (
    update(purchases)
    .where(purchases.c.id.in_(_ids))
    .values(
        state=State.SKIPPED.value,
        fixed=True,
        # A worker that holds it can neither send nor settle it.
        fence=purchases.c.fence + 1,
        lease_until=None,
        suspect_at=None,
        settled_at=func.coalesce(purchases.c.settled_at, bindparam("now", type_=purchases.c.settled_at.type)),
        changed_uptime=UPTIME,
    )
)

# To a worker that holds it this is a newer body: what isn't under way yet isn't sent any more.
_OUTDATE = update(purchases).where(purchases.c.id.in_(_ids)).values(revision=purchases.c.revision + 1)
