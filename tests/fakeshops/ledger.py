"""A ledger as it is after some weeks: orders of two shops in every state, most of them delivered for real."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from adapter.axon.outcome import Outcome, Verdict
from adapter.delivery import settlements
from adapter.storage.arrivals import Receipt
from adapter.storage.tables import State
from adapter.wiring import Parts

SAMPLES = Path(__file__).parents[1] / "samples"
DAYS = 30
FILES = {
    "shopify": ("web_discounts_usd.json", "tax_included_eur.json", "free_shipping_code.json"),
    "woocommerce": ("tax-included.json", "coupons-percent-and-fixed.json", "tip-duties-and-rounding.json"),
}


class MovingClock:
    """A clock that is set by hand."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now


def order(platform: str, number: int, at: datetime, **changes: Any) -> bytes:
    """Return a sample order with another id, placed then; some carry no click identifier, some no phone."""
    files = FILES[platform]
    document: dict[str, Any] = json.loads((SAMPLES / platform / files[number % len(files)]).read_text())
    stamp = at.isoformat(timespec="seconds")
    if platform == "shopify":
        document |= dict.fromkeys(("created_at", "processed_at", "updated_at"), stamp)
        ids = {"_axon_event_id": f"ax-{number}", "_axon_client_id": f"0b8f6c1e-{number}"} if number % 3 else {}
        document["note_attributes"] = [{"name": name, "value": value} for name, value in ids.items()]
        if number % 4 == 0:
            document |= {"phone": None, "customer": None}
    else:
        document |= dict.fromkeys(("date_created_gmt", "date_modified_gmt", "date_paid_gmt"), stamp[:19])
        if number % 2 == 0:
            document["meta_data"] = []
    return json.dumps({**document, "id": 5_839_102_746_000 + number, **changes}).encode()


def fill(parts: Parts, clock: MovingClock, today: datetime, names: dict[str, str]) -> None:
    """Let orders come in on each of the last thirty days; `names` are the shops by platform."""
    worker = parts.worker()
    number = 0
    for back in reversed(range(DAYS)):
        for platform, name in names.items():
            for _ in range(2 + (back * 7 + len(name)) % 5):
                number += 1
                clock.now = today - timedelta(days=back, minutes=30 + number % 300)
                _receive(parts, name, platform, number, clock)
                clock.now += timedelta(seconds=25 if number % 23 else 900)
                worker.drain()
    for reason in ("test: paid with a test payment", "pos: sold in the store, not on the web"):
        for _ in range(9):
            number += 1
            clock.now = today - timedelta(days=number % DAYS, minutes=number)
            _settle(parts, clock, names["shopify"], number, lambda claim, why=reason: _skipped(claim, why, clock()))
    for _ in range(3):
        number += 1
        clock.now = today - timedelta(days=number % 6, minutes=number)
        _settle(parts, clock, names["woocommerce"], number, lambda claim: settlements.refused(claim, REFUSAL, clock()))
    clock.now = today - timedelta(seconds=8)
    _receive(parts, names["shopify"], "shopify", number + 3, clock)
    clock.now = today


REFUSAL = Outcome(
    verdict=Verdict.REFUSED,
    status=400,
    error_message="event 0: invalid email ada.rowan@example.com",
    body_start='{"error":"invalid email ada.rowan@example.com from 203.0.113.1"}',
)


def _receive(parts: Parts, shop: str, platform: str, number: int, clock: MovingClock) -> None:
    body = order(platform, number, clock() - timedelta(seconds=number % 40))
    receipt = Receipt(shop=shop, order_id=_id(number), body=body, counts=True, age=timedelta(seconds=number % 40))
    parts.purchases.receive([receipt], clock())


def _id(number: int) -> str:
    return str(5_839_102_746_000 + number)


def _settle(parts: Parts, clock: MovingClock, shop: str, number: int, make: Callable[[Any], Any]) -> None:
    platform = parts.shops.by_name[shop].platform
    _receive(parts, shop, platform, number, clock)
    claims = parts.purchases.claim([shop], "due", 100, clock(), timedelta(minutes=1))
    parts.purchases.settle([make(claim) for claim in claims if claim.order_id == _id(number)])


def _skipped(claim: Any, reason: str, now: datetime) -> Any:
    settled = settlements.skipped(claim, reason, now, refused_by_buyer=False)
    assert settled.state is State.SKIPPED
    return settled
