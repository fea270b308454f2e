"""`adapter status`: shops and destinations, for people in 80 columns and for programs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from adapter.operations.facts import Database, DestinationFacts, Facts
from adapter.operations.status import health_for_programs, health_lines, status_for_programs, status_lines
from adapter.storage.arrivals import Receipt
from adapter.storage.destinations import Condition, DestinationState
from adapter.storage.purchases import Settlement
from adapter.storage.sealing import Sealer
from adapter.storage.tables import State
from adapter.wiring import Parts, load_configuration

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
MAPPINGS = Path(__file__).parents[2] / "mappings"
ENVIRONMENT = {
    "MAPPINGS_DIR": str(MAPPINGS),
    "SHOPIFY_WEBHOOK_SECRET": "shpss_4f8a1c0e9b7d2a63",
    "SHOPIFY_SITE_URL": "https://shop.example",
    "AXON_PIXEL_ID": "pixel-1",
    "AXON_API_KEY": "key-1",
}
OFF = "it has no webhook secret: the variable WOOCOMMERCE_WEBHOOK_SECRET is not set"
OFF_LINES = [
    "shop woocommerce: off: it has no webhook secret: the variable",
    "  WOOCOMMERCE_WEBHOOK_SECRET is not set; no orders yet",
]


@pytest.fixture
def parts(engine: Engine, sealer: Sealer, clock: Any) -> Parts:
    """Return the stores on each database, with a Shopify shop that is on."""
    made = Parts(load_configuration(ENVIRONMENT), clock)
    made.engine, made.sealer = engine, sealer
    return made


def destination_id(parts: Parts) -> str:
    """Return the id of the one destination."""
    ((id_, _),) = parts.shops.destinations().items()
    return id_


def deliver(parts: Parts, order_id: str, at: datetime) -> None:
    """Let an order have been received and delivered at a moment."""
    parts.purchases.receive([Receipt(shop="shopify", order_id=order_id, body=b"3")], at)
    (claim,) = parts.purchases.claim(["shopify"], "due", 1, at, MINUTE)
    parts.purchases.settle([Settlement(claim=claim, state=State.DELIVERED, at=at, fixed=True)])


def status(parts: Parts) -> dict[str, Any]:
    """Return the status at noon."""
    return status_for_programs(parts.shops, parts.purchases, parts.destinations, NOON)


def test_an_empty_ledger(parts: Parts) -> None:
    """Shops and destinations are shown before the first order."""
    found = status(parts)
    assert {
        "shopify": {"on": True, "off_because": None, "has_destination": True, "orders": {}},
        "woocommerce": {"on": False, "off_because": OFF, "has_destination": True, "orders": {}},
    } == found["shops"]
    assert [
        {
            "id": destination_id(parts),
            "pixel_id": "pixel-1",
            "shops": ["shopify", "woocommerce"],
            "condition": "open",
            "since": None,
            "reason": None,
            "rest_until": None,
            "last_success": None,
            "answered_at": None,
            "last_answer": None,
            "oldest_due": None,
            "delivered": {"last_hour": 0, "last_day": 0},
        }
    ] == found["destinations"]
    assert [
        "shop shopify: on; no orders yet",
        *OFF_LINES,
        "destination pixel-1 (shopify, woocommerce): open",
        "  delivered     0 in the last hour, 0 in the last day",
        "  last success  never",
    ] == list(status_lines(found))


def test_a_pause(parts: Parts) -> None:
    """It shows since when and why, the next try, what waits, the rates, and the last answer."""
    for hours in (30, 3, 2, 0):
        deliver(parts, f"delivered {hours}", NOON - timedelta(hours=hours))
    parts.purchases.receive([Receipt(shop="shopify", order_id="1001", body=b"1")], NOON - 90 * MINUTE)
    parts.purchases.receive([Receipt(shop="shopify", order_id="1002", body=b"1")], NOON)
    parts.destinations.save(
        destination_id(parts),
        DestinationState(
            condition=Condition.PAUSED,
            reason="answer 401: " + "the key is refused, " * 5,
            since=NOON - 3 * MINUTE,
            rest_until=NOON + 2 * MINUTE,
            accepted_at=NOON - timedelta(days=2),
            answered_at=NOON - timedelta(seconds=5),
            answer='{"verdict": "unauthorized", "status": 401, "error_code": "NO_KEY", "trace_id": "t1"}',
        ),
    )
    found = status(parts)
    assert {"pending": 2, "delivered": 4} == found["shops"]["shopify"]["orders"]
    (destination,) = found["destinations"]
    assert {"last_hour": 1, "last_day": 3} == destination["delivered"]
    received = "2026-05-01T10:30:00+00:00"
    oldest = {"shop": "shopify", "order": "1001", "received_at": received, "age_seconds": 5400}
    assert oldest == destination["oldest_due"]
    lines = list(status_lines(found))
    assert [
        "shop shopify: on; 4 delivered, 2 pending",
        *OFF_LINES,
        "destination pixel-1 (shopify, woocommerce): paused since 2026-05-01 11:57:00 (3",
        "  min ago)",
        "  reason        answer 401: the key is refused, the key is refused, the key is",
        "                refused, the key is refused, the key is refused,",
        "  next try      2026-05-01 12:02:00 (in 2 min)",
        "  oldest due    order 1001 of shopify, received 2026-05-01 10:30:00 (1 h ago)",
        "  delivered     1 in the last hour, 3 in the last day",
        "  last success  2026-04-29 12:00:00 (2 d ago)",
        "  last answer   401: NO_KEY; 2026-05-01 11:59:55 (5 s ago)",
    ] == lines
    assert max(map(len, lines)) <= 80


def test_a_probe_that_is_due(parts: Parts) -> None:
    """A destination that isn't open and rests no longer is tried at once."""
    parts.destinations.save(destination_id(parts), DestinationState(condition=Condition.DOUBTFUL, since=NOON))
    assert "  next try      at once" in list(status_lines(status(parts)))


def test_a_shop_without_a_destination(engine: Engine, sealer: Sealer) -> None:
    """Its orders wait, and it is said what to do."""
    parts = Parts(load_configuration(ENVIRONMENT | {"AXON_API_KEY": ""}))
    parts.engine, parts.sealer = engine, sealer
    parts.purchases.receive([Receipt(shop="shopify", order_id="1", body=b"1")], NOON)
    found = status(parts)
    assert (False, []) == (found["shops"]["shopify"]["has_destination"], found["destinations"])
    assert [
        "shop shopify: on; 1 pending",
        "  its orders wait: it has no destination; `adapter check` says what is missing",
    ] == list(status_lines(found))[:2]


def test_health_for_people() -> None:
    """What is wrong stands first, with since when and what to do; in lines that fit a screen."""
    assert ["all is well"] == list(health_lines(health_for_programs(Facts(at=NOON, database=Database.WRITABLE))))
    state = DestinationState(condition=Condition.PAUSED, reason="answer 401: canary", since=NOON - 3 * MINUTE)
    destination = DestinationFacts(id="d1", shops=("acme",), state=state)
    found = health_for_programs(Facts(at=NOON, database=Database.WRITABLE, destinations=(destination,)))
    lines = list(health_lines(found))
    assert [
        "WRONG destination_paused since 2026-05-01 11:57:00 (3 min ago): Axon refuses the",
        "  key or the pixel id (answer 401); the orders of acme wait",
        "  what to do    check AXON_API_KEY and AXON_PIXEL_ID of these shops and restart,",
        "                or run `adapter resume`; nothing is lost",
    ] == lines
