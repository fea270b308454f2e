"""What was delivered on each day, in numbers: which identifiers the events carried, how late they were, their value.

A day is the one (in UTC) on which an order came in. The numbers grow within the transaction by which orders are
settled, so each order counts once, and delivered is what an order stays; and a page adds up some hundred rows, however
many orders there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, func, select
from sqlalchemy.dialects import postgresql, sqlite

from adapter.purchase.facts import CARRIED, Facts
from adapter.storage.engine import reading
from adapter.storage.tables import days

_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}

MILLIONTHS = 1_000_000
"""A value is added up in millionths of its currency, as a whole number: neither database then rounds."""

_LARGEST = 10**16
"""Millionths of one order. What is larger is a mistake, and must not keep a batch of orders from being settled."""

BOUNDS = (
    ("within_10s", timedelta(seconds=10)),
    ("within_1min", timedelta(minutes=1)),
    ("within_5min", timedelta(minutes=5)),
    ("within_1h", timedelta(hours=1)),
)
"""How long after the order its event was accepted: the first of these that holds; else it was later."""

UNKNOWN = "?"
"""The currency of orders of whose events nothing is known: a version that kept no facts has made them."""

_NUMBERS = ("delivered", "value", *(f"with_{name}" for name in CARRIED), *(name for name, _ in BOUNDS))


@dataclass(frozen=True, slots=True)
class Delivered:
    """One order that was accepted: its shop, when it came in, how long after the order that was, known facts."""

    shop: str
    received_at: datetime
    took: timedelta
    facts: Facts | None


@dataclass(frozen=True, slots=True)
class Day:
    """The numbers of a shop's day in one currency. `carried` and `within` count orders; `value` is their sum."""

    shop: str
    day: date
    currency: str
    delivered: int
    value: Decimal
    carried: Mapping[str, int]
    within: Mapping[str, int]


def count(connection: Connection, orders: Iterable[Delivered]) -> None:
    """Add these orders to their days: one statement for each day, shop and currency, which mostly is one."""
    grown: dict[tuple[str, date, str], Counter[str]] = {}
    for order in orders:
        currency = UNKNOWN if order.facts is None else order.facts.currency
        key = (order.shop, order.received_at.date(), currency)
        grown.setdefault(key, Counter()).update(_numbers(order))
    rows = [
        {"shop": shop, "day": day, "currency": currency, **{name: numbers[name] for name in _NUMBERS}}
        for (shop, day, currency), numbers in sorted(grown.items())  # In this order, so that nobody waits in a circle.
    ]
    if rows:
        connection.execute(_addition(connection.dialect.name), rows)


def _numbers(order: Delivered) -> Counter[str]:
    if order.facts is None:
        return Counter(delivered=1)
    numbers = Counter({f"with_{name}": 1 for name in order.facts.carries.split()})
    numbers["delivered"] = 1
    numbers["value"] = _millionths(order.facts.value)
    if bound := next((name for name, bound in BOUNDS if order.took <= bound), None):
        numbers[bound] = 1
    return numbers


def _millionths(value: str) -> int:
    return min(int(Decimal(value) * MILLIONTHS), _LARGEST) if value else 0


@cache
def _addition(dialect: str) -> Any:  # noqa: ANN401  # The two dialects' inserts share no public type.
    names = ("shop", "day", "currency", *_NUMBERS)
    insert = _INSERTS[dialect](days).values({name: bindparam(name, type_=days.c[name].type) for name in names})
    grown = {name: days.c[name] + insert.excluded[name] for name in _NUMBERS}
    return insert.on_conflict_do_update(index_elements=["shop", "day", "currency"], set_=grown)


def delivered(connection: Connection, shop: str, days_: Sequence[date]) -> Counter[date]:
    """Return how many of the orders of a shop that came in on each of these days were delivered."""
    number = func.sum(days.c.delivered)
    query = select(days.c.day, number).where(days.c.shop == shop, days.c.day.between(min(days_), max(days_)))
    rows: Sequence[Any] = connection.execute(query.group_by(days.c.day)).all()
    return Counter({row[0]: int(row[1]) for row in rows if row[0] in days_})


def delivered_in_all(connection: Connection) -> dict[str, int]:
    """Return by shop how many orders were ever delivered."""
    query = select(days.c.shop, func.sum(days.c.delivered)).group_by(days.c.shop)
    return {shop: int(number) for shop, number in connection.execute(query)}


class Days:
    """Reads the numbers, on one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def since(self, first: date, shop: str | None = None) -> list[Day]:
        """Return what is known of the days of a shop, or of all, from the first on; raise `StorageUnavailable`."""
        query = select(days).where(days.c.day >= first, days.c.currency != UNKNOWN)
        query = query if shop is None else query.where(days.c.shop == shop)
        with reading(self._engine) as connection:
            rows = connection.execute(query.order_by(days.c.day, days.c.shop, days.c.currency)).mappings().all()
        return [_day(row) for row in rows]


def _day(row: Mapping[Any, Any]) -> Day:
    return Day(
        shop=row["shop"],
        day=row["day"],
        currency=row["currency"],
        delivered=row["delivered"],
        value=Decimal(int(row["value"])) / MILLIONTHS,
        carried={name: row[f"with_{name}"] for name in CARRIED},
        within={name: row[name] for name, _ in BOUNDS},
    )


def totals(found: Sequence[Day]) -> Counter[str]:
    """Return the sum of these days, but for the value: `delivered`, the identifiers, the bounds."""
    added: Counter[str] = Counter()
    for day in found:
        added.update({"delivered": day.delivered, **day.carried, **day.within})
    return added
