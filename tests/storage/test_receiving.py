"""Which body is stored: the whole rule as one table, checked against a model that knows nothing of SQL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count, product
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from adapter.storage.arrivals import Receipt, Received
from adapter.storage.purchases import Purchases
from adapter.storage.tables import State

if TYPE_CHECKING:
    from tests.storage.conftest import AtOnce, Ledger

NOON = datetime.fromisoformat("2026-05-01T12:00:00+00:00")
LATER = NOON + timedelta(minutes=5)
MINUTE = timedelta(seconds=60)
NUMBERS = count()

STAMPS = {None: None, "older": NOON - timedelta(seconds=1), "equal": NOON, "newer": NOON + timedelta(seconds=1)}

CASES = list(product((None, "equal"), STAMPS, (False, True), (False, True), (False, True)))
"""The stored stamp, the new one, whether each counts, whether the bytes are the same: 64 cases."""


@dataclass(frozen=True)
class Body:
    """What the model knows of a body."""

    stamp: int | None
    counts: bool
    text: str


def replaces(stored: Body, new: Body) -> bool:
    """Say whether the new body takes the stored one's place, by the words of the design."""
    before = -1 if stored.stamp is None else stored.stamp
    after = -1 if new.stamp is None else new.stamp
    if before == after:
        return new.counts and not stored.counts
    return after > before


def pending(_ledger: Ledger) -> None:
    """Leave the orders as they came in."""


def delivering(ledger: Ledger) -> None:
    """Claim them all."""
    assert len(CASES) == len(ledger.claim())


def ended(state: State, **changes: Any) -> Callable[[Ledger], None]:
    """Return what settles them all, unsent."""

    def end(ledger: Ledger) -> None:
        for claim in ledger.claim():
            ledger.settle(claim, state, reason="earlier", **changes)

    return end


def sent(ledger: Ledger) -> None:
    """Send them all, and learn nothing of the outcome."""
    for claim in ledger.claim():
        ledger.purchases.freeze([(claim, b"{}")], NOON, MINUTE)
        ledger.settle(claim, State.PENDING, fixed=True)


def sending(ledger: Ledger) -> None:
    """Begin to send them all."""
    ledger.purchases.freeze([(claim, b"{}") for claim in ledger.claim()], NOON, MINUTE)


@pytest.mark.parametrize(
    ("bring", "open_", "wakes"),
    [
        pytest.param(pending, True, False, id="pending"),
        pytest.param(delivering, True, False, id="delivering"),
        pytest.param(ended(State.SKIPPED), True, True, id="skipped"),
        pytest.param(ended(State.QUARANTINED), True, False, id="quarantined"),
        pytest.param(sending, False, False, id="being sent"),
        pytest.param(sent, False, False, id="sent"),
        pytest.param(ended(State.DELIVERED, fixed=True), False, False, id="delivered"),
        pytest.param(ended(State.DELIVERED), False, False, id="delivered, not fixed"),
        pytest.param(ended(State.SKIPPED, fixed=True), False, False, id="refused by the buyer"),
    ],
)
def test_the_whole_rule(ledger: Ledger, bring: Callable[[Ledger], None], open_: bool, wakes: bool) -> None:
    """In each state each case does what the model says; what changes nothing leaves every column as it was."""
    for number, (stored, _, counts, _, _) in enumerate(CASES):
        ledger.receive(str(number), body=b"first", body_at=STAMPS[stored], counts=counts)
    bring(ledger)
    for number, (stored, new, stored_counts, new_counts, same) in enumerate(CASES):
        order, ranks = str(number), {None: None, "older": 0, "equal": 1, "newer": 2}
        before = ledger.row(order)
        text = b"first" if same else b"second"
        found = ledger.receive(order, LATER, body=text, body_at=STAMPS[new], counts=new_counts)
        after = ledger.row(order)
        if not open_ or not replaces(Body(ranks[stored], stored_counts, ""), Body(ranks[new], new_counts, "")):
            assert (Received.UNCHANGED, before) == (found, after), CASES[number]
            continue
        expected = {"body_at": STAMPS[new], "counts": new_counts, "revision": 2, "refreshed_at": LATER}
        if wakes:
            expected |= {"state": "pending", "reason": None, "due_at": LATER, "settled_at": None}
        changing = {"body", "body_hash", "age_seconds"}
        assert before | expected == after | {name: before[name] for name in changing}, CASES[number]
        assert (Received.REFRESHED, text) == (found, ledger.body(order)), CASES[number]
        assert same is (before["body_hash"] == after["body_hash"])


BODIES = st.lists(st.tuples(st.none() | st.integers(0, 3), st.booleans()), min_size=1, max_size=5)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(facts=BODIES, more=st.data())
def test_any_permutation_and_duplication(
    ledger: Ledger, facts: list[tuple[int | None, bool]], more: st.DataObject
) -> None:
    """However deliveries are repeated and shuffled, the model's body is stored, and with it its stamp and standing."""
    bodies = [Body(stamp, counts, f"body {number}") for number, (stamp, counts) in enumerate(facts)]
    arriving = more.draw(st.permutations(bodies + more.draw(st.lists(st.sampled_from(bodies), max_size=5))))
    order, stored = str(next(NUMBERS)), arriving[0]
    for body in arriving:
        stamp = None if body.stamp is None else NOON + body.stamp * timedelta(seconds=1)
        ledger.receive(order, body=body.text.encode(), body_at=stamp, counts=body.counts)
        stored = body if replaces(stored, body) else stored
    assert stored.text.encode() == ledger.body(order)
    newest = max(-1 if stamp is None else stamp for stamp, _ in facts)
    row = ledger.row(order)
    assert (None if newest < 0 else NOON + newest * timedelta(seconds=1)) == row["body_at"]
    assert any(counts for stamp, counts in facts if (-1 if stamp is None else stamp) == newest) is row["counts"]


@pytest.mark.parametrize(
    ("first", "second", "age"),
    [
        ((True, 5), (True, 9), 300),
        ((True, 5), (False, None), 300),
        ((True, None), (True, 9), None),
        ((False, None), (True, 9), 0),
        ((False, None), (False, None), None),
    ],
)
def test_ages(
    ledger: Ledger, first: tuple[bool, int | None], second: tuple[bool, int | None], age: int | None
) -> None:
    """The age is that of the first body that counts, none when it has none, and 0 when we saw it become a sale."""
    for minutes, (counts, old) in enumerate((first, second)):
        stamp = NOON + minutes * MINUTE
        ledger.receive(body_at=stamp, counts=counts, age=None if old is None else old * MINUTE)
    assert age == ledger.row()["age_seconds"]


def test_an_age_beyond_all_reason(ledger: Ledger) -> None:
    """An order from the year 1 is stored like any other: PostgreSQL's integer holds 68 years of seconds."""
    assert Received.STORED is ledger.receive(counts=True, age=timedelta(days=739_000))
    assert ledger.row()["age_seconds"] == 2_147_483_647


@pytest.mark.parametrize(
    ("stored", "new", "found"),
    [
        ("a", "a", Received.REFRESHED),
        ("a", None, Received.REFRESHED),
        (None, "a", Received.REFRESHED),
        (None, None, Received.REFRESHED),
        ("a", "b", Received.CONFLICT),
    ],
)
def test_tokens(ledger: Ledger, stored: str | None, new: str | None, found: Received) -> None:
    """Only two tokens that both are there and differ make two orders."""
    ledger.receive(token=stored, body_at=NOON)
    assert found is ledger.receive(token=new, body=b"second", body_at=LATER)


def test_a_token_that_was_learnt_late(ledger: Ledger) -> None:
    """Once a body brought the token, an order with another one is another order; no token stands in clear."""
    ledger.receive(body_at=NOON)
    ledger.receive(token="canary", body_at=LATER)
    assert Received.CONFLICT is ledger.receive(token="other", body_at=LATER + MINUTE)
    assert "canary" not in str(ledger.row())


@pytest.mark.parametrize("state", [State.DELIVERED, State.SKIPPED, State.QUARANTINED])
def test_a_conflict_with_an_order_that_is_done(ledger: Ledger, state: State) -> None:
    """Another order under the same id is kept and shown also when the first one was dealt with, and never sent."""
    ledger.settle(ledger.claimed(token="first", body_at=NOON), state, fixed=True)
    before = ledger.row()
    assert Received.CONFLICT is ledger.receive(token="second", body_at=NOON)
    assert (before, []) == (ledger.row(), ledger.claim())


def test_two_conflicts(ledger: Ledger) -> None:
    """Two more orders under one id are kept beside each other, and a newer body of one changes nothing there."""
    for token in ("first", "second", "third", "second"):
        ledger.receive(token=token, body=token.encode(), body_at=NOON)
    ids = [row["order_id"] for row in ledger.purchases.rows(state=State.QUARANTINED)]
    assert {b"second", b"third"} == {ledger.body(order_id) for order_id in ids}
    assert 3 == sum(ledger.purchases.counts()["acme"].values())


def test_shops_share_no_order(ledger: Ledger) -> None:
    """Order 1001 of one shop has nothing to do with order 1001 of another."""
    assert [Received.STORED] * 2 == [ledger.receive(shop=shop, body=shop.encode()) for shop in ("acme", "other")]
    assert (b"acme", b"other") == (ledger.body(), ledger.body(shop="other"))


@pytest.mark.parametrize("body", [b"", b"\x00\xff\xfe", b"\xf0\x9f\x9b\x92" * 1000, b"x" * 1_000_000])
def test_bytes_are_kept_as_they_are(ledger: Ledger, body: bytes) -> None:
    """Whatever was signed comes back unchanged, also when it is no text at all."""
    ledger.receive(body=body)
    assert body == ledger.body()


def test_one_row_that_fails_undoes_its_group(ledger: Ledger) -> None:
    """The receipts of one call are one transaction: none is stored when one can't be."""
    no_zone = datetime(2026, 5, 1)  # noqa: DTZ001  # No database would take it.
    receipts = [
        Receipt(shop="acme", order_id="1", body=b""),
        Receipt(shop="acme", order_id="2", body=b"", body_at=no_zone),
    ]
    with pytest.raises(Exception, match="a time without a zone"):
        ledger.purchases.receive(receipts, NOON)
    assert ledger.purchases.counts() == {}


def test_answers_stand_in_the_order_of_the_receipts(ledger: Ledger) -> None:
    """Rows are locked in one order whatever order they came in; the answers still belong to the receipts."""
    ledger.receive("b")
    receipts = [Receipt(shop="acme", order_id=order_id, body=b"{}") for order_id in ("c", "b", "a", "c")]
    expected = [Received.STORED, Received.UNCHANGED, Received.STORED, Received.UNCHANGED]
    assert expected == ledger.purchases.receive(receipts, NOON)


def test_groups_in_opposite_orders_never_lock_each_other_out(engine: Engine, ledger: Ledger, at_once: AtOnce) -> None:
    """Two web processes whose groups hold the same orders the other way round both succeed, many times over."""
    orders = [str(number) for number in range(20)]

    def receive(thread: int) -> int:
        of_this_process = Purchases(engine, ledger.purchases._sealer)
        for minute in range(40):
            stamp = NOON + (2 * minute + thread) * MINUTE
            receipts = [Receipt(shop="acme", order_id=order, body=b"{}", body_at=stamp) for order in orders]
            of_this_process.receive(receipts[:: 1 if thread else -1], NOON)
        return thread

    assert [0, 1] == at_once(2, receive)
    assert {NOON + 79 * MINUTE} == {ledger.row(order)["body_at"] for order in orders}


def test_twenty_copies_in_twenty_threads(ledger: Ledger, at_once: AtOnce) -> None:
    """Copies that arrive together give one row, one answer `stored` and nineteen `unchanged`; nobody fails."""
    found = at_once(20, lambda _: ledger.receive(body_at=NOON, counts=True))
    assert [Received.STORED] + [Received.UNCHANGED] * 19 == sorted(found)
    assert {"acme": {"pending": 1}} == ledger.purchases.counts()


def test_every_body_of_an_order_at_once(ledger: Ledger, at_once: AtOnce) -> None:
    """Ten different bodies that arrive together leave the newest."""
    at_once(10, lambda minute: ledger.receive(body=str(minute).encode(), body_at=NOON + minute * MINUTE))
    assert b"9" == ledger.body()


def test_what_an_outage_leaves_is_received_again(engine: Engine, ledger: Ledger) -> None:
    """A store made anew on the same database, as after a restart, knows the order and calls a copy unchanged."""
    ledger.receive()
    engine.dispose()
    again = Purchases(engine, ledger.purchases._sealer)
    assert [Received.UNCHANGED] == again.receive([Receipt(shop="acme", order_id="1001", body=b"{}")], LATER)
