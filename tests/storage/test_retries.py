"""Retries: which orders become due again, with which bytes, and which never do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from plans import fill, plan, reads_everything
from sqlalchemy import Engine, update

from adapter.storage.arrivals import Receipt
from adapter.storage.engine import writing
from adapter.storage.retention import ALLOWANCE, Retention
from adapter.storage.retries import BATCH, Retries
from adapter.storage.search import Mark
from adapter.storage.tables import State, uptime

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
KEEP = timedelta(days=30)
OLD = KEEP + ALLOWANCE


@pytest.fixture
def retries(engine: Engine) -> Retries:
    """Return the retries on both databases."""
    return Retries(engine)


@pytest.mark.parametrize("state", [State.QUARANTINED, State.SKIPPED, State.EXPIRED])
def test_a_retried_order_is_due(ledger: Any, retries: Retries, state: State) -> None:
    """It is as if it had just come in: pending, due now, without a reason and without attempts; a body may change."""
    ledger.settle(ledger.claimed(), state, reason="why", attempts=7, suspect_at=NOON)
    retried = retries.retry("acme", "1001", LATER)
    assert retried is not None
    assert ("acme", "1001", False) == (retried.shop, retried.order_id, retried.frozen)
    row = ledger.row()
    names = ("state", "reason", "due_at", "attempts", "suspect_at", "settled_at")
    assert ("pending", None, LATER, 0, None, None) == tuple(row[name] for name in names)
    (claim,) = ledger.claim(at=LATER)
    assert (False, b"{}") == (claim.fixed, ledger.purchases.open_body(claim))


def test_the_same_bytes(ledger: Any, retries: Retries) -> None:
    """When an earlier try may have been accepted, the event stays as it was sent."""
    ledger.settle(ledger.sent(event=b"[1]"), State.QUARANTINED, fixed=True)
    retried = retries.retry("acme", "1001", LATER)
    assert retried is not None
    assert retried.frozen
    (claim,) = ledger.claim(at=LATER)
    assert (True, b"[1]") == (claim.fixed, ledger.purchases.open_event(claim))


@pytest.mark.parametrize(
    ("state", "changes"),
    [
        (State.DELIVERED, {"fixed": True}),
        (State.PENDING, {"due_at": LATER}),
        (State.SKIPPED, {"fixed": True, "purge_body": True}),
    ],
)
def test_what_is_never_retried(ledger: Any, retries: Retries, state: State, changes: dict[str, Any]) -> None:
    """A delivered one, one that waits, and one whose buyer refused stay as they are."""
    ledger.settle(ledger.claimed(), state, **changes)
    before = ledger.row()
    assert retries.retry("acme", "1001", LATER) is None
    assert before == ledger.row()


def test_a_claimed_order_is_not_retried(ledger: Any, retries: Retries) -> None:
    """The worker that has it goes on."""
    claim = ledger.claimed()
    assert retries.retry("acme", "1001", LATER) is None
    assert 1 == ledger.settle(claim, State.DELIVERED)


def test_an_unknown_order(ledger: Any, retries: Retries) -> None:
    """Another shop's order, or none, is nothing to retry."""
    ledger.settled(State.QUARANTINED)
    assert retries.retry("other", "1001", LATER) is None
    assert retries.find("other", "1001") is None
    assert "quarantined" == ledger.row()["state"]


def test_without_a_body(ledger: Any, retries: Retries, engine: Engine) -> None:
    """A purged order can't be retried; after a newer body it can."""
    ledger.settle(ledger.claimed(body_at=NOON), State.QUARANTINED)
    Retention(engine, KEEP).purge_orders(OLD)
    assert retries.retry("acme", "1001", LATER) is None
    ledger.receive(body=b"[2]", body_at=LATER)
    assert retries.retry("acme", "1001", LATER) is not None
    (claim,) = ledger.claim(at=LATER)
    assert b"[2]" == ledger.purchases.open_body(claim)


def test_a_retried_order_waits_anew(ledger: Any, retries: Retries, engine: Engine) -> None:
    """An expired order that is retried doesn't expire at the next sweep."""
    ledger.receive()
    retention = Retention(engine, KEEP)
    assert 1 == len(retention.expire(2 * OLD, NOON))
    with writing(engine) as connection:
        connection.execute(update(uptime).values(seconds=int(OLD.total_seconds())))
    retries.retry("acme", "1001", LATER)
    assert [] == retention.expire(2 * OLD, NOON)


def test_all_quarantined(ledger: Any, retries: Retries) -> None:
    """In batches, each order once, of one shop or of all; others and conflicting ones are left."""
    receipts = [
        Receipt(shop=shop, order_id=str(number), body=b"{}", state=State.QUARANTINED, reason="unreadable: x")
        for shop in ("acme", "other")
        for number in range(BATCH + 3)
    ]
    conflict = Receipt(
        shop="acme", order_id="9~abcd", body=b"{}", state=State.QUARANTINED, reason="conflicting order: another"
    )
    skipped = Receipt(shop="acme", order_id="s", body=b"{}", state=State.SKIPPED, reason="test")
    ledger.purchases.receive([*receipts, conflict, skipped], NOON)
    assert ["acme", "other"] == retries.shops()
    found, last = [], None
    while batch := retries.retry_quarantined("acme", LATER, last):
        found.append(len(batch))
        last = batch[-1].mark
    assert [BATCH, 3] == found
    assert ("skipped", "quarantined") == (ledger.row("s")["state"], ledger.row("9~abcd")["state"])
    assert (0, 1) == retries.left_aside("acme")
    assert BATCH == len(retries.retry_quarantined("other", LATER))


def test_a_mark(ledger: Any, retries: Retries) -> None:
    """Beyond a mark are the orders that came in later, and of the same moment those that were stored later."""
    for number, hours in enumerate((2, 0, 1, 1, 1)):
        moment = NOON + timedelta(hours=hours)
        ledger.receive(str(number), at=moment, state=State.QUARANTINED, reason="unreadable: x")
    third = ledger.row("3")
    batch = retries.retry_quarantined("acme", LATER, Mark(third["received_at"], third["id"]))
    assert ["4", "0"] == [retried.order_id for retried in batch]
    assert ["1", "2", "3"] == [retried.order_id for retried in retries.retry_quarantined("acme", LATER)]


def test_what_is_left_aside(ledger: Any, retries: Retries, engine: Engine) -> None:
    """Orders without a body are counted: only the shop can send them again."""
    ledger.settled(State.QUARANTINED)
    Retention(engine, KEEP).purge_orders(OLD)
    assert [] == retries.retry_quarantined("acme", LATER)
    assert (1, 0) == retries.left_aside("acme")
    assert (0, 0) == retries.left_aside("other")


def test_retried_at_once(ledger: Any, retries: Retries, at_once: Any) -> None:
    """Two people who retry the same orders make each due once."""
    for number in range(20):
        ledger.receive(str(number), state=State.QUARANTINED, reason="unreadable: x")
    found = at_once(4, lambda _: len(retries.retry_quarantined("acme", LATER)))
    assert 20 == sum(found)


@pytest.mark.parametrize("state", [State.PENDING, State.QUARANTINED])
def test_giving_up(ledger: Any, retries: Retries, state: State) -> None:
    """What waits or was quarantined ends as expired; no newer body and no worker brings it back, a retry does."""
    ledger.settle(ledger.claimed(body_at=NOON), state, reason="why", due_at=NOON)
    assert retries.give_up("acme", "1001", LATER)
    row = ledger.row()
    assert ("expired", "given up: by a person", LATER) == (row["state"], row["reason"], row["settled_at"])
    ledger.receive(body=b"[1]", body_at=LATER)
    assert [] == ledger.claim(at=LATER)
    assert retries.retry("acme", "1001", LATER) is not None


def test_what_is_not_given_up(ledger: Any, retries: Retries) -> None:
    """An order that is delivered, skipped or not there isn't; nor one in flight, until its worker's lease is over."""
    ledger.settled(State.DELIVERED, "1", fixed=True)
    ledger.settled(State.SKIPPED, "2")
    claim = ledger.claimed("3")
    assert [False] * 4 == [retries.give_up("acme", order_id, NOON) for order_id in ("1", "2", "3", "nothing")]
    assert retries.give_up("acme", "3", LATER)
    assert 0 == ledger.settle(claim, State.DELIVERED)


def test_giving_up_what_may_have_been_accepted(ledger: Any, retries: Retries) -> None:
    """Its reason says so, and its bytes stay as they were sent."""
    ledger.settle(ledger.sent(event=b"[7]"), State.PENDING, fixed=True, due_at=NOON)
    assert retries.give_up("acme", "1001", NOON)
    assert "given up: by a person; an earlier try may have been accepted" == ledger.row()["reason"]
    assert b"[7]" == ledger.event()


def test_no_retry_reads_the_whole_ledger(engine: Engine) -> None:
    """Quarantined orders are found by an index, whatever else there is, and so are those that are left aside."""
    fill(engine)
    retries = Retries(engine)
    mark = Mark(datetime(2026, 4, 20, tzinfo=UTC), 0)
    for look in (
        lambda: retries.retry_quarantined("shop0", LATER, mark),
        lambda: retries.left_aside("shop0"),
        retries.shops,
    ):
        steps = plan(engine, look)
        assert [] == reads_everything(steps), steps
