"""The overview: how shops and destinations are, what became of the orders of each day, and how well they are known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from adapter.operations.status import status_for_programs
from adapter.purchase.facts import CARRIED
from adapter.shops.shop import Shops
from adapter.storage.cohorts import Cohorts
from adapter.storage.days import BOUNDS, Day, Days, totals
from adapter.storage.destinations import Destinations
from adapter.storage.purchases import Purchases
from adapter.storage.tables import State

IN_WINDOW = ("within_10s", "within_1min", "within_5min")
"""The bounds inside the 5 minutes in which Axon merges an event with the pixel's."""

GROUPS: Mapping[str, tuple[State, ...]] = {
    "delivered": (State.DELIVERED,),
    "skipped": (State.SKIPPED,),
    "waiting": (State.PENDING, State.DELIVERING),
    "quarantined": (State.QUARANTINED,),
    "expired": (State.EXPIRED,),
}
"""What becomes of orders, as it is drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The numbers of one shop, or of all, for these days. Each sequence has one entry a day, oldest first.

    `groups` counts orders by what became of them, `reasons` those that weren't sent; the rest is of delivered ones.
    """

    days: Sequence[date]
    groups: Mapping[str, Sequence[int]]
    reasons: Sequence[tuple[str, int]]
    delivered: Sequence[int]
    carried: Mapping[str, Sequence[int]]
    within: Mapping[str, int]
    in_window: Sequence[int]
    values: Mapping[str, Sequence[Decimal]]
    orders_by_currency: Mapping[str, int]

    @property
    def received(self) -> int:
        """How many orders came in."""
        return sum(map(sum, self.groups.values()))


class Overlooking:
    """Makes overviews."""

    def __init__(
        self, shops: Shops, purchases: Purchases, destinations: Destinations, cohorts: Cohorts, days: Days
    ) -> None:
        self._shops = shops
        self._purchases = purchases
        self._destinations = destinations
        self._cohorts = cohorts
        self._days = days

    def numbers(self, shops: Sequence[str], today: date, length: int) -> Overview:
        """Return the numbers of these shops for so many days, today the last; raise `StorageUnavailable`."""
        days = [today - timedelta(days=back) for back in reversed(range(length))]
        cohorts: Counter[tuple[date, State]] = Counter()
        reasons: Counter[str] = Counter()
        found: list[Day] = []
        for shop in shops:
            cohorts += self._cohorts.by_day(shop, days)
            reasons += self._cohorts.reasons(shop, days[0])
            found += self._days.since(days[0], shop)
        return _put_together(days, cohorts, reasons, found)

    def condition(self, now: datetime) -> Mapping[str, Any]:
        """Return how each shop and destination is, as `adapter status` tells it; raise `StorageUnavailable`."""
        return status_for_programs(self._shops, self._purchases, self._destinations, now)

    def seen(self, shop: str) -> Mapping[str, Any]:
        """Return when an order of a shop last came in, how many wait, and how many are quarantined."""
        waiting, quarantined = self._cohorts.open(shop)
        return {"last": self._cohorts.last(shop), "waiting": waiting, "quarantined": quarantined}


def _put_together(
    days: Sequence[date], cohorts: Counter[tuple[date, State]], reasons: Counter[str], found: Sequence[Day]
) -> Overview:
    by_day = {day: [one for one in found if one.day == day] for day in days}
    sums = [totals(by_day[day]) for day in days]
    currencies = sorted({one.currency for one in found})
    return Overview(
        days=days,
        groups={
            name: [sum(cohorts[day, state] for state in states) for day in days] for name, states in GROUPS.items()
        },
        reasons=reasons.most_common(),
        delivered=[of_day["delivered"] for of_day in sums],
        carried={name: [of_day[name] for of_day in sums] for name in CARRIED},
        within={name: sum(of_day[name] for of_day in sums) for name, _ in BOUNDS},
        in_window=[sum(of_day[name] for name in IN_WINDOW) for of_day in sums],
        values={
            currency: [sum((one.value for one in by_day[day] if one.currency == currency), Decimal(0)) for day in days]
            for currency in currencies
        },
        orders_by_currency={
            currency: sum(one.delivered for one in found if one.currency == currency) for currency in currencies
        },
    )
