"""Every sample goes through the service, from its signed bytes to the event that leaves: all as the table says."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient
from oracle.samples import Sample, samples
from sqlalchemy import event

from adapter.app import create_app
from adapter.axon.outcome import Outcome, Verdict
from adapter.delivery.worker import Worker
from adapter.storage.migrate import migrate
from adapter.wiring import Parts, load_configuration

SECRET = "shpss_4f8a1c0e9b7d2a63"
SIGNATURES = {"shopify": "X-Shopify-Hmac-Sha256", "woocommerce": "X-WC-Webhook-Signature"}
DATES = ("processed_at", "created_at", "date_created_gmt", "date_paid_gmt")

# A shop of its own for each body: many of them are about the same order.
MAPPING = """
extends = "{platform}"
[axon]
pixel_id = "{name}"
"""


@dataclass
class AcceptingApi:
    """Takes the place of the client: accepts every event, and keeps it by pixel id."""

    events: dict[str, list[bytes]] = field(default_factory=dict)

    def send(
        self, _api_url: str, pixel_id: str, _api_key: str, events: Sequence[bytes], _envelope: str = "events"
    ) -> Outcome:
        """Accept a batch."""
        self.events.setdefault(pixel_id, []).extend(events)
        return Outcome(verdict=Verdict.ACCEPTED, status=200)


@dataclass
class Clock:
    """A clock that shows what it is set to."""

    now: datetime = datetime(2026, 5, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now


@dataclass
class Service:
    """The service with a shop for each sample, and what left it."""

    parts: Parts
    client: FlaskClient
    worker: Worker
    clock: Clock
    api: AcceptingApi

    def post(self, sample: Sample, shop: str) -> dict[str, Any]:
        """Post the body as the platform signs it; return the answer, which is always 200."""
        signature = base64.b64encode(hmac.digest(SECRET.encode(), sample.body, hashlib.sha256)).decode()
        headers = {"Content-Type": "application/json", SIGNATURES[sample.platform]: signature}
        if sample.expected["outcome"] == "ping":
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = self.client.post(f"/webhooks/{shop}", data=sample.body, headers=headers)
        assert 200 == answer.status_code
        return dict(answer.json or {})

    def deliver(self, shop: str) -> None:
        """Let the worker deliver what is due for this shop, after the wait for click identifiers."""
        self.clock.now += timedelta(seconds=21)
        destination = self.parts.shops.by_name[shop].destination
        assert destination is not None
        while self.worker.deliver_to(destination, [shop]):
            continue

    def ledger(self, shop: str) -> list[tuple[str, str, str | None]]:
        """Return order id, state and reason of the shop's rows."""
        rows = self.parts.purchases.rows(shop=shop)
        return [(row["order_id"], row["state"], row["reason"]) for row in rows]

    def sent(self, shop: str) -> list[Any]:
        """Return the shop's events, with exact numbers."""
        return [json.loads(found, parse_float=Decimal) for found in self.api.events.get(shop, [])]


SHOPS = {sample.name: f"shop-{number}" for number, sample in enumerate(samples())}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield the service on a SQLite file, with the rules that ship with the project."""
    folder = tmp_path_factory.mktemp("service")
    (folder / "mappings").mkdir()
    for sample in samples():
        shop = SHOPS[sample.name]
        text = MAPPING.format(platform=sample.platform, name=shop)
        (folder / "mappings" / f"{shop}.toml").write_text(text)
    environment = {
        "DATABASE_URL": f"sqlite:///{folder}/adapter.db",
        "SECRET_KEY": "a secret of tests, with 32 characters or more",
        "MAPPINGS_DIR": str(folder / "mappings"),
        **{f"{platform.upper()}_WEBHOOK_SECRET": SECRET for platform in SIGNATURES},
        **{f"{platform.upper()}_SITE_URL": f"https://{platform}.example" for platform in SIGNATURES},
        "AXON_PIXEL_ID": "unused",
        "AXON_API_KEY": "key",
    }
    clock, api = Clock(), AcceptingApi()
    parts = Parts(load_configuration(environment), clock)
    # These tests cut no power, so no commit need wait for the disk.
    event.listen(parts.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    migrate(parts.engine)
    worker = replace(parts.worker(), client=api)
    yield Service(parts, create_app(parts).test_client(), worker, clock, api)
    parts.engine.dispose()


def arrival(sample: Sample) -> datetime:
    """Return when the webhook arrives: half a minute after the last thing that happened to the order."""
    document = sample.document if sample.expected["outcome"] in ("sent", "skipped") else {}
    dates = [datetime.fromisoformat(document[name]) for name in DATES if document.get(name)]
    moments = [date.replace(tzinfo=UTC) if date.tzinfo is None else date for date in dates]
    return max(moments, default=Clock.now).astimezone(UTC) + timedelta(seconds=30)


def named(found: list[Sample]) -> pytest.MarkDecorator:
    """Let a test run once for each sample, under its name."""
    return pytest.mark.parametrize("sample", found, ids=lambda sample: sample.name)


def with_outcome(*outcomes: str) -> list[Sample]:
    """Return the samples from which this has to become."""
    return [sample for sample in samples() if sample.expected["outcome"] in outcomes]


@named(with_outcome("sent"))
def test_an_order_that_is_sent(sample: Sample, service: Service) -> None:
    """One event leaves, with the figures of the table; the same body again is no second event."""
    shop = SHOPS[sample.name]
    service.clock.now = arrival(sample)
    order_id = str(sample.document["id"])
    assert {"result": "accepted", "order": order_id, "change": "stored"} == service.post(sample, shop)
    service.deliver(shop)
    assert [(order_id, "delivered", None)] == service.ledger(shop)
    assert "unchanged" == service.post(sample, shop)["change"]
    service.deliver(shop)
    (sent,) = service.sent(shop)
    assert ("purchase", order_id, order_id) == (sent["name"], sent["dedupe_id"], sent["data"]["transaction_id"])
    figures = {name: sent["data"][name] for name in ("currency", "value", "tax", "shipping")}
    assert {name: sample.expected[name] for name in figures} == figures
    assert [item[:4] for item in sample.expected["items"]] == [
        [item["item_id"], item.get("item_variant_id", ""), item["quantity"], item["price"]]
        for item in sent["data"]["items"]
    ]


@named(with_outcome("skipped"))
def test_an_order_that_is_skipped(sample: Sample, service: Service) -> None:
    """It is accepted and stands in the ledger with the first reason of its row; nothing leaves."""
    shop = SHOPS[sample.name]
    service.clock.now = arrival(sample)
    assert "accepted" == service.post(sample, shop)["result"]
    service.deliver(shop)
    ((order_id, state, reason),) = service.ledger(shop)
    assert (str(sample.document["id"]), "skipped") == (order_id, state)
    assert reason is not None
    assert sample.expected["reasons"][0] == reason.partition(":")[0]
    assert [] == service.sent(shop)


@named(with_outcome("ignored"))
def test_a_body_that_is_no_order(sample: Sample, service: Service) -> None:
    """It is answered with the reason in words, and never becomes a row."""
    shop = SHOPS[sample.name]
    answer = service.post(sample, shop)
    assert "ignored" == answer["result"]
    assert sample.expected["because"] in answer["reason"]
    service.deliver(shop)
    assert [] == service.ledger(shop)
    assert [] == service.sent(shop)


@named(with_outcome("unreadable"))
def test_a_body_that_cannot_be_read(sample: Sample, service: Service) -> None:
    """It is kept and shown, with what is wrong with it."""
    shop = SHOPS[sample.name]
    service.post(sample, shop)
    service.deliver(shop)
    ((_, state, reason),) = service.ledger(shop)
    assert reason is not None
    assert ("quarantined", "unreadable") == (state, reason.partition(":")[0])
    assert sample.expected["because"] in reason
    assert [] == service.sent(shop)


@named(with_outcome("test notification"))
def test_the_sample_order_of_a_platform(sample: Sample, service: Service) -> None:
    """It shows that the webhook arrives, each time anew, and is never sent."""
    shop = SHOPS[sample.name]
    assert ["test received"] * 2 == [service.post(sample, shop)["result"] for _ in range(2)]
    service.deliver(shop)
    assert {("skipped", "test notification")} == {
        (state, (reason or "").partition(":")[0]) for _, state, reason in service.ledger(shop)
    }
    assert [] == service.sent(shop)


@named(with_outcome("ping"))
def test_a_ping(sample: Sample, service: Service) -> None:
    """It is answered and leaves nothing."""
    shop = SHOPS[sample.name]
    assert {"result": "ping"} == service.post(sample, shop)
    assert [] == service.ledger(shop)


def test_every_sample_is_one_of_these() -> None:
    """No row has an outcome that none of the tests above looks at."""
    known = with_outcome("sent", "skipped", "ignored", "unreadable", "test notification", "ping")
    assert list(samples()) == known
