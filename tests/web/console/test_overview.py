"""The overview: its numbers are those of the ledger, its charts can be read without seeing them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from adapter.storage.tables import State


def test_before_the_first_order(operator: Any) -> None:
    """Everything is there, and says that nothing came yet."""
    words = operator.read("/console/")
    assert "alive" in words
    assert "never yet" in words
    assert "0 orders received" in words
    assert "No order of these days was delivered yet" in words


def test_the_numbers(operator: Any, orders: Any) -> None:
    """Received, delivered, skipped by reason, quarantined and waiting; the window, the coverage, the value."""
    orders.delivered("1")
    orders.delivered("2")
    orders.refused("3")
    orders.receive("4", state=State.SKIPPED, reason="test: paid with a test payment")
    orders.receive("5")
    words = operator.read("/console/?days=7")
    for expected in (
        "5 orders received 2 delivered 1 skipped 1 waiting 1 quarantined 0 expired",
        "refused by Axon 1 test 1",
        "100 % of 2 delivered orders reached Axon within the 5 minutes",
        "up to 10 seconds · merged 2",
        "aleid 100 % 2",
        "alart 0 % 0",
        "USD 210.00 2",
        "2026-05-01 2 1 1 1 0 2 2 2 0 2 2 2 2 2 210.00",
    ):
        assert expected in words


def test_one_shop(operator: Any, orders: Any) -> None:
    """The charts are of one shop when it is chosen; an unknown one isn't."""
    orders.delivered("1")
    assert "0 orders received" in operator.read("/console/?shop=woocommerce")
    assert "1 orders received" in operator.read("/console/?shop=shopify")
    assert "1 orders received" in operator.read("/console/?shop=nobody&days=1000")


@pytest.mark.parametrize("days", [7, 30, 90])
def test_how_far_back(operator: Any, orders: Any, clock: Any, days: int) -> None:
    """An order belongs to the charts until the day on which it came in is too long ago."""
    orders.delivered("1")
    clock.advance((days - 1) * 86400)
    operator.login()
    assert "1 orders received" in operator.read(f"/console/?days={days}")
    clock.advance(86400)
    operator.login()
    assert "0 orders received" in operator.read(f"/console/?days={days}")


def test_charts_without_eyes(operator: Any, orders: Any) -> None:
    """Each chart has a name; what is painted by a pattern has its pattern; nothing carries a style of its own."""
    orders.delivered("1")
    page = operator.get("/console/").text
    for tag in re.findall(r"<svg[^>]*>", page):
        assert "aria-label=" in tag or 'aria-hidden="true"' in tag
    used = set(re.findall(r'fill="url\(#([^)]+)\)"', page))
    assert used
    assert used <= set(re.findall(r'<pattern id="([^"]+)"', page))
    assert "style=" not in page
    assert "<script" not in page


def test_a_paused_destination(operator: Any, orders: Any, clock: Any) -> None:
    """The page says that it is paused, and why; what is wrong stands first."""
    destinations = operator.web.parts.destinations
    (id_,) = operator.web.parts.shops.destinations()
    from dataclasses import replace  # noqa: PLC0415  # Only here.

    from adapter.storage.destinations import Condition  # noqa: PLC0415  # As above.

    known = destinations.state(id_, clock())
    destinations.save(id_, replace(known, condition=Condition.PAUSED, reason="answer 401: no such key", since=clock()))
    assert "! paused : answer 401: no such key" in operator.read("/console/")
