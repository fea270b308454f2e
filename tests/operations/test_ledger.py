"""`adapter orders` and `adapter status`: the ledger for people and for programs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from adapter.operations.ledger import order_for_programs, order_lines, status_for_programs, status_lines
from adapter.storage.destinations import Condition, DestinationState
from adapter.storage.purchases import Receipt, Settlement
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
    """One line an order, the newest first: shop, order, state, when it came in, reason."""
    expected = [
        "shopify          1002                 skipped      2026-05-01 12:00:00  test: a test order",
        "shopify          1001                 pending      2026-05-01 12:00:00",
        "shopify          1003                 delivered    2026-05-01 12:00:00",
    ]
    assert expected == list(order_lines(filled.purchases.rows()))


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
    } == found[2]


OFF = "it has no webhook secret: the variable WOOCOMMERCE_WEBHOOK_SECRET is not set"


def test_status_of_an_empty_ledger(parts: Parts) -> None:
    """Shops and destinations are shown before the first order."""
    found = status_for_programs(parts.shops, parts.purchases, parts.destinations, NOON)
    assert {
        "shopify": {"on": True, "off_because": None, "orders": {}},
        "woocommerce": {"on": False, "off_because": OFF, "orders": {}},
    } == found["shops"]
    ((id_, (_, names)),) = parts.shops.destinations().items()
    assert [
        {
            "id": id_,
            "pixel_id": "pixel-1",
            "shops": names,
            "condition": "open",
            "reason": None,
            "rest_until": None,
            "last_success": None,
            "last_answer": None,
        }
    ] == found["destinations"]
    assert [
        "shop shopify: on; no orders yet",
        f"shop woocommerce: off: {OFF}; no orders yet",
        "destination pixel-1 (shopify, woocommerce): open",
        "  last success never",
    ] == list(status_lines(found))


def test_status(filled: Parts) -> None:
    """Orders are counted by state; a pause shows its reason, the next try and the last answer."""
    ((id_, _),) = filled.shops.destinations().items()
    minute = timedelta(minutes=1)
    state = DestinationState(
        condition=Condition.PAUSED,
        reason="401: the key is refused",
        since=NOON,
        rest_until=NOON + minute,
        accepted_at=NOON - minute,
        answer='{"status": 401}',
    )
    filled.destinations.save(id_, state)
    found = status_for_programs(filled.shops, filled.purchases, filled.destinations, NOON)
    assert {"pending": 1, "skipped": 1, "delivered": 1} == found["shops"]["shopify"]["orders"]
    assert {"status": 401} == found["destinations"][0]["last_answer"]
    assert [
        "shop shopify: on; 1 delivered, 1 pending, 1 skipped",
        f"shop woocommerce: off: {OFF}; no orders yet",
        "destination pixel-1 (shopify, woocommerce): paused: 401: the key is refused",
        "  next try 2026-05-01T12:01:00+00:00",
        "  last success 2026-05-01T11:59:00+00:00",
    ] == list(status_lines(found))


def test_a_probe_that_is_due(parts: Parts) -> None:
    """A destination that isn't open and rests no longer is tried at once."""
    ((id_, _),) = parts.shops.destinations().items()
    parts.destinations.save(id_, DestinationState(condition=Condition.DOUBTFUL, since=NOON))
    found = status_for_programs(parts.shops, parts.purchases, parts.destinations, NOON)
    assert "  next try at once" in list(status_lines(found))
