"""The page of orders: search, filters, and a page of them at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request, url_for

from adapter.operations.veil import veiled_reason
from adapter.storage.tables import State
from adapter.web.console.asked import asked_in
from adapter.web.console.house import House
from adapter.web.console.pages import page


def add_orders(routes: Blueprint, house: House) -> None:
    """Add the page."""

    @routes.get("/orders")
    def orders() -> Response:
        asked = asked_in(request.args)
        found = house.search.page(asked.wanted, older=asked.older, newer=asked.newer)
        shops = sorted({*house.search.shops(), *(shop.name for shop in house.shops)})
        return page(
            "orders.html",
            asked=asked,
            rows=[{**row, "reason": veiled_reason(row["reason"])} for row in found.rows],
            newer=found.newer and _beside(asked.query(newer=found.newer)),
            older=found.older and _beside(asked.query(older=found.older)),
            shops=shops,
            kinds=house.search.kinds(),
            states=list(State),
        )


def _beside(query: Mapping[str, Any]) -> str:
    """Return the address of a page beside this one."""
    return url_for("console.orders", **query)
