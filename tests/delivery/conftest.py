"""A house in small: two shops, a worker, an API that answers as it is told, and a clock that stands still."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, select

from adapter.axon.outcome import Outcome, Verdict, verdict_of
from adapter.delivery.worker import Worker
from adapter.shops.load import load_shops
from adapter.shops.shop import Shops
from adapter.storage.arrivals import Receipt
from adapter.storage.clicks import Clicks
from adapter.storage.destinations import Destinations, DestinationState
from adapter.storage.purchases import Claim, Purchases, Which
from adapter.storage.sealing import Sealer
from adapter.storage.tables import State, purchases

PLATFORMS = ("shopify", "woocommerce")
ENVIRONMENT = {"ACME_SECRET": "s" * 20, "OTHER_SECRET": "t" * 20}
ACME = """
extends = "woocommerce"
webhook_secret = "$ACME_SECRET"
site_url = "https://acme.example"
[axon]
pixel_id = "pixel"
api_key = "{key}"
[orders]
hold_seconds = 20
{orders}
[storefront]
origins = ["https://acme.example"]
"""
OTHER = """
extends = "woocommerce"
webhook_secret = "$OTHER_SECRET"
site_url = "https://other.example"
[axon]
pixel_id = "other pixel"
api_key = "key"
[storefront]
origins = ["https://other.example"]
"""

Answer = Callable[[list[dict[str, Any]]], int | str | Outcome]


class ScriptedApi:
    """Takes the place of the client: answers by a function of the batch, and remembers every request.

    `attempts` holds those as well whose answer never came, because the function raised.
    """

    def __init__(self) -> None:
        self.answer: Answer = lambda _events: 200
        self.requests: list[tuple[str, list[bytes], int | str | Outcome]] = []
        self.attempts: list[list[bytes]] = []

    def send(
        self, _api_url: str, pixel_id: str, _api_key: str, events: Sequence[bytes], _envelope: str = "events"
    ) -> Outcome:
        """Answer a batch: a status, the words of a failure without an answer, or an outcome as it is."""
        self.attempts.append(list(events))
        answer = self.answer([json.loads(event) for event in events])
        self.requests.append((pixel_id, list(events), answer))
        if isinstance(answer, Outcome):
            return answer
        if isinstance(answer, str):
            return Outcome(verdict=Verdict.UNKNOWN, problem=answer)
        return Outcome(verdict=verdict_of(answer), status=answer, error_code=None if answer == 200 else "code")

    @property
    def accepted(self) -> list[str]:
        """The dedupe ids of accepted events, in the order of their acceptance."""
        return [
            json.loads(event)["dedupe_id"] for _, events, answer in self.requests if answer == 200 for event in events
        ]


class House:
    """Everything that delivers, on one engine."""

    def __init__(self, engine: Engine, sealer: Sealer, clock: Any, folder: Path) -> None:
        self.clock = clock
        self.api = ScriptedApi()
        self.engine = engine
        self.purchases = Purchases(engine, sealer)
        self.clicks = Clicks(engine, sealer)
        self.destinations = Destinations(engine)
        self._folder = folder
        self.worker = self.new_worker()

    def shops(self, key: str = "key", orders: str = "") -> Shops:
        """Load the two shops."""
        (self._folder / "acme.toml").write_text(ACME.format(key=key, orders=orders))
        (self._folder / "other.toml").write_text(OTHER)
        return load_shops(self._folder, ENVIRONMENT, PLATFORMS, "https://api.example/v1/event")

    def new_worker(self, **changes: Any) -> Worker:
        """Return another worker on the same database."""
        return Worker(
            shops=self.shops(**changes),
            purchases=self.purchases,
            clicks=self.clicks,
            destinations=self.destinations,
            client=self.api,
            lease=timedelta(seconds=60),
            clock=self.clock,
            jitter=lambda: 0.5,
        )

    def receive(self, *numbers: int, shop: str = "acme", age: timedelta | None = None, **changes: Any) -> None:
        """Receive paid orders with these numbers."""
        receipts = [
            Receipt(
                shop=shop,
                order_id=str(number),
                body=self.body(number, **changes),
                body_at=self.clock() if "body_at" not in changes else changes["body_at"],
                counts=True,
                age=age,
            )
            for number in numbers
        ]
        self.purchases.receive(receipts, self.clock())

    def body(self, number: int, **changes: Any) -> bytes:
        """Return a WooCommerce order as bytes; it carries a click unless told otherwise."""
        stamp = self.clock().strftime("%Y-%m-%dT%H:%M:%S")
        order: dict[str, Any] = {
            "id": number,
            "status": "processing",
            "currency": "EUR",
            "date_created_gmt": stamp,
            "date_modified_gmt": stamp,
            "date_paid_gmt": stamp,
            "order_key": f"wc_order_{number}",
            "total": "10.00",
            "total_tax": "0.00",
            "shipping_total": "0.00",
            "shipping_tax": "0.00",
            "billing": {"email": "a@example.com", "country": "DE", "postcode": "04109"},
            "customer_ip_address": "203.0.113.9",
            "customer_user_agent": "Mozilla/5.0",
            "created_via": "checkout",
            "line_items": [
                {
                    "id": 1,
                    "name": "Mug",
                    "product_id": 7,
                    "quantity": 1,
                    "subtotal": "10.00",
                    "total": "10.00",
                    "total_tax": "0.00",
                }
            ],
            "meta_data": [{"id": 1, "key": "_axon_event_id", "value": f"click-{number}"}],
        }
        changes.pop("body_at", None)
        return json.dumps(order | changes).encode()

    def rows(self, state: State | None = None) -> dict[str, dict[str, Any]]:
        """Return the ledger by order id."""
        return {row["order_id"]: dict(row) for row in self.purchases.rows(state=state, limit=10_000)}

    def whole_row(self, number: int) -> dict[str, Any]:
        """Return every column of an order's row."""
        with self.engine.connect() as connection:
            query = select(purchases).where(purchases.c.order_id == str(number))
            return dict(connection.execute(query).mappings().one())

    def claim(self, which: Which = "due", limit: int = 100) -> list[Claim]:
        """Claim orders of the first shop, as a worker does."""
        return self.purchases.claim(["acme"], which, limit, self.clock(), timedelta(seconds=60))

    def deliver(self, shop: str = "acme") -> bool:
        """Let the worker deliver one round to a shop's destination."""
        found = self.worker.shops.by_name[shop]
        assert found.destination is not None
        return self.worker.deliver_to(found.destination, [shop])

    def states(self) -> dict[str, str]:
        """Return the state of each order."""
        return {order_id: row["state"] for order_id, row in self.rows().items()}

    def state_of(self, shop: str = "acme", **changes: Any) -> DestinationState:
        """Return what is known of a shop's destination."""
        found = self.shops(**changes).get(shop)
        assert found is not None
        assert found.destination is not None
        return self.destinations.state(found.destination.id, self.clock())

    def go_on(self, seconds: float, step: float = 1) -> None:
        """Let time pass, and the worker look every `step` seconds."""
        passed = 0.0
        while passed < seconds:
            self.clock.advance(step)
            passed += step
            self.worker.drain()


@pytest.fixture
def house(sqlite_engine: Engine, sealer: Sealer, clock: Any, tmp_path: Path) -> House:
    """Return a house on SQLite."""
    folder = tmp_path / "mappings"
    folder.mkdir()
    # These tests kill no machine, so no commit need wait for the disk: they take a tenth of the time.
    sqlite_engine.dispose()
    event.listen(sqlite_engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    return House(sqlite_engine, sealer, clock, folder)


@pytest.fixture
def any_house(engine: Engine, sealer: Sealer, clock: Any, tmp_path: Path) -> House:
    """Return a house on each database."""
    folder = tmp_path / "mappings"
    folder.mkdir()
    return House(engine, sealer, clock, folder)


@pytest.fixture
def noon() -> datetime:
    """Return the moment at which the clock begins."""
    return datetime.fromisoformat("2026-05-01T12:00:00+00:00")
