"""From a claimed row to what is to be done with it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any

from sqlalchemy import event, select
from structlog.testing import capture_logs

from adapter.delivery.preparing import Preparer, ToForget, ToSend, portions
from adapter.storage.clicks import Clicks
from adapter.storage.purchases import Claim, Purchases, Settlement
from adapter.storage.sealing import Sealer
from adapter.storage.tables import State, awaited_clicks
from adapter.turns import in_turns

MINUTE = timedelta(minutes=1)


def one(house: Any, claim: Claim, shops: Any = None) -> Any:
    """Prepare a claim by itself."""
    preparer = Preparer(house.purchases, house.clicks)
    (found,) = preparer.prepare([claim], (shops or house.shops()).by_name, house.clock())
    return found


def prepared(house: Any, **changes: Any) -> Any:
    """Receive an order, claim it and prepare it."""
    house.receive(1, **changes)
    (claim,) = house.purchases.claim(["acme"], "due", 1, house.clock(), MINUTE)
    return one(house, claim)


def test_an_event(house: Any) -> None:
    """A good order becomes the bytes of its event."""
    found = prepared(house)
    assert isinstance(found, ToSend)
    assert found.event.startswith(b'{"name":"purchase","dedupe_id":"1"')


def test_a_field_that_is_left_out(house: Any) -> None:
    """What an event lacks is said when it is sent, with order, target and expression, and without a value."""
    house.receive(1, transaction_id=77)
    (claim,) = house.purchases.claim(["acme"], "due", 1, house.clock(), MINUTE)
    rules = house.shops(orders="[event.user_data]\nzip = \"join('-', [order.transaction_id])\"")
    with capture_logs() as logs:
        found = one(house, claim, rules)
    assert isinstance(found, ToSend)
    assert b'"zip"' not in found.event
    (log,) = logs
    assert ("order sent with warnings", "acme", "1") == (log["event"], log["shop"], log["order"])
    (warning,) = log["warnings"]
    expected = (
        "event.user_data.zip was left out: join('-', [order.transaction_id]): join() wants array-string, and found"
    )
    assert warning.startswith(expected)
    assert "77" not in warning


def test_a_hold(house: Any) -> None:
    """An order without a click waits until 20 s after it came, and a click under its key would wake it."""
    found = prepared(house, meta_data=[])
    assert isinstance(found, Settlement)
    assert (State.PENDING, house.clock() + timedelta(seconds=20)) == (found.state, found.due_at)
    with house.engine.connect() as connection:
        rows = connection.execute(select(awaited_clicks.c.key, awaited_clicks.c.purchase_id)).all()
    assert [(house.clicks.key_hashes("acme", "order_key", "wc_order_1")[0], found.claim.id)] == rows


def test_a_hold_from_a_clock_that_jumped(house: Any) -> None:
    """An order that seems to come from the future isn't held for years."""
    house.receive(1, meta_data=[])
    house.clock.advance(-3600)
    (claim,) = house.purchases.claim(["acme"], "due", 1, house.clock() + timedelta(hours=2), MINUTE)
    found = one(house, claim)
    assert isinstance(found, ToSend)


def test_settlements(house: Any) -> None:
    """A skip and a problem need no request."""
    found = prepared(house, status="cancelled")
    assert isinstance(found, Settlement)
    assert (State.SKIPPED, "cancelled: the order is cancelled") == (found.state, found.reason)


def test_a_refusal(house: Any) -> None:
    """A buyer's refusal is for good: the body goes, and the clicks under the order's keys."""
    found = prepared(house, meta_data=[{"key": "_ad_consent", "value": "denied"}])
    assert isinstance(found, ToForget)
    assert (True, True) == (found.settlement.fixed, found.settlement.purge_body)
    assert (("order_key", "wc_order_1"),) == found.click_keys


def test_frozen_bytes_come_first(house: Any) -> None:
    """What may have been accepted is sent as it was."""
    house.receive(1)
    (claim,) = house.purchases.claim(["acme"], "due", 1, house.clock(), MINUTE)
    house.purchases.freeze([(claim, b"frozen")], house.clock(), MINUTE)
    house.clock.advance(61)
    (claim,) = house.purchases.claim(["acme"], "due", 1, house.clock(), MINUTE)
    found = one(house, claim)
    assert found == ToSend(claim, b"frozen")


def test_a_row_that_cannot_be_opened(house: Any, sqlite_engine: Any) -> None:
    """With another secret the order is quarantined, and says what to do."""
    house.receive(1)
    (claim,) = house.purchases.claim(["acme"], "due", 1, house.clock(), MINUTE)
    assert isinstance(claim, Claim)
    other = Sealer(["another secret"])
    preparer = Preparer(Purchases(sqlite_engine, other), Clicks(sqlite_engine, other))
    (found,) = preparer.prepare([claim], house.shops().by_name, house.clock())
    assert isinstance(found, Settlement)
    assert State.QUARANTINED is found.state
    expected = "sealed: it was sealed with a SECRET_KEY that isn't known here; add it to SECRET_KEY_FALLBACKS"
    assert expected == found.reason


def test_a_batch_looks_its_clicks_up_at_once(house: Any) -> None:
    """One insert and one query for all orders of a batch; each gets what is its own, and a bad one spoils no other."""
    for number in (1, 2):
        keys = [("order_key", f"wc_order_{number}")]
        house.clicks.remember("acme", keys, {"aleid": f"stored-{number}"}, house.clock())
    house.receive(1, 2, meta_data=[])
    house.receive(3, currency=None)
    house.receive(4)
    queries: list[str] = []
    event.listen(house.engine, "before_cursor_execute", lambda *args: queries.append(args[2]))
    claims = house.claim()
    del queries[:]
    found = Preparer(house.purchases, house.clicks).prepare(claims, house.shops().by_name, house.clock())
    assert ["INSERT", "SELECT"] == [query.split()[0] for query in queries]
    assert [ToSend, ToSend, Settlement, ToSend] == [type(each) for each in found]
    aleids = [json.loads(each.event)["user_data"]["aleid"] for each in found if isinstance(each, ToSend)]
    assert ["stored-1", "stored-2", "click-4"] == aleids


def test_webhooks_have_their_turn(house: Any) -> None:
    """What prepares a batch inside the web process pauses between two orders, when they have taken some time."""
    pauses: list[float] = []
    house.receive(1, 2, 3)
    claims = house.purchases.claim(["acme"], "due", 3, house.clock(), MINUTE)
    slow = partial(in_turns, now=count().__next__, pause=pauses.append)
    found = Preparer(house.purchases, house.clicks, slow).prepare(claims, house.shops().by_name, house.clock())
    assert 3 == len(found)
    assert 2 * 3 == len(pauses)  # Once they are read, and once they are decided about.


def test_large_bodies_are_read_in_portions(house: Any) -> None:
    """Orders are read until their bodies are so long together; one that is longer is read alone."""
    house.receive(1, 2, 3, 4)
    claims = house.purchases.claim(["acme"], "due", 4, house.clock(), MINUTE)
    sizes = (300, 300, 700, 100)
    changed = [replace(claim, body=b"x" * size) for claim, size in zip(claims, sizes, strict=True)]
    changed.append(replace(claims[0], body=None))
    found = [[len(claim.body or b"") for claim in portion] for portion in portions(changed, 600)]
    assert [[300, 300], [700], [100, 0]] == found
    assert [] == list(portions([]))
