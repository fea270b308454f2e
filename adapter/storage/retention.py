"""Retention: what is personal is purged when its order has been settled for long; the rest of the row stays.

Each step takes one small batch in one short transaction, and passes over rows that another transaction holds. The
queries name no state: SQLite would look through all rows in it, instead of through the index of what is old.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, case, delete, func, or_, select, text, update

from adapter.storage.due import has_come
from adapter.storage.engine import writing
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
        with writing(self._engine) as connection:
            return _date_orders(connection) + _date_clicks(connection)

    def expire(self, uptime: timedelta, now: datetime) -> list[Expired]:
        """Give up orders that waited twice as long as settled ones are kept; their bodies go that much later.

        A row whose worker was killed counts as waiting, when its lease is over.
        """
        is_free = or_(purchases.c.lease_until.is_(None), has_come(purchases.c.lease_until, now))
        is_old = purchases.c.changed_uptime <= self._before(uptime, 2)
        old = (
            select(purchases.c.id)
            .where(text(KEPT), is_old, purchases.c.settled_at.is_(None), is_free)
            .order_by(purchases.c.changed_uptime)
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        )
        with writing(self._engine) as connection:
            ids = connection.execute(old).scalars().all()
            expired = connection.execute(self._expiry(now).where(purchases.c.id.in_(ids))).all()
            _forget_awaited(connection, ids)
        return [Expired(row.shop, row.order_id, row.fixed) for row in expired]

    def _expiry(self, now: datetime) -> Any:  # noqa: ANN401  # SQLAlchemy's update with its returned columns.
        days = (2 * self._keep).days
        perhaps = f"expired: no try within {days} days had a known outcome; it may have been accepted"
        return (
            update(purchases)
            .values(
                state=State.EXPIRED.value,
                reason=case((purchases.c.fixed, perhaps), else_=f"expired: not delivered within {days} days"),
                lease_until=None,
                fence=purchases.c.fence + 1,
                suspect_at=None,
                settled_at=now,
                changed_uptime=UPTIME,
            )
            .returning(purchases.c.shop, purchases.c.order_id, purchases.c.fixed)
        )

    def purge_orders(self, uptime: timedelta) -> int:
        """Purge bodies and events of settled orders, and what may repeat a value of theirs."""
        is_old = purchases.c.changed_uptime <= self._before(uptime, 1)
        old = (
            select(purchases.c.id, purchases.c.reason, purchases.c.answer)
            .where(text(KEPT), is_old, purchases.c.settled_at.is_not(None))
            .order_by(purchases.c.changed_uptime)
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        )
        with writing(self._engine) as connection:
            rows = connection.execute(old).all()
            if rows:
                purged = [{"row": row.id, **_without_values(row.reason, row.answer)} for row in rows]
                connection.execute(_PURGE, purged)
                _forget_awaited(connection, [row.id for row in rows])
        return len(rows)

    def purge_clicks(self, uptime: timedelta) -> int:
        """Delete clicks that nothing was added to for so long."""
        old = (
            select(clicks.c.key)
            .where(clicks.c.changed_uptime <= self._before(uptime, 1))
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        )
        with writing(self._engine) as connection:
            keys = connection.execute(old).scalars().all()
            connection.execute(delete(clicks).where(clicks.c.key.in_(keys)))
        return len(keys)

    def _before(self, uptime: timedelta, times: int) -> int:
        return int((uptime - times * self._keep - ALLOWANCE).total_seconds())


_PURGE = (
    update(purchases)
    .where(purchases.c.id == bindparam("row"))
    .values(body=None, event=None, reason=bindparam("kept_reason"), answer=bindparam("kept_answer"))
)


def _without_values(reason: str | None, answer: str | None) -> dict[str, str | None]:
    """Return the kind of the reason, and of the answer what the API says in codes."""
    known: dict[str, str | int] = json.loads(answer) if answer else {}
    kept = {name: known[name] for name in _IMPERSONAL if name in known}
    return {"kept_reason": reason and reason.partition(":")[0], "kept_answer": json.dumps(kept) if kept else None}


def _date_orders(connection: Connection) -> int:
    undated = select(purchases.c.id).where(text(KEPT), purchases.c.changed_uptime.is_(None)).limit(BATCH)
    is_settled = purchases.c.state.in_(_SETTLED)
    settled_at = func.coalesce(purchases.c.settled_at, case((is_settled, purchases.c.refreshed_at)))
    dated = update(purchases).values(changed_uptime=UPTIME, settled_at=settled_at)
    found = undated.with_for_update(skip_locked=True)
    return connection.execute(dated.where(purchases.c.id.in_(found))).rowcount


def _date_clicks(connection: Connection) -> int:
    undated = select(clicks.c.key).where(clicks.c.changed_uptime.is_(None)).limit(BATCH)
    dated = update(clicks).values(changed_uptime=UPTIME)
    return connection.execute(dated.where(clicks.c.key.in_(undated.with_for_update(skip_locked=True)))).rowcount


def _forget_awaited(connection: Connection, purchase_ids: Sequence[int]) -> None:
    connection.execute(delete(awaited_clicks).where(awaited_clicks.c.purchase_id.in_(purchase_ids)))
