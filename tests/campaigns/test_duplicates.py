"""W1–W3: the same order again and again, its life in any order, and replays under other headers."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from campaigns.databases import rows_of
from campaigns.driver import post_once
from campaigns.orders import SECRETS, Order, headers_of, signed
from campaigns.table import Row
from campaigns.world import World

Scale = Callable[[int, int], int]

SLOWEST_SECONDS = 1.0
"""What the 99th of a hundred duplicates may take; asked of the whole campaign alone, for a test asserts no time."""


@pytest.mark.databases(cut="sqlite")
def test_duplicates_at_once(world: World, row: Row, scale: Scale) -> None:
    """W1: every order twenty times over 32 connections, half with new delivery ids: all taken, each sent once.

    Three workers deliver at the same time, and none sends what another one has.
    """
    row.named("W1 duplicates × 20", "1,000 orders × 20: 1,000 events, all 2xx, p99 ≤ 1 s")
    orders, copies = scale(20, 400), 20
    world.start_web()
    for _ in range(3):
        world.start_worker(LEASE_SECONDS="60")
    originals = world.orders.many(orders)
    everything = [_copy(order, number) for order in originals for number in range(copies)]
    world.random.shuffle(everything)
    driver = world.driver(32)
    driver.send(everything)
    record = driver.finish(120)
    world.come_to_rest()
    found = world.check(driver)
    found.add("W1: not taken at once", [record.answers] if record.failures else [])
    found.add("W1: sent again", [found.resent] if found.resent else [])
    p99 = sorted(record.seconds)[int(len(record.seconds) * 0.99)]
    found.add("W1: p99 is too slow", [f"{p99:.2f} s"] if scale(0, 1) and p99 > SLOWEST_SECONDS else [])
    row.take(
        found,
        trials=orders * copies,
        faults=0,
        scaled=f"{orders} orders × {copies}, {record.failures} not at once, p99 {p99 * 1000:.0f} ms",
    )


def _copy(order: Order, number: int) -> Order:
    """Return the same signed order; every second one with ids of a delivery of its own."""
    ids = {"X-Shopify-Webhook-Id": f"id-{number}", "X-WC-Webhook-Delivery-ID": f"id-{number}"} if number % 2 else {}
    return replace(order, headers={**order.headers, **ids})


@pytest.mark.databases(cut="postgresql")
def test_lives_in_any_order(world: World, row: Row, scale: Scale) -> None:
    """W2: created unpaid, paid, changed, done: in whichever order these arrive, it becomes one purchase."""
    row.named("W2 arrival in any order", "120 orders of arrival: one state, ≤ 1 event (in-process: all)")
    lives = list(permutations(range(4)))
    world.random.shuffle(lives)
    world.start_web()
    world.start_worker()
    driver = world.driver(1)
    with ThreadPoolExecutor(8) as pool:
        jobs = [
            pool.submit(_live, world.port, _life(order), life)
            for life in lives[: scale(6, 24)]
            for order in world.orders.many(2)
        ]
    for order in (job.result() for job in jobs):
        driver.record.acknowledged[order.key] = order
    world.come_to_rest()
    found = world.check(driver)
    row.take(found, trials=len(jobs), faults=0, scaled=f"{len(jobs) // 2} orders of arrival × 2 platforms")


def _life(order: Order) -> Sequence[Order]:
    """Return an order's bodies from its birth on, each a second newer than the one before; all but the first paid."""
    document = json.loads(order.body, parse_float=Decimal)
    return [_body(order, document, age, is_paid=age > 0) for age in range(4)]


def _body(order: Order, document: dict[str, Any], age: int, *, is_paid: bool) -> Order:
    changed = dict(document)
    stamp, standing = (
        ("updated_at", "financial_status") if order.shop == "shopify" else ("date_modified_gmt", "status")
    )
    moment = datetime.fromisoformat(document[stamp]) + timedelta(seconds=age)
    changed[stamp] = moment.isoformat()
    if not is_paid:
        changed[standing] = "pending"
        changed.pop("date_paid_gmt", None)
    body = json.dumps(changed, default=str, separators=(",", ":")).encode()
    return replace(order, body=body, headers=headers_of(order.shop, body))


def _live(port: int, bodies: Sequence[Order], life: Sequence[int]) -> Order:
    """Send the bodies one after the other in this order; return the order."""
    assert [200] * len(life) == [post_once(port, bodies[age]) for age in life]
    return bodies[-1]


@pytest.mark.databases(cut="sqlite")
def test_replays(world: World, row: Row, scale: Scale) -> None:
    """W3: signed bodies under other topics, shops, times and routes change nothing; a staging copy is kept aside."""
    row.named("W3 replays, staging copies", "5,000 tries: 0 new events, 0 cross-shop rows, 0 redactions")
    orders, tries = scale(10, 100), scale(100, 2_500)
    world.start_web()
    world.start_worker()
    driver = world.driver(4)
    originals = world.orders.many(orders)
    driver.send(originals)
    driver.finish(30)
    world.come_to_rest()
    before, sent = rows_of(world.database), world.received()
    with ThreadPoolExecutor(8) as pool:
        replays = [pool.submit(_replay, world.port, order, n) for n, order in enumerate(_often(originals, tries))]
        copies = [pool.submit(post_once, world.port, _staging_copy(order)) for order in originals]
    answers = [replay.result() for replay in replays]
    world.come_to_rest()
    found = world.check(driver)
    after = rows_of(world.database)
    kept = [line for line in after if line["id"] not in {line["id"] for line in before}]
    found.add("W3: a copy wasn't taken", [copy.result() for copy in copies if copy.result() != 200])
    found.add("W3: a replay got another answer than it should", filter(None, answers))
    found.add("W3: a row has changed", [line["id"] for line in before if line not in after])
    found.doubled += found.add("W3: something was sent", [batch.number for batch in world.received()[len(sent) :]])
    aside = [line for line in kept if line["state"] == "quarantined" and line["reason"].startswith("conflicting")]
    found.add("W3: not kept aside", [] if len(aside) == len(kept) == orders else [f"{len(aside)} of {len(kept)}"])
    row.take(found, trials=tries + orders, faults=0, scaled=f"{tries:,} replays, {orders} staging copies")


def _often(orders: Sequence[Order], tries: int) -> list[Order]:
    return [orders[number % len(orders)] for number in range(tries)]


_TOPICS = ("orders/delete", "customers/redact", "shop/redact", "app/uninstalled", "refunds/create", "order.deleted")


def _replay(port: int, order: Order, number: int) -> str | None:
    """Send a signed body again with what isn't signed changed; return what was wrong with the answer."""
    other = next(shop for shop in SECRETS if shop != order.shop)
    changed = {
        "X_Shopify_Topic": _TOPICS[number % len(_TOPICS)],
        "X_WC_Webhook_Topic": _TOPICS[number % len(_TOPICS)],
        "X_Shopify_Shop_Domain": "another.myshopify.com",
        "X_WC_Webhook_Source": "https://another.example/",
        "X_Shopify_Webhook_Id": f"replay-{number}",
        "X_WC_Webhook_Delivery_ID": f"replay-{number}",
        "X_Shopify_Triggered_At": "2036-01-01T00:00:00.000000000Z",
    }
    if number % 3 == 0:
        # The other shop's door, with the signature in the header that is read there.
        signature = next(value for name, value in order.headers.items() if name != "Content-Type")
        changed |= {"X_Shopify_Hmac_Sha256": signature, "X_WC_Webhook_Signature": signature}
        status, expected = post_once(port, replace(order, shop=other), **changed), 401
    else:
        status, expected = post_once(port, order, **changed), 200
    return None if status == expected else f"{status} in place of {expected} for {changed['X_Shopify_Topic']}"


def _staging_copy(order: Order) -> Order:
    """Return another order that has the same id: a copy of the shop went on counting from where it was copied."""
    document = json.loads(order.body, parse_float=Decimal)
    name = "token" if order.shop == "shopify" else "order_key"
    document |= {name: f"{document[name]}staging"}
    document |= {"note": "from the staging copy"}
    body = json.loads(json.dumps(document, default=str))
    return signed(order.shop, body, currency=order.currency, value=order.value)
