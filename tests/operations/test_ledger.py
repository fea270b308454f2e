"""`adapter orders`: the ledger for people and for programs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from adapter.operations.ledger import order_for_programs, order_lines
from adapter.storage.arrivals import Receipt
from adapter.storage.purchases import Settlement
from adapter.storage.sealing import Sealer
from adapter.storage.tables import State
from adapter.wiring import Parts, load_configuration

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
MAPPINGS = Path(__file__).parents[2] / "mappings"


@pytest.fixture
def parts(engine: Engine, sealer: Sealer, clock: Any) -> Parts:
    """Return the stores on each database, with a Shopify shop that is on."""
    environment = {
        "MAPPINGS_DIR": str(MAPPINGS),
        "SHOPIFY_WEBHOOK_SECRET": "shpss_4f8a1c0e9b7d2a63",
        "SHOPIFY_SITE_URL": "https://shop.example",
        "AXON_PIXEL_ID": "pixel-1",
        "AXON_API_KEY": "key-1",
    }
    made = Parts(load_configuration(environment), clock)
    made.engine, made.sealer = engine, sealer
    return made


@pytest.fixture
def filled(parts: Parts) -> Parts:
    """Return a ledger with a waiting, a skipped and a delivered order."""
    parts.purchases.receive([Receipt(shop="shopify", order_id="1003", body=b"3")], NOON)
    (claim,) = parts.purchases.claim(["shopify"], "due", 1, NOON, timedelta(minutes=1))
    answer = '{"status": 200, "trace_id": "t1"}'
    parts.purchases.settle([Settlement(claim=claim, state=State.DELIVERED, at=NOON, answer=answer, fixed=True)])
    parts.purchases.receive(
        [
            Receipt(shop="shopify", order_id="1001", body=b"1"),
            Receipt(shop="shopify", order_id="1002", body=b"2", state=State.SKIPPED, reason="test: a test order"),
        ],
        NOON,
    )
    return parts


def test_orders_for_people(filled: Parts) -> None:
    """A line an order, the newest first: when it came in, state, shop, order; below it the reason."""
    expected = [
        "2026-05-01 12:00:00  skipped      shopify  order 1002",
        "    test: a test order",
        "2026-05-01 12:00:00  pending      shopify  order 1001",
        "2026-05-01 12:00:00  delivered    shopify  order 1003",
    ]
    assert expected == list(order_lines(filled.purchases.rows()))


def test_orders_in_80_columns(parts: Parts) -> None:
    """A long reason is broken between words, and an id of 64 digits has a line of its own, to be copied whole."""
    reason = "unreadable: " + "the body is no JSON, " * 9
    receipt = Receipt(shop="shopify", order_id="f" * 64, body=b"{", state=State.QUARANTINED, reason=reason)
    parts.purchases.receive([receipt], NOON)
    lines = list(order_lines(parts.purchases.rows()))
    assert ["2026-05-01 12:00:00  quarantined  shopify", f"    order {'f' * 64}"] == lines[:2]
    assert max(map(len, lines)) <= 80
    assert reason.split() == " ".join(lines[2:]).split()


def test_no_orders() -> None:
    """An empty list says so."""
    assert ["no such order"] == list(order_lines([]))


def test_orders_for_programs(filled: Parts) -> None:
    """A row becomes plain JSON: times in ISO 8601, the answer as an object, no number of ours."""
    found = [order_for_programs(row) for row in filled.purchases.rows()]
    assert ["1002", "1001", "1003"] == [row["order"] for row in found]
    assert {
        "shop": "shopify",
        "order": "1003",
        "state": "delivered",
        "reason": None,
        "received_at": "2026-05-01T12:00:00+00:00",
        "refreshed_at": "2026-05-01T12:00:00+00:00",
        "due_at": "2026-05-01T12:00:00+00:00",
        "attempts": 0,
        "answer": {"status": 200, "trace_id": "t1"},
        "first_sent_at": None,
        "settled_at": "2026-05-01T12:00:00+00:00",
        "suspect_at": None,
        "body_kept": True,
    } == found[2]
