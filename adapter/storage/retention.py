"""Retention: what is personal is purged when its order has been settled for long; the rest of the row stays.

Each step looks for one small batch while others write, takes it in one short transaction, and passes over rows that
another transaction holds. The queries name no state: SQLite would look through all rows in it, instead of through the
index of what is old.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    and_,
    bindparam,
    case,
    delete,
    func,
    or_,
    select,
    text,
    update,
)

from adapter.storage.due import has_ended
from adapter.storage.engine import reading, writing
from adapter.storage.expiring import expire
from adapter.storage.tables import KEPT, UPTIME, State, awaited_clicks, clicks, purchases

BATCH = 200
"""So many rows are purged at a time."""

ALLOWANCE = timedelta(hours=2)
"""So much longer everything is kept: an hour for a worker that looks late, one for six starts with a wrong clock."""

_SETTLED = tuple(state.value for state in State if state not in (State.PENDING, State.DELIVERING))

_IMPERSONAL = ("verdict", "status", "error_code", "trace_id")
"""What stays of an answer. Its message and its body may repeat a value of the event."""


@dataclass(frozen=True, slots=True)
class Expired:
    """An order that waited in vain; `perhaps_accepted` says that a try of it ended without a known outcome."""

    shop: str
    order_id: str
    perhaps_accepted: bool


class Retention:
    """Ends what was kept for `keep`, counted in uptime: settled orders and clicks; waiting orders after twice that.

    All steps return how many rows they changed; fewer than `BATCH` says that nothing is left to do.
    """

    def __init__(self, engine: Engine, keep: timedelta) -> None:
        self._engine = engine
        self._keep = keep

    def date(self) -> int:
        """Let the age of rows begin now that were written by a version which didn't count uptime."""
        ids = self._look(select(purchases.c.id).where(text(KEPT), purchases.c.changed_uptime.is_(None)))
        keys = self._look(select(clicks.c.key).where(clicks.c.changed_uptime.is_(None)))
        if ids or keys:
            with writing(self._engine) as connection:
                _date(connection, ids, keys)
        return max(len(ids), len(keys))

    def expire(self, uptime: timedelta, now: datetime) -> list[Expired]:
        """Give up orders that waited twice as long as settled ones are kept; their bodies go that much later.

        A row whose worker was killed counts as waiting, when its lease is over.
        """
        is_free = or_(purchases.c.lease_until.is_(None), has_ended(purchases.c.lease_until, now))
        is_old = purchases.c.changed_uptime <= self._before(uptime, 2)
        waits = and_(is_old, purchases.c.settled_at.is_(None), is_free)
        found = self._look(select(purchases.c.id).where(text(KEPT), waits).order_by(purchases.c.changed_uptime))
        if not found:
            return []
        with writing(self._engine) as connection:
            ids = connection.execute(_held(select(purchases.c.id), found, waits)).scalars().all()
            expired = connection.execute(self._expiry(now).where(purchases.c.id.in_(ids))).all()
        return [Expired(row.shop, row.order_id, row.fixed) for row in expired]

    def _expiry(self, now: datetime) -> Any:  # noqa: ANN401  # SQLAlchemy's update with its returned columns.
        days = (2 * self._keep).days
        perhaps = f"expired: no try within {days} days had a known outcome; it may have been accepted"
        update_all = expire(now, f"expired: not delivered within {days} days", perhaps)
        return update_all.returning(purchases.c.shop, purchases.c.order_id, purchases.c.fixed)

    def purge_orders(self, uptime: timedelta) -> int:
        """Purge bodies and events of settled orders, and what may repeat a value of theirs."""
        is_old = purchases.c.changed_uptime <= self._before(uptime, 1)
        is_over = and_(is_old, purchases.c.settled_at.is_not(None))
        found = self._look(select(purchases.c.id).where(text(KEPT), is_over).order_by(purchases.c.changed_uptime))
        if not found:
            return 0
        columns = select(purchases.c.id, purchases.c.reason, purchases.c.answer)
        with writing(self._engine) as connection:
            rows = connection.execute(_held(columns, found, is_over)).all()
            if rows:
                connection.execute(PURGE, [purged(row) for row in rows])
                _forget_awaited(connection, [row.id for row in rows])
        return len(rows)

    def purge_clicks(self, uptime: timedelta) -> int:
        """Delete clicks that nothing was added to for so long."""
        is_over = clicks.c.changed_uptime <= self._before(uptime, 1)
        found = self._look(select(clicks.c.key).where(is_over))
        if not found:
            return 0
        held = select(clicks.c.key).where(clicks.c.key.in_(found), is_over).with_for_update(skip_locked=True)
        with writing(self._engine) as connection:
            keys = connection.execute(held).scalars().all()
            connection.execute(delete(clicks).where(clicks.c.key.in_(keys)))
        return len(keys)

    def _look(self, query: Any) -> Sequence[Any]:  # noqa: ANN401  # A select of ids, or of keys.
        """Return the ids of the next batch, without keeping anybody from writing: mostly there is none."""
        with reading(self._engine) as connection:
            return connection.execute(query.limit(BATCH)).scalars().all()

    def _before(self, uptime: timedelta, times: int) -> int:
        return int((uptime - times * self._keep - ALLOWANCE).total_seconds())


PURGE = (
    update(purchases)
    .where(purchases.c.id == bindparam("row"))
    .values(body=None, event=None, reason=bindparam("kept_reason"), answer=bindparam("kept_answer"))
)
"""Purges one order; `purged` makes its parameters."""


def purged(row: Row[Any]) -> dict[str, Any]:
    """Return what stays of an order with id, reason and answer: the kind of reason, the API's answer in codes."""
    known: dict[str, str | int] = json.loads(row.answer) if row.answer else {}
    kept = {name: known[name] for name in _IMPERSONAL if name in known}
    reason = row.reason and row.reason.partition(":")[0]
    return {"row": row.id, "kept_reason": reason, "kept_answer": json.dumps(kept) if kept else None}


def _held(columns: Any, found: Sequence[int], still: ColumnElement[bool]) -> Any:  # noqa: ANN401  # Selects.
    """Return the query that locks those of the found orders of which it still holds, and that nobody else holds."""
    is_kept = purchases.c.body.is_not(None)
    return columns.where(purchases.c.id.in_(found), is_kept, still).with_for_update(skip_locked=True)


def _date(connection: Connection, ids: Sequence[int], keys: Sequence[bytes]) -> None:
    undated = select(purchases.c.id).where(purchases.c.id.in_(ids), purchases.c.changed_uptime.is_(None))
    is_settled = purchases.c.state.in_(_SETTLED)
    settled_at = func.coalesce(purchases.c.settled_at, case((is_settled, purchases.c.refreshed_at)))
    orders = update(purchases).where(purchases.c.id.in_(undated.with_for_update(skip_locked=True)))
    connection.execute(orders.values(changed_uptime=UPTIME, settled_at=settled_at))
    undated_clicks = select(clicks.c.key).where(clicks.c.key.in_(keys), clicks.c.changed_uptime.is_(None))
    found = update(clicks).where(clicks.c.key.in_(undated_clicks.with_for_update(skip_locked=True)))
    connection.execute(found.values(changed_uptime=UPTIME))


def _forget_awaited(connection: Connection, purchase_ids: Sequence[int]) -> None:
    connection.execute(delete(awaited_clicks).where(awaited_clicks.c.purchase_id.in_(purchase_ids)))
