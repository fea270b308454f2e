"""`adapter reseal`: what it says on the way and in the end, and when it refuses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from adapter.errors import SealBroken
from adapter.operations.resealing import reseal
from adapter.storage.arrivals import Receipt
from adapter.storage.clicks import Clicks
from adapter.storage.purchases import Purchases
from adapter.storage.resealing import Resealing
from adapter.storage.sealing import Sealer, key_id

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
KEEP = timedelta(days=30)


def receive(engine: Engine, secret: str, count: int, start: int = 0) -> None:
    """Receive orders, sealed with a secret."""
    receipts = [Receipt(shop="acme", order_id=str(start + number), body=b"{}") for number in range(count)]
    Purchases(engine, Sealer([secret])).receive(receipts, NOON)


def said(engine: Engine, *secrets: str) -> list[str]:
    """Reseal, and return what is said."""
    sealer = Sealer(secrets)
    return list(reseal(Resealing(engine, sealer), sealer.key_ids, KEEP, lambda _seconds: None))


def test_nothing_is_stored(engine: Engine) -> None:
    """It is done at once."""
    assert [
        "values to be sealed with SECRET_KEY: 0",
        "  values of orders: 0, done",
        "  clicks: 0, done",
        "SECRET_KEY: values sealed with it: 0",
    ] == said(engine, "new")


def test_a_rotation(engine: Engine) -> None:
    """Afterwards each fallback is said to be needed, and why, or not to be."""
    receive(engine, "older", 1, start=5000)
    receive(engine, "old", 1201)
    Clicks(engine, Sealer(["old"])).remember("acme", [("cart_token", "c1")], {"aleid": "1"}, NOON)
    assert [
        "values to be sealed with SECRET_KEY: 1203",
        "  values of orders: 1000",
        "  values of orders: 1202, done",
        "  clicks: 1, done",
        "SECRET_KEY: values sealed with it: 1203",
        "number 1 of SECRET_KEY_FALLBACKS: keep it; clicks that it alone finds: 1, purged within 30 days",
        "number 2 of SECRET_KEY_FALLBACKS: not needed any more, remove it",
    ] == said(engine, "new", "old", "older", "old")


def test_a_process_that_was_not_restarted(engine: Engine) -> None:
    """What is written with the old key after its batch is said to be left, with what to do."""
    sealer = Sealer(["new", "old"])
    lines = []
    for line in reseal(Resealing(engine, sealer), sealer.key_ids, KEEP, lambda _seconds: None):
        lines.append(line)
        if line.startswith("  clicks: "):
            receive(engine, "old", 1)
    hint = "a process that runs without the new SECRET_KEY writes them; restart it and run this again"
    assert f"number 1 of SECRET_KEY_FALLBACKS: values still sealed with it: 1; {hint}" == lines[-1]


def test_a_key_that_is_missing(engine: Engine) -> None:
    """Values that no key known here opens are an error that names the key, after all others are done."""
    receive(engine, "lost", 2)
    receive(engine, "old", 1, start=10)
    sealer = Sealer(["new", "old"])
    lines = reseal(Resealing(engine, sealer), sealer.key_ids, KEEP, lambda _seconds: None)
    words = f"values are left that no key known here opens: 2 by the key {key_id('lost').hex()}; add their SECRET_KEY"
    told: list[str] = []
    with pytest.raises(SealBroken, match=words):
        told.extend(lines)
    assert "number 1 of SECRET_KEY_FALLBACKS: not needed any more, remove it" == told[-1]
