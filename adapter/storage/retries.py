"""What a person asks for: a settled order is due again, or one that waits is given up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, TextClause, and_, delete, func, select, text, update

from adapter.storage.due import has_ended
from adapter.storage.engine import reading, writing
from adapter.storage.expiring import expire
from adapter.storage.search import Mark, beyond, known_shops
from adapter.storage.tables import ENDED, UPTIME, State, awaited_clicks, purchases

BATCH = 200

_RETRYABLE = (State.QUARANTINED.value, State.SKIPPED.value, State.EXPIRED.value)

_CONFLICTING = "conflicting order"


@dataclass(frozen=True, slots=True)
class Retried:
    """An order that is due again. `frozen` says that the very bytes of its earlier sending are sent again."""

    id: int
    shop: str
    order_id: str
    frozen: bool
    received_at: datetime

    @property
    def mark(self) -> Mark:
        """Its place among the orders of its shop."""
        return Mark(self.received_at, self.id)


class Retries:
    """Retries on one engine.

    What is due again is made anew from its body by the present mapping, unless an earlier try may have been accepted:
    then its bytes are fixed, and the same ones are sent.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def retry(self, shop: str, order_id: str, now: datetime) -> Retried | None:
        """Make one order due now; None when it isn't there, waits or was delivered, or when its body is gone."""
        this = (purchases.c.shop == shop, purchases.c.order_id == order_id)
        with writing(self._engine) as connection:
            row = connection.execute(_due_again(now).where(*this, purchases.c.state.in_(_RETRYABLE))).one_or_none()
        return None if row is None else Retried(*row)

    def shops(self) -> list[str]:
        """Return the names of all shops that have an order, those without a mapping file among them."""
        with reading(self._engine) as connection:
            return known_shops(connection)

    def retry_quarantined(self, shop: str, now: datetime, after: Mark | None = None) -> list[Retried]:
        """Make the next quarantined orders of a shop due, those that came in after the mark; [] when none is left.

        A conflicting order has the id of another one: it is retried only when it is named.
        """
        some = (
            select(purchases.c.id)
            .where(*_quarantined(shop), purchases.c.body.is_not(None), ~_is_conflicting())
            .where(*(beyond(after, rising=True) if after else ()))
            .order_by(purchases.c.received_at, purchases.c.id)
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        )
        with writing(self._engine) as connection:
            rows = connection.execute(_due_again(now).where(purchases.c.id.in_(some))).all()
        return sorted((Retried(*row) for row in rows), key=lambda retried: (retried.received_at, retried.id))

    def give_up(self, shop: str, order_id: str, now: datetime) -> bool:
        """End an order that waits or was quarantined; return whether it was one. One in flight isn't.

        It counts as expired, so that no newer body wakes it; a worker that had claimed it can't settle it.
        """
        is_free = purchases.c.state.in_([State.PENDING.value, State.QUARANTINED.value]) | and_(
            purchases.c.state == State.DELIVERING.value, has_ended(purchases.c.lease_until, now)
        )
        this = (purchases.c.shop == shop, purchases.c.order_id == order_id, is_free)
        with writing(self._engine) as connection:
            ended = connection.execute(_given_up(now).where(*this)).scalar()
            if ended is not None:
                connection.execute(delete(awaited_clicks).where(awaited_clicks.c.purchase_id == ended))
        return ended is not None

    def left_aside(self, shop: str) -> tuple[int, int]:
        """Return how many quarantined orders of a shop have no body any more, and how many others are conflicting."""
        kept = purchases.c.body.is_not(None)
        query = select(func.count()).select_from(purchases).where(*_quarantined(shop))
        with reading(self._engine) as connection:
            bodiless = connection.execute(query.where(~kept)).scalar_one()
            return bodiless, connection.execute(query.where(kept, _is_conflicting())).scalar_one()

    def find(self, shop: str, order_id: str) -> Mapping[str, Any] | None:
        """Return what says why an order can't be retried: its state, reason and so on; None: it isn't there."""
        columns = (purchases.c[name] for name in ("state", "reason", "fixed", "settled_at"))
        query = select(*columns).where(purchases.c.shop == shop, purchases.c.order_id == order_id)
        with reading(self._engine) as connection:
            row = connection.execute(query).mappings().one_or_none()
        return None if row is None else dict(row)


def _quarantined(shop: str) -> tuple[ColumnElement[bool] | TextClause, ...]:
    """Say it as the index of arrivals does."""
    return purchases.c.shop == shop, text(ENDED), purchases.c.state == State.QUARANTINED.value


def _is_conflicting() -> ColumnElement[bool]:
    return func.coalesce(purchases.c.reason, "").like(f"{_CONFLICTING}%")


GIVEN_UP = "given up"
"""The kind of reason of an order that a person has ended."""


def _given_up(now: datetime) -> Any:  # noqa: ANN401  # SQLAlchemy's update with its returned column.
    reason = f"{GIVEN_UP}: by a person"
    return expire(now, reason, f"{reason}; an earlier try may have been accepted").returning(purchases.c.id)


def _due_again(now: datetime) -> Any:  # noqa: ANN401  # SQLAlchemy's update with its returned columns.
    return (
        update(purchases)
        .where(purchases.c.body.is_not(None))
        .values(
            state=State.PENDING.value,
            reason=None,
            due_at=now,
            attempts=0,
            suspect_at=None,
            settled_at=None,
            changed_uptime=UPTIME,
        )
        .returning(purchases.c.id, purchases.c.shop, purchases.c.order_id, purchases.c.fixed, purchases.c.received_at)
    )
