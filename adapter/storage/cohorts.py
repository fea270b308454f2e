"""What became of the orders that came in on each day, and why some weren't sent, counted in indexes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Engine, bindparam, func, literal, select, text, union_all

from adapter.storage.days import delivered
from adapter.storage.engine import reading
from adapter.storage.reasons import KindOfReason
from adapter.storage.tables import ENDED, REASONED, UNSETTLED, WAITING, State, purchases

_MOST_DAYS = 200
"""SQLite puts 500 questions together at most; a day takes two."""

_SETTLED = [state.value for state in State if state not in (State.PENDING, State.DELIVERING)]
_UNSENT = [state for state in _SETTLED if state != State.DELIVERED.value]


class Cohorts:
    """Counts the orders of one shop, on one engine. Every method raises `StorageUnavailable`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def by_day(self, shop: str, days: Sequence[date]) -> Counter[tuple[date, State]]:
        """Return how many of the orders that came in on each of these days (in UTC) are in each state now.

        What isn't settled counts as pending, also while it is being sent. The delivered ones are counted already.
        """
        if len(days) > _MOST_DAYS:
            raise ValueError(f"at most {_MOST_DAYS} days are counted at once")
        moments = {f"start_{index}": _start(day) for index, day in enumerate(days)}
        moments |= {f"end_{index}": _start(day + timedelta(days=1)) for index, day in enumerate(days)}
        if not days:
            return Counter()
        with reading(self._engine) as connection:
            rows: Sequence[Any] = connection.execute(_by_day(len(days)), {"shop": shop, **moments}).all()
            of_days = delivered(connection, shop, days)
        counted: Counter[tuple[date, State]] = Counter({(days[row[0]], State(row[1])): row[2] for row in rows})
        counted.update({(day, State.DELIVERED): number for day, number in of_days.items()})
        return counted

    def reasons(self, shop: str, since: date) -> Counter[str]:
        """Return how many orders that came in since then have each kind of reason."""
        kind = KindOfReason()
        query = select(kind, func.count()).where(purchases.c.shop == shop, text(REASONED)).group_by(kind)
        with reading(self._engine) as connection:
            rows: Sequence[Any] = connection.execute(query.where(purchases.c.received_at >= _start(since))).all()
        return Counter({row[0]: row[1] for row in rows})

    def open(self, shop: str) -> tuple[int, int]:
        """Return how many orders wait, and how many are quarantined, since whenever."""
        here = select(func.count()).where(purchases.c.shop == shop)
        quarantined = here.where(text(ENDED), purchases.c.state == State.QUARANTINED.value)
        with reading(self._engine) as connection:
            waiting = connection.execute(here.where(text(WAITING))).scalar_one()
            return waiting, connection.execute(quarantined).scalar_one()

    def last(self, shop: str) -> datetime | None:
        """Return when an order last came in, None when none ever did."""
        query = select(purchases.c.received_at).where(purchases.c.shop == shop)
        newest = query.order_by(purchases.c.received_at.desc(), purchases.c.id.desc()).limit(1)
        asked = [newest.where(text(ENDED), purchases.c.state == state) for state in _SETTLED]
        asked.append(newest.where(text(UNSETTLED)))
        with reading(self._engine) as connection:
            found = connection.execute(union_all(*(select(one.subquery()) for one in asked))).scalars().all()
        return max(found, default=None)


@cache
def _by_day(days: int) -> Any:  # noqa: ANN401  # SQLAlchemy's statement.
    """Ask day by day: each answer is a stretch of an index for each state, and nothing has to be sorted."""
    return union_all(*(question for index in range(days) for question in _on_day(index)))


def _on_day(index: int) -> tuple[Any, Any]:
    moment = purchases.c.received_at.type
    here = (
        purchases.c.shop == bindparam("shop"),
        purchases.c.received_at >= bindparam(f"start_{index}", type_=moment),
        purchases.c.received_at < bindparam(f"end_{index}", type_=moment),
    )
    settled = select(literal(index), purchases.c.state, func.count()).group_by(purchases.c.state)
    waiting = select(literal(index), literal(State.PENDING.value), func.count())
    return (
        settled.where(text(ENDED), purchases.c.state.in_(_UNSENT), *here),
        waiting.where(text(UNSETTLED), *here).having(func.count() > 0),
    )


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
