"""GET /status and /metrics: for whoever has the token, and within bounds."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, text

from adapter.storage.destinations import Condition, DestinationState

TOKEN = "a status token, with spaces: ü"
HEADERS = {"Authorization": f"Bearer {TOKEN}".encode().decode("latin-1")}


@pytest.fixture
def watched(engine: Engine, make_web: Any) -> Any:
    """Return the application with a status token."""
    return make_web(engine, STATUS_TOKEN=TOKEN)


@pytest.mark.parametrize("path", ["/status", "/metrics"])
def test_without_a_token_there_is_no_such_page(web_on_sqlite: Any, path: str) -> None:
    """Unless STATUS_TOKEN is set both are 404, as any unknown path, whatever is sent."""
    assert 404 == web_on_sqlite.client.get(path).status_code
    assert 404 == web_on_sqlite.client.get(path, headers={"Authorization": "Bearer "}).status_code


@pytest.mark.parametrize("path", ["/status", "/metrics"])
@pytest.mark.parametrize(
    "given", [None, "", "Bearer", "Bearer ", "Bearer wrong", f"Basic {TOKEN[:5]}", TOKEN[:5], f"Bearer {TOKEN[:-2]}"]
)
def test_a_wrong_token(sqlite_engine: Engine, make_web: Any, path: str, given: str | None) -> None:
    """Everything but the token is 401, and the answer says how to send it, not what."""
    client = make_web(sqlite_engine, STATUS_TOKEN=TOKEN).client
    answer = client.get(path, headers={} if given is None else {"Authorization": given})
    assert (401, "Bearer") == (answer.status_code, answer.headers["WWW-Authenticate"])
    assert "Authorization: Bearer" in answer.json["hint"]
    assert TOKEN not in answer.text


def causes(watched: Any) -> dict[str, Any]:
    """Return the causes by name, but for the clock of these tests, which PostgreSQL finds wrong."""
    answer = watched.client.get("/status", headers=HEADERS)
    assert (200, "application/json") == (answer.status_code, answer.mimetype)
    assert answer.json["healthy"] is (not answer.json["causes"])
    return {cause["cause"]: cause for cause in answer.json["causes"] if cause["cause"] != "clock_off"}


def test_all_is_well(watched: Any) -> None:
    """Then it says so."""
    assert {} == causes(watched)


def test_a_paused_destination(watched: Any) -> None:
    """A cause has a name, whose it is, since when, what is wrong and what to do."""
    (id_,) = watched.parts.shops.destinations()
    now = watched.parts.clock()
    watched.parts.destinations.save(
        id_, DestinationState(condition=Condition.PAUSED, since=now, reason="answer 401: x")
    )
    assert {
        "destination_paused": {
            "cause": "destination_paused",
            "shop": None,
            "destination": id_,
            "since": "2026-05-01T12:00:00+00:00",
            "what": "Axon refuses the key or the pixel id (answer 401); the orders of shopify, woocommerce wait",
            "remedy": "check AXON_API_KEY and AXON_PIXEL_ID of these shops and restart, or run `adapter resume`; "
            "nothing is lost",
        }
    } == causes(watched)


def test_nobody_delivers(watched: Any, shopify: Any, clock: Any) -> None:
    """Two minutes after the last sign of a worker it is told, while an order is due; a worker's look ends it."""
    shopify.send(watched, shopify.full_order())
    clock.advance(61)
    assert {"delivery_dead"} == set(causes(watched))
    watched.deliver()
    assert "delivery_dead" not in causes(watched)


def test_refused_webhooks(watched: Any, shopify: Any) -> None:
    """Webhooks with a wrong signature are told when the process has stored what it counted; a right one ends it."""
    watched.post(shopify.path, b"{}", shopify.signed(b"{}", secret="another"))
    watched.parts.store_tally()
    assert {"webhooks_refused"} == set(causes(watched))
    watched.parts.clock.advance(30)
    shopify.send(watched, shopify.full_order())
    watched.parts.store_tally()
    assert {} == causes(watched)


def test_the_database_is_gone(watched: Any) -> None:
    """/status and /metrics still answer, and say it."""
    with watched.engine.begin() as connection:
        connection.execute(text("DROP TABLE awaited_clicks"))
        connection.execute(text("DROP TABLE purchases"))
    assert {"database_unusable"} == set(causes(watched))
    answer = watched.client.get("/metrics", headers=HEADERS)
    assert 200 == answer.status_code
    assert "order_adapter_database_writable 0.0" in answer.text


def test_metrics(watched: Any, shopify: Any) -> None:
    """The figures of the ledger are read when asked for; what was counted, when it was stored."""
    shopify.send(watched, shopify.full_order())
    shopify.send(watched, shopify.full_order())
    watched.post("/webhooks/nobody", b"{}")
    watched.parts.store_tally()
    answer = watched.client.get("/metrics", headers=HEADERS)
    assert (200, "text/plain; version=0.0.4; charset=utf-8") == (answer.status_code, answer.content_type)
    assert 'order_adapter_orders{shop="shopify",state="pending"} 1.0' in answer.text
    assert 'order_adapter_webhooks_total{shop="shopify",status="200"} 2.0' in answer.text
    assert 'order_adapter_webhooks_total{shop="(unknown)",status="404"} 1.0' in answer.text
