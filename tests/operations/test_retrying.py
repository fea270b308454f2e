"""`adapter retry` and `adapter resume`: what is said and logged, and every refusal with what to do instead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from structlog.testing import capture_logs

from adapter.errors import NothingToResume, OrderNotRetried
from adapter.operations import retrying
from adapter.storage.arrivals import Receipt
from adapter.storage.destinations import Condition, DestinationState
from adapter.storage.purchases import Settlement
from adapter.storage.retention import Retention
from adapter.storage.sealing import Sealer
from adapter.storage.tables import State
from adapter.wiring import Parts, load_configuration

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ENVIRONMENT = {
    "MAPPINGS_DIR": str(Path(__file__).parents[2] / "mappings"),
    "SHOPIFY_WEBHOOK_SECRET": "shpss_4f8a1c0e9b7d2a63",
    "SHOPIFY_SITE_URL": "https://shop.example",
    "AXON_PIXEL_ID": "pixel-1",
    "AXON_API_KEY": "key-1",
}


@pytest.fixture
def parts(engine: Engine, sealer: Sealer, clock: Any) -> Parts:
    """Return the stores on each database, with a Shopify shop that is on."""
    return parts_of(engine, sealer, clock)


def parts_of(engine: Engine, sealer: Sealer, clock: Any, **changes: str) -> Parts:
    """Return the stores, with a shop whose settings are these."""
    made = Parts(load_configuration(ENVIRONMENT | changes), clock)
    made.engine, made.sealer = engine, sealer
    return made


def settle(parts: Parts, state: State, order_id: str = "1001", **changes: Any) -> None:
    """Let an order have come in and been settled."""
    parts.purchases.receive([Receipt(shop="shopify", order_id=order_id, body=b"{}")], NOON)
    (claim,) = parts.purchases.claim(["shopify"], "due", 1, NOON, MINUTE)
    parts.purchases.freeze([(claim, b"[]")], NOON, MINUTE)
    parts.purchases.settle([Settlement(claim=claim, state=state, at=NOON, **changes)])


def purge(parts: Parts) -> None:
    """Purge what is settled."""
    assert Retention(parts.engine, timedelta(0)).purge_orders(timedelta(days=1))


def retry(parts: Parts, order_id: str = "1001", shop: str = "shopify") -> list[str]:
    """Retry an order of the shop."""
    return list(retrying.retry_order(parts.retries(), parts.shops.by_name[shop], order_id, NOON))


def test_an_order_is_made_anew(parts: Parts) -> None:
    """Every try was refused: the present mapping makes the event. It is logged, with who asked for it."""
    settle(parts, State.QUARANTINED, reason="refused by Axon: answer 400")
    with capture_logs() as logs:
        said = retry(parts)
    assert ["order 1001 of shopify is due again; its event is made anew by the present mapping"] == said
    facts = {"shop": "shopify", "order": "1001", "same_bytes": False, "by": "adapter retry", "log_level": "info"}
    assert [{"event": "order retried", **facts}] == logs


def test_the_same_bytes(parts: Parts) -> None:
    """An order that may have been accepted is sent as it was, and that is said."""
    settle(parts, State.EXPIRED, fixed=True)
    words = "an earlier try may have been accepted, so the same bytes are sent"
    assert [f"order 1001 of shopify is due again; {words}"] == retry(parts)


def refusal(parts: Parts, order_id: str = "1001") -> str:
    """Return why an order isn't retried."""
    with pytest.raises(OrderNotRetried) as refused:
        retry(parts, order_id)
    return str(refused.value)


def test_refused_delivered(parts: Parts) -> None:
    """A delivered order is never sent again."""
    settle(parts, State.DELIVERED, fixed=True)
    expected = "order 1001 of shopify was delivered on 2026-05-01 12:00:00: it is never sent again"
    assert expected == refusal(parts)
    purge(parts)
    assert expected == refusal(parts)


def test_refused_unknown(parts: Parts) -> None:
    """An order that isn't there says where to look."""
    assert "there is no order 7 of shopify; `adapter orders --shop shopify` lists them" == refusal(parts, "7")


def test_refused_waiting(parts: Parts) -> None:
    """An order that waits needs no retry."""
    settle(parts, State.PENDING, due_at=NOON + MINUTE)
    assert "waits already, and is tried again by itself; `adapter status` says what it waits for" in refusal(parts)


def test_refused_consent(parts: Parts) -> None:
    """What a buyer refused is never sent, whoever asks."""
    settle(parts, State.SKIPPED, fixed=True, purge_body=True, reason="consent denied: the buyer refused")
    assert "the buyer of order 1001 of shopify refused: its body is deleted" in refusal(parts)


@pytest.mark.parametrize("state", [State.QUARANTINED, State.SKIPPED, State.EXPIRED])
def test_refused_purged(parts: Parts, state: State) -> None:
    """Without a body the shop has to send the order again; one that may have been accepted can't be sent at all."""
    settle(parts, state, reason="test: x")
    settle(parts, state, "1002", fixed=True)
    purge(parts)
    assert "save the order in the shop's admin, which sends it anew, and retry then" in refusal(parts)
    assert "the event of order 1002 of shopify is purged, and may have been accepted" in refusal(parts, "1002")


def test_a_shop_that_can_not_send(engine: Engine, sealer: Sealer, clock: Any) -> None:
    """A retry for a shop without a destination says what keeps the order."""
    parts = parts_of(engine, sealer, clock, AXON_API_KEY="")
    parts.purchases.receive([Receipt(shop="shopify", order_id="1001", body=b"{}", state=State.SKIPPED)], NOON)
    said = retry(parts)[1]
    assert said.startswith("  shopify has no destination: set pixel_id and api_key under [axon] in ")


def retry_all(parts: Parts, shop: str | None = None) -> list[str]:
    """Retry everything that is quarantined."""
    chosen = parts.shops.by_name[shop] if shop else None
    return list(retrying.retry_quarantined(parts.retries(), parts.shops, chosen, NOON))


def test_all_quarantined(parts: Parts) -> None:
    """The number of each shop, what keeps them, and what is left and why."""
    settle(parts, State.QUARANTINED, "purged", reason="unreadable: x")
    purge(parts)
    reasons = {"1": "unreadable: x", "2": "refused by Axon: y", "2~ab": "conflicting order: another order 2"}
    parts.purchases.receive(
        [
            Receipt(shop=shop, order_id=order_id, body=b"{}", state=State.QUARANTINED, reason=reason)
            for shop in ("shopify", "gone")
            for order_id, reason in reasons.items()
        ],
        NOON,
    )
    with capture_logs() as logs:
        said = retry_all(parts, "shopify")
    assert [
        "shopify: 2 orders are due again",
        "1 order is left, without a body: save in the shop's admin, then retry",
        "1 order is left, conflicting: look at both, then `adapter retry ORDER --shop NAME`",
    ] == said
    assert ["1", "2"] == [line["order"] for line in logs]
    assert [
        "gone: 2 orders are due again",
        "  no mapping file has that name: they wait until there is one",
        "1 order is left, without a body: save in the shop's admin, then retry",
        "2 orders are left, conflicting: look at both, then `adapter retry ORDER --shop NAME`",
    ] == retry_all(parts)


def test_nothing_is_quarantined(parts: Parts) -> None:
    """It says so."""
    assert ["no quarantined order can be made due again"] == retry_all(parts)


def resume(parts: Parts, shop: str = "shopify") -> list[str]:
    """Resume the shop's destination."""
    return list(retrying.resume(parts.destinations, parts.shops, parts.shops.by_name[shop], NOON))


@pytest.mark.parametrize("condition", [Condition.PAUSED, Condition.DOUBTFUL, Condition.DOWN])
def test_resuming(parts: Parts, condition: Condition) -> None:
    """The destination is open at once, for every shop that sends to it; what it answered last is still shown."""
    ((id_, _),) = parts.shops.destinations().items()
    known = DestinationState(
        condition=condition,
        reason="answer 401",
        since=NOON - MINUTE,
        rest_until=NOON + MINUTE,
        accepted_at=NOON - 2 * MINUTE,
        answered_at=NOON - MINUTE,
        answer='{"status": 401}',
    )
    parts.destinations.save(id_, known)
    with capture_logs() as logs:
        said = resume(parts)
    name = "the destination of shopify, woocommerce (pixel id pixel-1)"
    assert f"{name} was {condition} and is open again" == said[0]
    facts = {"destination": id_, "was": condition.value, "by": "adapter resume", "log_level": "info"}
    assert [{"event": "destination resumed", **facts}] == logs
    state = parts.destinations.state(id_, NOON)
    assert (Condition.OPEN, None, None, NOON) == (state.condition, state.reason, state.rest_until, state.since)
    assert ('{"status": 401}', NOON - 2 * MINUTE) == (state.answer, state.accepted_at)
    assert [f"{name} is open: there is nothing to resume"] == resume(parts)


def test_nothing_to_resume(engine: Engine, sealer: Sealer, clock: Any) -> None:
    """A shop without a destination says what it lacks."""
    parts = parts_of(engine, sealer, clock, AXON_API_KEY="")
    with pytest.raises(
        NothingToResume, match=r"^shopify has no destination: set pixel_id and api_key under \[axon\] in "
    ):
        resume(parts)
