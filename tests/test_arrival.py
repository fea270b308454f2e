"""Whatever comes in whatever order: one order becomes at most one event, by the newest body before the first send.

What is expected is worked out by `Expected`, a few lines written from the words of the design, not from the code. All
orders of one course arrive in step: each order is one permutation of a life, and the worker looks at the same moments.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count, permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlalchemy import event as sql_event

from adapter.axon.outcome import Outcome, Verdict
from adapter.delivery.worker import Worker
from adapter.intake import Intake, Result
from adapter.platforms.webhook import WebhookRequest
from adapter.shops.load import load_shops
from adapter.shops.shop import Shops
from adapter.storage.clicks import Clicks
from adapter.storage.destinations import Destinations
from adapter.storage.purchases import Purchases
from adapter.storage.sealing import Sealer

PLATFORMS = ("shopify", "woocommerce")
SECRET = "s3cretOf24LettersOrMore0"
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Body:
    """One body of an order: what happened, at which second, and what a person would call it."""

    name: str
    second: int
    is_sale: bool
    why_not: str = ""


@dataclass
class Expected:
    """What must become of one order, from the words of the design.

    "The newest body known at the first send decides; at equal stamps a different body replaces the stored one only if
    it counts as a purchase and the stored one doesn't. A cancel or refund known before the first send skips the order;
    later it changes nothing."
    """

    stored: Body | None = None
    sent: list[str] = field(default_factory=list)

    def comes(self, body: Body) -> str:
        """Take in a body; return what changes by it."""
        if self.stored is None:
            self.stored = body
            return "stored"
        newer = body.second > self.stored.second
        becomes_sale = body.second == self.stored.second and body.is_sale and not self.stored.is_sale
        if self.sent or not (newer or becomes_sale):
            return "unchanged"
        self.stored = body
        return "refreshed"

    def worker_looks(self) -> None:
        """Send it, when it is a sale and wasn't sent."""
        if self.stored and self.stored.is_sale and not self.sent:
            self.sent = [self.stored.name]

    @property
    def end(self) -> tuple[str, str]:
        """The state, and the rule that skipped it."""
        if self.sent:
            return ("delivered", "")
        return ("skipped", self.stored.why_not) if self.stored else ("", "")


def a_life(second: dict[str, int], *, updated_is_paid: bool = False) -> tuple[Body, ...]:
    """Return the five bodies of an order's life with these stamps."""
    return (
        Body("created", second["created"], is_sale=False, why_not="unpaid"),
        Body("updated", second["updated"], is_sale=updated_is_paid, why_not="unpaid"),
        Body("paid", second["paid"], is_sale=True),
        Body("cancelled", second["cancelled"], is_sale=False, why_not="cancelled"),
        Body("refunded", second["refunded"], is_sale=False, why_not="cancelled"),
    )


LIVES = {
    "one after the other": a_life({"created": 1, "updated": 2, "paid": 3, "cancelled": 4, "refunded": 5}),
    "all within one second": a_life(dict.fromkeys(("created", "updated", "paid", "cancelled", "refunded"), 1)),
    "paid at once": a_life({"created": 1, "updated": 1, "paid": 1, "cancelled": 2, "refunded": 2}),
    "changed after payment": a_life(
        {"created": 1, "paid": 2, "updated": 3, "cancelled": 4, "refunded": 5}, updated_is_paid=True
    ),
    "changed, cancelled and paid in one second": a_life(
        {"created": 1, "updated": 2, "paid": 2, "cancelled": 2, "refunded": 3}, updated_is_paid=True
    ),
}

SHOPIFY: dict[str, dict[str, Any]] = {
    "created": {"financial_status": "pending"},
    "updated": {"financial_status": "pending", "note": "gift"},
    "paid": {"financial_status": "paid"},
    "cancelled": {"financial_status": "paid", "cancelled_at": "2026-05-01T12:10:00+02:00"},
    "refunded": {"financial_status": "refunded"},
}
WOOCOMMERCE: dict[str, dict[str, Any]] = {
    "created": {"status": "pending"},
    "updated": {"status": "on-hold"},
    "paid": {"status": "processing", "payment_method": "cod", "date_paid_gmt": None},
    "cancelled": {"status": "cancelled"},
    "refunded": {"status": "refunded", "refunds": [{"id": 1, "total": "-12.00"}]},
}


@cache
def json_of(platform: str, number: int, body: Body) -> bytes:
    """Return the body as the platform sends it."""
    stamp = f"2026-05-01T11:59:{body.second:02}"
    written, bodies = (_shopify, SHOPIFY) if platform == "shopify" else (_woocommerce, WOOCOMMERCE)
    changes = bodies["paid" if body.is_sale else body.name]
    return json.dumps(written(number, stamp, body.name) | changes).encode()


def _shopify(number: int, stamp: str, name: str) -> dict[str, Any]:
    line = {"price": "10.00", "quantity": 1, "product_id": 7, "title": name, "id": 1}
    return {
        "id": number,
        "token": f"token{number}",
        "created_at": "2026-05-01T11:59:00+00:00",
        "updated_at": f"{stamp}+00:00",
        "currency": "EUR",
        "subtotal_price": "10.00",
        "total_price": "10.00",
        "total_tax": "0.00",
        "source_name": "web",
        "browser_ip": "203.0.113.9",
        "client_details": {"user_agent": "Invented/1.0"},
        "email": "ada@example.com",
        "note_attributes": [{"name": "_axon_event_id", "value": "click"}],
        "line_items": [line],
        "shipping_lines": [],
        "tax_lines": [],
    }


def _woocommerce(number: int, stamp: str, name: str = "Mug") -> dict[str, Any]:
    line = {"id": 1, "product_id": 7, "name": name, "quantity": 1, "subtotal": "10.00", "total": "10.00"}
    return {
        "id": number,
        "order_key": f"wc_order_{number}",
        "created_via": "checkout",
        "currency": "EUR",
        "date_created_gmt": "2026-05-01T11:59:00",
        "date_modified_gmt": stamp,
        "total": "12.00",
        "total_tax": "0.00",
        "shipping_total": "2.00",
        "customer_ip_address": "203.0.113.9",
        "customer_user_agent": "Invented/1.0",
        "billing": {"email": "ada@example.com", "country": "DE"},
        "meta_data": [{"key": "_axon_event_id", "value": "click"}],
        "line_items": [line],
    }


class Api:
    """A Conversion API that takes everything, and remembers for each order which of its bodies came."""

    def __init__(self) -> None:
        self.taken: defaultdict[tuple[str, str], list[str]] = defaultdict(list)

    def send(self, _url: str, pixel: str, _key: str, events: Sequence[bytes], _envelope: str = "events") -> Outcome:
        """Accept a batch."""
        for event in map(json.loads, events):
            self.taken[pixel, event["dedupe_id"]].append(event["data"]["items"][0]["item_name"])
        return Outcome(verdict=Verdict.ACCEPTED, status=200)


@dataclass
class House:
    """Intake and worker on one database, one shop of each platform."""

    engine: Engine
    sealer: Sealer
    shops: Shops
    api: Api = field(default_factory=Api)
    numbers: Any = field(default_factory=lambda: count(1001))
    seconds: int = 0

    def __post_init__(self) -> None:
        """Put the parts together."""
        self.purchases = Purchases(self.engine, self.sealer)
        self.intake = Intake(self.purchases, self.clock)
        self.worker = Worker(
            shops=self.shops,
            purchases=self.purchases,
            clicks=Clicks(self.engine, self.sealer),
            destinations=Destinations(self.engine),
            client=self.api,
            lease=timedelta(seconds=60),
            clock=self.clock,
        )

    def clock(self) -> datetime:
        """Return the time."""
        return NOON + timedelta(seconds=self.seconds)

    def take(self, platform: str, body: bytes) -> str | None:
        """Take in a body that the shop signed; return what changed by it."""
        signature = base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest()).decode()
        names = {"shopify": "x-shopify-hmac-sha256", "woocommerce": "x-wc-webhook-signature"}
        shop = self.shops.by_name[platform]
        taken = self.intake.take(shop, WebhookRequest({names[platform]: signature}, body))
        assert Result.ACCEPTED is taken.result
        return taken.change

    def look(self) -> None:
        """Let the worker do what is due."""
        self.seconds += 1
        self.worker.drain()

    def end_of(self, platform: str, numbers: Sequence[int]) -> list[tuple[str, str]]:
        """Return the state of each of the newest orders, and the rule that skipped it."""
        rows = {row["order_id"]: row for row in self.purchases.rows(shop=platform, limit=len(numbers))}
        found = [rows[str(number)] for number in numbers]
        return [(row["state"], (row["reason"] or "").partition(":")[0]) for row in found]

    def sent_of(self, platform: str, numbers: Sequence[int]) -> list[list[str]]:
        """Return for each order the bodies of which an event was sent."""
        return [self.api.taken[platform, str(number)] for number in numbers]


@pytest.fixture
def house(engine: Engine, sealer: Sealer, tmp_path: Path) -> House:
    """Return a house on each database."""
    folder = tmp_path / "mappings"
    folder.mkdir()
    for platform in PLATFORMS:
        (folder / f"{platform}.toml").write_text(
            f'extends = "{platform}"\nwebhook_secret = "{SECRET}"\nsite_url = "https://{platform}.example"\n'
            f'[axon]\npixel_id = "{platform}"\napi_key = "key"\n[orders]\nmax_age_days = 7\n'
        )
    shops = load_shops(folder, {}, PLATFORMS, "https://api.example/v1/event")
    if engine.dialect.name == "sqlite":  # No machine is killed here, so no commit need wait for the disk.
        engine.dispose()
        sql_event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    return House(engine, sealer, shops)


Order = tuple[Body, ...]


def run_in_step(house: House, platform: str, orders: Sequence[Order], looks: frozenset[int]) -> None:
    """Let all orders arrive in step, some bodies followed by one that came before; compare with what is expected.

    After the arrivals whose place is in `looks`, and at the end, the worker looks.
    """
    numbers = [next(house.numbers) for _ in orders]
    expected = [Expected() for _ in orders]
    for place in range(len(orders[0])):
        for number, order, one in zip(numbers, orders, expected, strict=True):
            for body in (order[place], order[number % place]) if place % 2 else order[place : place + 1]:
                assert one.comes(body) == house.take(platform, json_of(platform, number, body))
        if place in looks or place == len(orders[0]) - 1:
            house.look()
            for one in expected:
                one.worker_looks()
    assert [one.sent for one in expected] == house.sent_of(platform, numbers)
    assert [one.end for one in expected] == house.end_of(platform, numbers)


LOOKS = [frozenset(place for place in range(4) if mask >> place & 1) for mask in range(16)]
"""Every choice of moments between five arrivals; after the last one the worker looks anyway."""


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("life", LIVES)
def test_every_order_of_arrival(house: House, platform: str, life: str) -> None:
    """All 120 permutations of a life on SQLite, a sample on PostgreSQL, each life with other moments to look."""
    orders = list(permutations(LIVES[life]))
    place = list(LIVES).index(life) * len(PLATFORMS) + PLATFORMS.index(platform)
    looks = LOOKS[(7 * place + 3) % len(LOOKS)]
    run_in_step(house, platform, orders if house.engine.dialect.name == "sqlite" else orders[place::11], looks)


@pytest.mark.campaign
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("life", LIVES)
def test_every_order_of_arrival_with_the_worker_at_every_moment(house: House, platform: str, life: str) -> None:
    """All 120 permutations of a life, with the worker looking at every choice of moments, on both databases."""
    for looks in LOOKS:
        run_in_step(house, platform, list(permutations(LIVES[life])), looks)


BODIES = st.sampled_from(
    [
        body
        for second in (1, 2, 3)
        for is_paid in (True, False)
        for body in a_life(dict.fromkeys(SHOPIFY, second), updated_is_paid=is_paid)
    ]
)
STEPS = st.lists(st.one_of(BODIES, st.just("look")), min_size=1, max_size=12)


def run_freely(house: House, platform: str, steps: Sequence[Body | str]) -> None:
    """Let one order arrive in any way, and compare after every look."""
    number, expected = next(house.numbers), Expected()
    for step in (*steps, "look"):
        if isinstance(step, Body):
            assert expected.comes(step) == house.take(platform, json_of(platform, number, step))
            continue
        house.look()
        expected.worker_looks()
        if expected.stored:
            assert [expected.end] == house.end_of(platform, [number])
        assert [expected.sent] == house.sent_of(platform, [number])


@pytest.mark.parametrize("platform", PLATFORMS)
def test_any_course_of_bodies(house: House, platform: str) -> None:
    """Any bodies with any stamps, also twice and in contradiction, with the worker at any moment."""

    @settings(max_examples=40 if house.engine.dialect.name == "sqlite" else 15)
    @given(STEPS)
    def check(steps: list[Body | str]) -> None:
        run_freely(house, platform, steps)

    check()


@pytest.mark.campaign
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_thousand_courses_of_bodies(house: House, platform: str) -> None:
    """As above, a thousand times on each database."""

    @settings(max_examples=1_000)
    @given(STEPS)
    def check(steps: list[Body | str]) -> None:
        run_freely(house, platform, steps)

    check()


@pytest.mark.parametrize(
    ("changes", "end", "reason"),
    [
        ({"status": "processing", "payment_method": "cod", "date_paid_gmt": None}, "delivered", None),
        ({"status": "completed", "payment_method": "cod", "date_paid_gmt": "2026-05-01T11:59:30"}, "delivered", None),
        ({"status": "on-hold"}, "skipped", "unpaid: the order is unpaid; it is sent when it is paid"),
        ({"status": "pending"}, "skipped", "unpaid: the order is unpaid; it is sent when it is paid"),
        ({"status": "failed"}, "skipped", "unpaid: the order is failed; it is sent when it is paid"),
        ({"status": "checkout-draft"}, "skipped", "draft: a draft, made by the staff or not placed yet"),
        ({"status": "trash"}, "skipped", "cancelled: the order is trashed"),
    ],
)
def test_the_states_of_a_woocommerce_order(
    house: House, changes: dict[str, Any], end: str, reason: str | None
) -> None:
    """Cash on delivery counts from "processing" on; held, failed and unfinished orders don't, and say why."""
    number = next(house.numbers)
    house.take("woocommerce", json.dumps(_woocommerce(number, "2026-05-01T11:59:01") | changes).encode())
    house.look()
    (row,) = house.purchases.rows(shop="woocommerce")
    assert (end, reason) == (row["state"], row["reason"])


def test_a_checkout_that_becomes_an_order_within_its_second(house: House) -> None:
    """The block checkout's draft and the order it becomes may carry one stamp: the order replaces the draft."""
    number, stamp = next(house.numbers), "2026-05-01T11:59:01"
    for status in ("checkout-draft", "processing", "checkout-draft"):
        house.take("woocommerce", json.dumps(_woocommerce(number, stamp) | {"status": status}).encode())
    house.look()
    assert [("delivered", "")] == house.end_of("woocommerce", [number])
