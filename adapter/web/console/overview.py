"""The overview: how everything is, and the charts."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, request

from adapter.operations.overview import IN_WINDOW, Overview
from adapter.web.console import charts
from adapter.web.console.house import House
from adapter.web.console.pages import page
from adapter.web.console.words import percent

LENGTHS = (7, 30, 90)
"""Of how many days the charts may be."""

_USUAL = 30


def add_overview(routes: Blueprint, house: House) -> None:
    """Add the page."""

    @routes.get("/")
    def overview() -> Response:
        shops = sorted({*house.search.shops(), *(shop.name for shop in house.shops.on())})
        chosen = request.args.get("shop", "")
        chosen = chosen if chosen in shops else ""
        length = next((days for days in LENGTHS if str(days) == request.args.get("days")), _USUAL)
        now = house.clock()
        numbers = house.overlooking.numbers([chosen] if chosen else shops, now.date(), length)
        return page(
            "overview.html",
            200,
            causes=house.causes(),
            condition=house.overlooking.condition(now),
            seen={shop: house.overlooking.seen(shop) for shop in shops},
            now=now,
            shops=shops,
            chosen=chosen,
            length=length,
            lengths=LENGTHS,
            numbers=numbers,
            **_drawn(numbers),
        )


def _drawn(numbers: Overview) -> dict[str, Any]:
    """Return the charts of these numbers."""
    delivered = sum(numbers.delivered)
    in_window = sum(numbers.in_window)
    return {
        "stack": charts.stack(numbers.groups),
        "delivered": delivered,
        "in_window": in_window,
        "window_share": percent(in_window, delivered),
        "window_line": charts.steps(charts.shares(numbers.in_window, numbers.delivered)),
        "late": _late(numbers, delivered),
        "coverage": [
            (name, sum(parts), percent(sum(parts), delivered), charts.steps(charts.shares(parts, numbers.delivered)))
            for name, parts in numbers.carried.items()
        ],
        "values": [
            (currency, numbers.orders_by_currency[currency], sum(values, Decimal(0)), charts.steps(_scaled(values)))
            for currency, values in numbers.values.items()
        ],
        "most_reasons": max((number for _, number in numbers.reasons), default=1),
    }


def _late(numbers: Overview, delivered: int) -> list[tuple[str, int, bool]]:
    """Return how many were delivered within each bound, and whether Axon merges them then."""
    rows = [(words, numbers.within[name], name in IN_WINDOW) for name, words in _BOUNDS.items()]
    return [*rows, ("later", delivered - sum(numbers.within.values()), False)]


_BOUNDS = {
    "within_10s": "up to 10 seconds",
    "within_1min": "up to 1 minute",
    "within_5min": "up to 5 minutes",
    "within_1h": "up to 1 hour",
}


def _scaled(values: Sequence[Decimal]) -> list[float | None]:
    largest = max(values, default=Decimal(0))
    return [float(value / largest) if largest else None for value in values]
