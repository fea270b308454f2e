"""What a late refusal does to its orders, in whatever state it meets them, on both databases."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine, text

from adapter.storage.arrivals import Received
from adapter.storage.clicks import Clicks
from adapter.storage.engine import reading
from adapter.storage.purchases import Claim
from adapter.storage.sealing import Sealer
from adapter.storage.tables import State

if TYPE_CHECKING:
    from tests.storage.conftest import Ledger

NOON = datetime.fromisoformat("2026-05-01T12:00:00+00:00")
MINUTE = timedelta(minutes=1)
KEY = ("checkout_token", "tok")
ANSWER = json.dumps({"status": 400, "message": "jane@shop.example is unknown", "trace_id": "t-1"})


def expect(clicks: Clicks, claim: Claim, *keys: tuple[str, str]) -> None:
    """Say under which keys a refusal may come for an order."""
    clicks.expect([(claim.id, key) for key in clicks.hashes_of("acme", keys or [KEY])])


def refuse(clicks: Clicks, *keys: tuple[str, str]) -> None:
    """Let the buyer say no under these keys."""
    clicks.remember("acme", keys or [KEY], {"consent": "denied"}, NOON + MINUTE)


def kept(ledger: Ledger, order: str = "1001") -> tuple[Any, ...]:
    """Return the state of an order, and what is kept of it."""
    row = ledger.row(order)
    return row["state"], row["body"], row["event"]


@pytest.mark.parametrize("state", [State.PENDING, State.QUARANTINED, State.SKIPPED, State.EXPIRED])
@pytest.mark.parametrize("fixed", [True, False])
def test_an_order_that_was_not_delivered(ledger: Ledger, clicks: Clicks, state: State, *, fixed: bool) -> None:
    """Whatever was to become of it: it is skipped for good, purged at once, and says if it may have been accepted."""
    claim = ledger.sent()
    expect(clicks, claim)
    ledger.settle(claim, state, NOON, due_at=NOON, fixed=fixed, reason="refused by Axon: x", answer=ANSWER, attempts=1)
    refuse(clicks)
    row = ledger.row()
    perhaps = "; an earlier try may have been accepted" if fixed else ""
    assert ("skipped", None, None) == kept(ledger)
    assert (f"consent denied: the buyer refused{perhaps}", True) == (row["reason"], row["fixed"])
    assert {"status": 400, "trace_id": "t-1"} == json.loads(row["answer"])
    assert NOON <= row["settled_at"] <= NOON + MINUTE
    assert [] == ledger.claim(at=NOON + 9 * MINUTE)
    assert Received.UNCHANGED is ledger.receive(body=b"newer", body_at=NOON + 9 * MINUTE, counts=True)


def test_an_order_that_was_delivered(ledger: Ledger, clicks: Clicks) -> None:
    """It stays delivered; what is kept of it goes at once."""
    claim = ledger.sent()
    expect(clicks, claim)
    ledger.settle(claim, State.DELIVERED, fixed=True, answer=json.dumps({"status": 200}))
    before = ledger.row()
    refuse(clicks)
    changed = {name: text for name, text in ledger.row().items() if before[name] != text}
    assert {"body": None, "event": None} == {name: changed.pop(name) for name in ("body", "event")}
    assert "consent denied: the buyer refused, after it was sent" == changed.pop("reason")
    assert {"revision": 2} == changed


def test_an_order_that_a_worker_holds(ledger: Ledger, clicks: Clicks) -> None:
    """It is skipped under the worker's hands, which can neither send nor settle it any more."""
    claim = ledger.claimed()
    expect(clicks, claim)
    refuse(clicks)
    assert ("skipped", None, None) == kept(ledger)
    assert [] == ledger.purchases.freeze([(claim, b"[]")], NOON, MINUTE)
    assert 0 == ledger.settle(claim, State.PENDING)
    assert "skipped" == ledger.row()["state"]


def test_an_order_that_is_being_sent(ledger: Ledger, clicks: Clicks) -> None:
    """Its bytes are gone from the database; when it was accepted, it is delivered."""
    claim = ledger.sent()
    expect(clicks, claim)
    refuse(clicks)
    assert ("delivering", None, None) == kept(ledger)
    assert 1 == ledger.settle(claim, State.DELIVERED, fixed=True)
    assert ("delivered", None, None) == kept(ledger)


@pytest.mark.parametrize("fixed", [True, False])
def test_an_order_that_was_being_sent(ledger: Ledger, clicks: Clicks, *, fixed: bool) -> None:
    """When it wasn't accepted, who claims it next finds nothing to send."""
    claim = ledger.sent()
    expect(clicks, claim)
    refuse(clicks)
    ledger.settle(claim, State.PENDING, fixed=fixed)
    (again,) = ledger.claim()
    assert (None, None) == (ledger.purchases.open_body(again), ledger.purchases.open_event(again))


def test_an_order_that_is_to_be_sent_again(ledger: Ledger, clicks: Clicks) -> None:
    """A worker that holds it for another try can't begin it."""
    first = ledger.sent()
    expect(clicks, first)
    ledger.settle(first, State.PENDING, fixed=True, attempts=1)
    (second,) = ledger.claim()
    refuse(clicks)
    assert [] == ledger.purchases.freeze([(second, b"[]")], NOON, MINUTE)


def test_a_refusal_while_clicks_leave_a_gap(ledger: Ledger, clicks: Clicks, engine: Engine) -> None:
    """Its order is ended at once, and not after the gap that its own click has begun."""
    engine.get_execution_options()["queue"]._gap = 60.0
    expect(clicks, ledger.claimed())
    refuse(clicks)
    assert ("skipped", None, None) == kept(ledger)


def test_a_second_refusal(ledger: Ledger, clicks: Clicks) -> None:
    """What was refused already stays as it is."""
    claim = ledger.claimed()
    expect(clicks, claim)
    refuse(clicks)
    before = ledger.row()
    refuse(clicks)
    assert before == ledger.row()


def test_whose_orders(ledger: Ledger, clicks: Clicks) -> None:
    """Every order under the key is meant, no other one, and none of another shop."""
    for order, key in (("mine", KEY), ("mine, too", KEY), ("theirs", ("checkout_token", "another"))):
        expect(clicks, ledger.claimed(order), key)
    ledger.receive("elsewhere", shop="other")
    (claim,) = ledger.claim(shops=["other"])
    clicks.expect([(claim.id, key) for key in clicks.hashes_of("other", [KEY])])
    refuse(clicks)
    orders = (("mine", "acme"), ("mine, too", "acme"), ("theirs", "acme"), ("elsewhere", "other"))
    found = [ledger.row(order, shop)["state"] for order, shop in orders]
    assert ["skipped", "skipped", "delivering", "delivering"] == found


def test_what_else_was_stored_for_the_order(ledger: Ledger, clicks: Clicks, engine: Engine) -> None:
    """The clicks under the order's other keys are deleted; the refusal stays, and others' clicks do."""
    cart, other = ("cart_token", "c1"), ("cart_token", "c2")
    for key in (KEY, cart, other):
        clicks.remember("acme", [key], {"aleid": "x"}, NOON)
    expect(clicks, ledger.claimed(), KEY, cart)
    refuse(clicks)
    found = [clicks.find("acme", [key]) for key in (KEY, cart, other)]
    assert [{"consent": "denied"}, {}, {"aleid": "x"}] == found
    with reading(engine) as connection:
        assert 0 == connection.execute(text("SELECT count(*) FROM awaited_clicks")).scalar()


def test_a_refusal_after_a_rotation(ledger: Ledger, engine: Engine) -> None:
    """What was expected under the older secret's hash is found."""
    expect(Clicks(engine, Sealer(["old"])), ledger.claimed())
    refuse(Clicks(engine, Sealer(["new", "old"])))
    assert ("skipped", None, None) == kept(ledger)


def test_a_yes(ledger: Ledger, clicks: Clicks) -> None:
    """Any other click leaves a settled order alone."""
    claim = ledger.sent()
    expect(clicks, claim)
    ledger.settle(claim, State.DELIVERED, fixed=True)
    before = ledger.row()
    clicks.remember("acme", [KEY], {"consent": "granted", "aleid": "x"}, NOON)
    assert before == ledger.row()


def test_nothing_to_expect(engine: Engine, clicks: Clicks) -> None:
    """An order without any key costs no transaction."""
    with engine.begin():  # Who writes now would wait.
        clicks.expect([])
