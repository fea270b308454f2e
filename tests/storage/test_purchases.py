"""Receive, claim, freeze, settle: on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count, permutations
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from adapter.errors import SealBroken, StorageUnavailable
from adapter.settings import load_settings
from adapter.storage.arrivals import Receipt, Received
from adapter.storage.clicks import Clicks
from adapter.storage.engine import open_engine
from adapter.storage.purchases import Claim, Purchases, Settlement
from adapter.storage.sealing import Sealer
from adapter.storage.tables import State

if TYPE_CHECKING:
    from collections.abc import Callable

NOON = datetime.fromisoformat("2026-05-01T12:00:00+00:00")
SECOND = timedelta(seconds=1)
MINUTE = timedelta(seconds=60)
NUMBERS = count()


def test_a_new_order(ledger: Any) -> None:
    """A first body is stored sealed, pending and due at once."""
    assert Received.STORED is ledger.receive(body=b"canary body", token="tok", body_at=NOON, counts=True, age=MINUTE)
    row = ledger.row()
    assert b"canary" not in row["body"]
    assert b"canary body" == ledger.body()
    assert ("pending", NOON, 60, 1) == (row["state"], row["due_at"], row["age_seconds"], row["revision"])
    assert (0, False, None) == (row["attempts"], row["fixed"], row["event"])


STAMPS = {"older": NOON - SECOND, "equal": NOON, "newer": NOON + SECOND, "none": None}


@pytest.mark.parametrize("stamp", STAMPS)
@pytest.mark.parametrize("stored_counts", [False, True])
@pytest.mark.parametrize("new_counts", [False, True])
@pytest.mark.parametrize("state", ["pending", "skipped", "quarantined", "delivered", "unknown"])
def test_which_body_replaces_which(ledger: Any, stamp: str, stored_counts: bool, new_counts: bool, state: str) -> None:
    """A newer body replaces an unsent one; at equal stamps only the first sale does; nothing changes a sent one."""
    claim = ledger.claimed(body=b"first", body_at=NOON, counts=stored_counts)
    if state == "unknown":
        assert [claim] == ledger.purchases.freeze([(claim, b"{}")], NOON, MINUTE)
        ledger.settle(claim, State.PENDING, fixed=True)
    else:
        ledger.settle(claim, State(state), fixed=state == "delivered")
    found = ledger.receive(body=b"second", body_at=STAMPS[stamp], counts=new_counts, at=NOON + MINUTE)
    replaces = stamp == "newer" or (stamp == "equal" and new_counts and not stored_counts)
    replaces = replaces and state not in ("delivered", "unknown")
    assert (Received.REFRESHED if replaces else Received.UNCHANGED) is found
    assert (b"second" if replaces else b"first") == ledger.body()
    row = ledger.row()
    assert ("pending" if state == "unknown" or (state == "skipped" and replaces) else state) == row["state"]
    if replaces and state == "skipped":
        assert (NOON + MINUTE, None) == (row["due_at"], row["reason"])


def test_bodies_without_a_stamp(ledger: Any) -> None:
    """A body without a stamp is older than any with one, and replaced by it."""
    ledger.receive(body=b"none")
    assert Received.UNCHANGED is ledger.receive(body=b"none again")
    assert Received.REFRESHED is ledger.receive(body=b"sale", counts=True)
    assert Received.REFRESHED is ledger.receive(body=b"stamped", body_at=NOON)
    assert b"stamped" == ledger.body()


def winner(bodies: list[tuple[int, bool]]) -> tuple[int, bool]:
    """Return which body must be stored at last, by a model that knows nothing of SQL."""
    stored = bodies[0]
    for stamp, counts in bodies[1:]:
        if stamp > stored[0] or (stamp == stored[0] and counts and not stored[1]):
            stored = (stamp, counts)
    return stored


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bodies=st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=8))
def test_any_order_of_arrival(sqlite_engine: Engine, sealer: Sealer, bodies: list[tuple[int, bool]]) -> None:
    """Whatever arrives in whatever order, the stored body is the model's."""
    purchases = Purchases(sqlite_engine, sealer)
    number = next(NUMBERS)
    for stamp, counts in bodies:
        body = f"{stamp}{counts}".encode()
        at = NOON + stamp * SECOND
        receipt = Receipt(shop="acme", order_id=str(number), body=body, body_at=at, counts=counts)
        purchases.receive([receipt], NOON)
    (claim,) = purchases.claim(["acme"], "due", 1, NOON, MINUTE)
    stamp, counts = winner(bodies)
    assert f"{stamp}{counts}".encode() == purchases.open_body(claim)
    purchases.settle([Settlement(claim=claim, state=State.DELIVERED, at=NOON, fixed=True)])


def test_every_permutation_of_an_orders_life(ledger: Any) -> None:
    """created, updated, paid and cancelled give the same stored body in each of their 24 orders."""
    life = [(0, False), (1, False), (1, True), (2, False)]
    for number, bodies in enumerate(permutations(life)):
        for stamp, counts in bodies:
            ledger.receive(str(number), body=f"{stamp}{counts}".encode(), body_at=NOON + stamp * SECOND, counts=counts)
        assert b"2False" == ledger.body(str(number))


def test_ages(ledger: Any) -> None:
    """The age is that of the first sale: an outage ages nothing, and what we saw unpaid is a sale just now."""
    ledger.receive("1", body_at=NOON, counts=True, age=5 * MINUTE)
    ledger.receive("1", body=b"2", body_at=NOON + SECOND, counts=True, age=timedelta(days=30))
    assert 300 == ledger.row("1")["age_seconds"]
    ledger.receive("2", body_at=NOON)
    assert ledger.row("2")["age_seconds"] is None
    ledger.receive("2", body=b"2", body_at=NOON + SECOND, counts=True, age=timedelta(days=30))
    assert 0 == ledger.row("2")["age_seconds"]


def test_another_order_under_the_same_id(ledger: Any) -> None:
    """A copy of the shop sends another order with the same id: it is kept aside, once, and the first one stays."""
    ledger.receive(token="first", body=b"first", body_at=NOON)
    other = {"token": "second", "body": b"second", "body_at": NOON + MINUTE}
    assert [Received.CONFLICT] * 2 == [ledger.receive(**other), ledger.receive(**other)]
    assert b"first" == ledger.body()
    (aside,) = ledger.purchases.rows(state=State.QUARANTINED)
    assert aside["order_id"].startswith("1001~")
    assert "conflicting order: another order 1001 is stored already (a copy of the shop?)" == aside["reason"]
    assert b"second" == ledger.body(aside["order_id"])
    assert Received.REFRESHED is ledger.receive(body=b"no token", body_at=NOON + MINUTE)


def test_repeatable_bodies(ledger: Any) -> None:
    """A test notification is recorded again each time."""
    test = {"state": State.SKIPPED, "reason": "test notification", "repeatable": True}
    assert Received.STORED is ledger.receive(**test)
    assert Received.REFRESHED is ledger.receive(at=NOON + MINUTE, **test)
    row = ledger.row()
    assert ("skipped", "test notification", NOON + MINUTE) == (row["state"], row["reason"], row["refreshed_at"])
    assert [] == ledger.claim(at=NOON + MINUTE)


def test_several_receipts_share_a_transaction(ledger: Any) -> None:
    """Each receipt has its own answer."""
    receipts = [Receipt(shop="acme", order_id=id_, body=b"{}") for id_ in ("1", "2", "1")]
    assert [Received.STORED, Received.STORED, Received.UNCHANGED] == ledger.purchases.receive(receipts, NOON)


def test_twenty_copies_at_once(ledger: Any, at_once: Callable[..., Any]) -> None:
    """Twenty copies in eight threads give one row."""
    found = [at_once(8, lambda _: ledger.receive(body_at=NOON)) for _ in range(3)]
    assert 1 == [one for several in found for one in several].count(Received.STORED)
    assert {"acme": {"pending": 1}} == ledger.purchases.counts()


def test_claiming(ledger: Any) -> None:
    """A claim takes what is due, oldest first, up to the limit, and nobody else gets it until the lease ends."""
    for number, minutes in (("a", 2), ("b", 1), ("c", 3), ("late", 9)):
        ledger.receive(number, NOON + minutes * MINUTE)
    at = NOON + 5 * MINUTE
    assert {"a", "b"} == {claim.order_id for claim in ledger.claim(limit=2, at=at)}
    assert ["c"] == [claim.order_id for claim in ledger.claim(at=at)]
    assert [] == ledger.claim(at=at + 59 * SECOND)
    again = ledger.claim(at=at + 61 * SECOND)
    assert ["a", "b", "c"] == sorted(claim.order_id for claim in again)
    assert {2} == {claim.fence for claim in again}


def test_other_shops_are_left_alone(ledger: Any) -> None:
    """Only the shops that were asked for are claimed."""
    ledger.receive("1", shop="acme")
    ledger.receive("2", shop="other")
    assert ["2"] == [claim.order_id for claim in ledger.claim(shops=["other", "third"])]
    assert [] == ledger.claim(shops=[])


def test_newest_and_suspects(ledger: Any) -> None:
    """Suspects are claimed apart, those that were refused before a moment alone, the newest when asked so."""
    for number in ("1", "2", "3"):
        ledger.receive(number)
    for claim in ledger.claim():
        suspect_at = None if claim.order_id == "3" else NOON + int(claim.order_id) * MINUTE
        ledger.settle(claim, State.PENDING, due_at=NOON, suspect_at=suspect_at)
    at = NOON + 9 * MINUTE
    before = ledger.purchases.claim(["acme"], "suspects", 9, at, MINUTE, suspected_before=NOON + 90 * SECOND)
    assert ["1"] == [claim.order_id for claim in before]
    assert ["2"] == [claim.order_id for claim in ledger.claim("newest suspect", 1, at)]
    assert ["3"] == [claim.order_id for claim in ledger.claim("newest", 1, at)]


def test_looking_without_claiming(ledger: Any) -> None:
    """Polling sees due orders, and those that were refused alone only when asked for."""
    assert not ledger.purchases.anything_due(NOON)
    claim = ledger.claimed()
    assert not ledger.purchases.anything_due(NOON)
    ledger.settle(claim, State.PENDING, due_at=NOON, suspect_at=NOON)
    assert not ledger.purchases.anything_due(NOON)
    assert {"acme"} == ledger.purchases.shops_waiting(NOON)
    ledger.receive("2")
    assert ledger.purchases.anything_due(NOON)
    assert not ledger.purchases.anything_due(NOON - SECOND)


def test_no_order_is_claimed_twice(ledger: Any, at_once: Callable[..., Any]) -> None:
    """Four threads claim 400 orders, each exactly once."""
    receipts = [Receipt(shop="acme", order_id=str(number), body=b"{}") for number in range(400)]
    ledger.purchases.receive(receipts, NOON)

    def claim_all(_: int) -> list[str]:
        found: list[str] = []
        while claims := ledger.claim(limit=17):
            found += [claim.order_id for claim in claims]
        return found

    claimed = [order_id for found in at_once(4, claim_all) for order_id in found]
    assert sorted(map(str, range(400))) == sorted(claimed)


def test_freezing(ledger: Any) -> None:
    """Frozen bytes are sealed, the lease begins anew, and the first sending keeps its time."""
    claim = ledger.sent(event=b"canary event")
    row = ledger.row()
    assert b"canary" not in row["event"]
    assert b"canary event" == ledger.event()
    assert (True, NOON, NOON + MINUTE) == (row["fixed"], row["first_sent_at"], row["lease_until"])
    assert [claim] == ledger.purchases.freeze([(claim, b"again")], NOON + MINUTE, MINUTE)
    assert (NOON, NOON + 2 * MINUTE) == (ledger.row()["first_sent_at"], ledger.row()["lease_until"])


def test_freezing_needs_the_claim_and_the_newest_body(ledger: Any) -> None:
    """A claim that was taken over may not send; nor may one whose order got a newer body meanwhile."""
    stale = ledger.claimed()
    (taken,) = ledger.claim(at=NOON + 2 * MINUTE)
    assert [] == ledger.purchases.freeze([(stale, b"{}")], NOON, MINUTE)
    ledger.receive(body=b"newer", body_at=NOON + MINUTE)
    assert [] == ledger.purchases.freeze([(taken, b"{}")], NOON, MINUTE)
    assert ledger.row()["event"] is None


def test_settling(ledger: Any) -> None:
    """Every column of a settlement is written."""
    claim = ledger.sent()
    written = {"reason": "why", "answer": '{"status":200}', "fixed": True, "attempts": 3, "suspect_at": NOON}
    assert 1 == ledger.settle(claim, State.DELIVERED, at=NOON + MINUTE, due_at=NOON + 5 * MINUTE, **written)
    row = ledger.row()
    assert written.items() <= row.items()
    assert ("delivered", NOON + MINUTE, None) == (row["state"], row["settled_at"], row["lease_until"])
    assert NOON + 5 * MINUTE == row["due_at"]
    assert 0 == ledger.purchases.settle([])


def test_a_stale_worker_settles_nothing(ledger: Any) -> None:
    """After a takeover the first worker's settlement is without effect."""
    stale = ledger.claimed()
    (taken,) = ledger.claim(at=NOON + 2 * MINUTE)
    assert 0 == ledger.settle(stale, State.DELIVERED)
    assert "delivering" == ledger.row()["state"]
    assert 1 == ledger.settle(taken, State.DELIVERED)
    assert 0 == ledger.settle(taken, State.SKIPPED)


def test_a_decision_from_an_older_body_does_not_count(ledger: Any) -> None:
    """When a newer body came while a worker looked at the older one, the order is looked at again at once."""
    claim = ledger.claimed(body_at=NOON)
    assert Received.REFRESHED is ledger.receive(body=b"paid", body_at=NOON + SECOND, counts=True)
    assert 0 == ledger.settle(claim, State.SKIPPED, at=NOON + SECOND, reason="unpaid")
    row = ledger.row()
    assert ("pending", None, NOON + SECOND) == (row["state"], row["reason"], row["due_at"])


@pytest.mark.parametrize(
    ("state", "changes", "kept"),
    [
        (State.DELIVERED, {"fixed": True}, True),
        (State.PENDING, {"fixed": True}, True),
        (State.PENDING, {}, False),
        (State.QUARANTINED, {}, True),
        (State.SKIPPED, {"fixed": True, "purge_body": True}, False),
    ],
)
def test_what_stays_of_the_event(ledger: Any, state: State, changes: dict[str, Any], kept: bool) -> None:
    """Bytes that may have been accepted stay; a refused order that waits makes them anew; a purge takes both."""
    ledger.settle(ledger.sent(), state, **changes)
    row = ledger.row()
    assert kept is (row["event"] is not None)
    assert bool(changes.get("purge_body")) is (row["body"] is None)


def test_opening(ledger: Any, engine: Engine) -> None:
    """Body and event of a claim are opened; with another secret they aren't."""
    ledger.sent(event=b"event")
    (claim,) = ledger.claim(at=NOON + 2 * MINUTE)
    assert isinstance(claim, Claim)
    assert (b"{}", b"event") == (ledger.purchases.open_body(claim), ledger.purchases.open_event(claim))
    assert claim.fixed
    other = Purchases(engine, Sealer(["another secret"]))
    with pytest.raises(SealBroken, match="SECRET_KEY_FALLBACKS"):
        other.open_body(claim)


def test_no_event_yet(ledger: Any) -> None:
    """A claim that was never sent has no event."""
    assert ledger.purchases.open_event(ledger.claimed()) is None


def test_holding_and_waking(ledger: Any, clicks: Clicks) -> None:
    """A held order is due at the end of the hold, or at once when a click comes under one of its keys."""
    claim = ledger.claimed()
    key = clicks.key_hashes("acme", "checkout_token", "tok")[0]
    ledger.hold(claim, NOON + MINUTE, [key, key], NOON)
    assert NOON + MINUTE == ledger.row()["due_at"]
    clicks.remember("acme", [("checkout_token", "other")], {"aleid": "x"}, NOON + SECOND)
    assert NOON + MINUTE == ledger.row()["due_at"]
    clicks.remember("acme", [("checkout_token", "tok")], {"aleid": "x"}, NOON + SECOND)
    assert NOON + SECOND == ledger.row()["due_at"]
    (claim,) = ledger.claim(at=NOON + SECOND)
    ledger.settle(claim, State.DELIVERED, fixed=True)
    clicks.remember("acme", [("checkout_token", "tok")], {"aleid": "x"}, NOON + 2 * SECOND)
    assert "delivered" == ledger.row()["state"]


def test_holding_without_keys_or_claim(ledger: Any) -> None:
    """An order may wait without any key; a claim that was taken over holds nothing."""
    stale = ledger.claimed()
    (taken,) = ledger.claim(at=NOON + 2 * MINUTE)
    ledger.hold(stale, NOON + 9 * MINUTE, [b"k"], NOON)
    assert "delivering" == ledger.row()["state"]
    ledger.hold(taken, NOON + 9 * MINUTE, [], NOON)
    assert ("pending", NOON + 9 * MINUTE) == (ledger.row()["state"], ledger.row()["due_at"])


def test_listing(ledger: Any) -> None:
    """The newest rows come first, by state and by shop; bodies and events aren't among the columns."""
    ledger.settled(State.SKIPPED, "3", reason="why")
    ledger.receive("2", shop="other")
    ledger.receive("1")
    assert ["1", "2", "3"] == [row["order_id"] for row in ledger.purchases.rows()]
    assert ["3"] == [row["order_id"] for row in ledger.purchases.rows(state=State.SKIPPED)]
    assert ["2"] == [row["order_id"] for row in ledger.purchases.rows(shop="other")]
    assert ["1"] == [row["order_id"] for row in ledger.purchases.rows(limit=1)]
    assert not {"body", "event", "token_hash"} & ledger.purchases.rows()[0].keys()
    assert {"acme": {"pending": 1, "skipped": 1}, "other": {"pending": 1}} == ledger.purchases.counts()


def test_readiness(ledger: Any) -> None:
    """A database that takes rows is ready."""
    ledger.purchases.check_writable()


def test_a_missing_database(tmp_path: Any, sealer: Sealer) -> None:
    """Without a schema, or a folder, storage is unavailable, and says so without any value."""
    for path in ("empty.db", "no/such/folder.db"):
        engine = open_engine(load_settings({"DATABASE_URL": f"sqlite:///{tmp_path}/{path}"}))
        purchases = Purchases(engine, sealer)
        with pytest.raises(StorageUnavailable):
            purchases.check_writable()
        with pytest.raises(StorageUnavailable) as caught:
            purchases.receive([Receipt(shop="acme", order_id="canary", body=b"{}")], NOON)
        assert "canary" not in str(caught.value)
        with pytest.raises(StorageUnavailable):
            purchases.anything_due(NOON)
        engine.dispose()


@pytest.mark.parametrize(
    ("back", "found"),
    [(0, False), (5, False), (30, True), (60, True), (30 * 60, True), (10 * 365 * 24 * 60, True)],
)
def test_a_clock_that_was_set_back_keeps_no_order(ledger: Any, back: int, found: bool) -> None:
    """An order waits for ten minutes at most; what is to wait for longer was written by the wrong clock."""
    ledger.settle(ledger.claimed(), State.PENDING, due_at=NOON + 5 * MINUTE)
    assert found is bool(ledger.claim(at=NOON - back * MINUTE))


def test_the_longest_wait_is_kept(ledger: Any) -> None:
    """Ten minutes, and a minute for another machine's clock, are no sign of a wrong one."""
    ledger.settle(ledger.claimed(), State.PENDING, due_at=NOON + 11 * MINUTE)
    assert [] == ledger.claim(at=NOON)
    assert 1 == len(ledger.claim(at=NOON + 11 * MINUTE))
