"""What the house's health is told from: each question goes through an index and reads a bounded number of rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, func, select, text, union_all

from adapter.storage.due import moments, oldest_due
from adapter.storage.engine import reading
from adapter.storage.tables import ENDED, SETTLED, UNSETTLED, State, purchases, uptime
from adapter.turns import in_turns

MOST_COUNTED = 1_000
"""So many quarantined orders are counted; more are as bad."""

MOST_ARRIVALS = 20
"""So many orders tell how often a shop sells."""

_ENDS = (State.DELIVERED, State.SKIPPED, State.QUARANTINED, State.EXPIRED)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopVitals:
    """What the ledger says of one shop.

    `due_since` is when its oldest due order became due, `quarantined` how many were quarantined lately (up to
    `MOST_COUNTED`) and `quarantined_since` when the first of these was, `arrivals` when its last orders came in,
    newest first.
    """

    due_since: datetime | None
    quarantined: int
    quarantined_since: datetime | None
    arrivals: tuple[datetime, ...]


class Vitals:
    """Reads the vital signs of one database. All methods raise `StorageUnavailable`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def beat_at(self) -> datetime | None:
        """Return when a worker last said that it looks for due orders; None when none ever did."""
        with reading(self._engine) as connection:
            return connection.execute(select(uptime.c.beat_at).where(uptime.c.id == 1)).scalar()

    def server_time(self) -> datetime | None:
        """Return the time by the clock of the database's own machine; None for SQLite, which has none."""
        if self._engine.dialect.name != "postgresql":
            return None
        with reading(self._engine) as connection:
            found: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
        return found

    def of_shops(self, shops: Iterable[str], now: datetime, lately: timedelta) -> dict[str, ShopVitals]:
        """Return the vital signs of each of these shops; `lately` is how far back quarantined orders are counted.

        Others have their turn between two shops: see `adapter.turns`.
        """
        with reading(self._engine) as connection:
            return {shop: _of_shop(connection, shop, now, now - lately) for shop in in_turns(shops)}


def _of_shop(connection: Connection, shop: str, now: datetime, lately: datetime) -> ShopVitals:
    quarantined = connection.execute(_quarantined(MOST_COUNTED), {"shop": shop, "lately": lately}).mappings().one()
    arrivals = connection.execute(_arrivals(), {"shop": shop}).scalars().all()
    return ShopVitals(
        due_since=connection.execute(oldest_due(), {"shop": shop, **moments(now)}).scalar(),
        quarantined=quarantined["number"],
        quarantined_since=quarantined["since"],
        arrivals=tuple(sorted(arrivals, reverse=True)[:MOST_ARRIVALS]),
    )


@cache
def _quarantined(most: int) -> Any:  # noqa: ANN401  # SQLAlchemy's selects, here and below.
    is_quarantined = purchases.c.state == State.QUARANTINED.value
    found = select(purchases.c.settled_at).where(text(SETTLED), purchases.c.shop == bindparam("shop"), is_quarantined)
    lately = purchases.c.settled_at > bindparam("lately", type_=purchases.c.settled_at.type)
    counted = found.where(lately).order_by(purchases.c.settled_at).limit(most)
    first = counted.subquery()
    return select(func.count().label("number"), func.min(first.c.settled_at).label("since"))


@cache
def _arrivals() -> Any:  # noqa: ANN401  # As above.
    """Return the query for when the newest orders came in, of each state some: the newest of all are among them."""
    of_shop = select(purchases.c.received_at).where(purchases.c.shop == bindparam("shop"))
    newest = of_shop.order_by(purchases.c.received_at.desc(), purchases.c.id.desc()).limit(MOST_ARRIVALS)
    ended = (newest.where(text(ENDED), purchases.c.state == state.value) for state in _ENDS)
    parts = (*ended, newest.where(text(UNSETTLED)))
    return union_all(*(select(part.subquery().c.received_at) for part in parts))
