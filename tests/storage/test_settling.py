"""How claims end: by the worker that holds them, from the newest body, in every column."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine, event, text

from adapter.storage.arrivals import Receipt, Received
from adapter.storage.clicks import Clicks
from adapter.storage.engine import reading
from adapter.storage.purchases import Claim, Purchases, Settlement, Which
from adapter.storage.sealing import Sealer
from adapter.storage.tables import State

if TYPE_CHECKING:
    from tests.storage.conftest import AtOnce, Ledger

NOON = datetime.fromisoformat("2026-05-01T12:00:00+00:00")
SECOND = timedelta(seconds=1)
MINUTE = timedelta(seconds=60)


@pytest.mark.parametrize(
    ("changes", "columns"),
    [
        ({"state": State.DELIVERED}, {"state": "delivered", "settled_at": NOON + MINUTE}),
        ({"state": State.QUARANTINED}, {"state": "quarantined", "settled_at": NOON + MINUTE}),
        ({"state": State.SKIPPED}, {"state": "skipped", "settled_at": NOON + MINUTE}),
        ({"state": State.PENDING}, {"state": "pending", "settled_at": None}),
        ({"reason": "why"}, {"reason": "why"}),
        ({}, {"reason": None, "answer": None, "fixed": False, "attempts": 0, "suspect_at": None, "due_at": NOON}),
        ({"answer": "{}"}, {"answer": "{}"}),
        ({"due_at": NOON + 9 * MINUTE}, {"due_at": NOON + 9 * MINUTE}),
        ({"fixed": True}, {"fixed": True}),
        ({"attempts": 7}, {"attempts": 7}),
        ({"suspect_at": NOON + SECOND}, {"suspect_at": NOON + SECOND}),
        ({"purge_body": True}, {"body": None, "event": None}),
    ],
)
def test_each_column(ledger: Ledger, changes: dict[str, Any], columns: dict[str, Any]) -> None:
    """Each field of a settlement is written, and the lease ends; what isn't named keeps its value or its default."""
    claim = ledger.claimed()
    before = ledger.row()
    ledger.purchases.settle([Settlement(**{"claim": claim, "state": State.PENDING, "at": NOON + MINUTE} | changes)])
    defaults = {"state": "pending", "lease_until": None}
    assert before | defaults | columns == ledger.row()


def test_an_earlier_answer_stays(ledger: Ledger) -> None:
    """Putting an order back without an answer keeps the last one that the API gave, to be shown."""
    ledger.settle(ledger.claimed(), State.PENDING, answer='{"status":503}')
    (again,) = ledger.claim()
    ledger.settle(again, State.PENDING)
    assert ledger.row()["answer"] == '{"status":503}'


def test_each_claim_of_a_batch_is_settled_by_itself(ledger: Ledger) -> None:
    """One claim that was lost takes no other with it, and only those that held are counted."""
    for order in ("c", "a", "b"):
        ledger.receive(order)
    claims = ledger.claim()
    (taken,) = ledger.claim(limit=1, at=NOON + 2 * MINUTE)
    settlements = [Settlement(claim=claim, state=State.DELIVERED, at=NOON, fixed=True) for claim in claims]
    assert 2 == ledger.purchases.settle(settlements)
    states = {order: ledger.row(order)["state"] for order in ("a", "b", "c")}
    assert {"delivered"} == {state for order, state in states.items() if order != taken.order_id}
    assert "delivering" == states[taken.order_id]


@pytest.mark.parametrize("state", list(State))
def test_a_newer_body_is_looked_at_whatever_the_older_one_said(ledger: Ledger, state: State) -> None:
    """A paid order that comes while a worker holds its unpaid body is due at once: it never stays skipped."""
    claim = ledger.claimed(body_at=NOON)
    assert Received.REFRESHED is ledger.receive(body=b"paid", body_at=NOON + SECOND, counts=True)
    assert 0 == ledger.settle(claim, state, NOON + MINUTE, due_at=NOON + 9 * MINUTE, purge_body=True, reason="unpaid")
    row = ledger.row()
    assert ("pending", None, None) == (row["state"], row["reason"], row["lease_until"])
    assert NOON + MINUTE == row["due_at"]
    assert b"paid" == ledger.body()
    (again,) = ledger.claim(at=NOON + MINUTE)
    assert (2, 2) == (again.revision, again.fence)


def test_holding_an_older_body(ledger: Ledger, clicks: Clicks) -> None:
    """A newer body ends a hold before it begins: the order is due at once."""
    claim = ledger.claimed(body_at=NOON)
    ledger.receive(body=b"newer", body_at=NOON + SECOND)
    ledger.hold(claim, NOON + MINUTE, clicks.key_hashes("acme", "order_key", "k"), NOON + SECOND)
    assert NOON + SECOND == ledger.row()["due_at"]


def test_a_stale_worker_with_an_older_body(ledger: Ledger) -> None:
    """After a takeover not even the older body's worker brings the order back: the new holder has it."""
    stale = ledger.claimed(body_at=NOON)
    ledger.receive(body=b"newer", body_at=NOON + SECOND)
    ledger.claim(at=NOON + 2 * MINUTE)
    before = ledger.row()
    assert 0 == ledger.settle(stale, State.SKIPPED)
    assert before == ledger.row()


def test_a_test_notification_never_undoes_a_delivery(ledger: Ledger) -> None:
    """Once sent, no body counts any more: a repeatable one under the same id doesn't make it be sent again."""
    claim = ledger.sent()
    ledger.receive(state=State.SKIPPED, repeatable=True)
    assert 1 == ledger.settle(claim, State.DELIVERED, fixed=True)
    assert ("delivered", 2) == (ledger.row()["state"], ledger.row()["revision"])


def test_a_worker_that_froze_and_one_that_took_over(ledger: Ledger) -> None:
    """The one who took over gets the frozen bytes and may send them; the first one's freeze and settlement fail."""
    first = ledger.sent(event=b"frozen")
    (second,) = ledger.claim(at=NOON + 2 * MINUTE)
    assert (True, b"frozen") == (second.fixed, ledger.purchases.open_event(second))
    assert [] == ledger.purchases.freeze([(first, b"other")], NOON, MINUTE)
    assert [second] == ledger.purchases.freeze([(second, b"frozen")], NOON + 2 * MINUTE, MINUTE)
    assert 0 == ledger.settle(first, State.QUARANTINED)
    assert 1 == ledger.settle(second, State.DELIVERED, fixed=True)
    assert (b"frozen", NOON) == (ledger.event(), ledger.row()["first_sent_at"])


def test_freezing_keeps_the_order_it_was_given(ledger: Ledger) -> None:
    """The claims come back as they were handed in, without those that are lost."""
    for order in ("c", "a", "b"):
        ledger.receive(order)
    c, a, b = ledger.claim()
    ledger.receive("a", body=b"newer", body_at=NOON)
    assert [b, c] == ledger.purchases.freeze([(b, b"1"), (a, b"2"), (c, b"3")], NOON, MINUTE)
    assert (b"1", None, b"3") == (ledger.event("b"), ledger.row("a")["event"], ledger.event("c"))


def test_an_orders_keys_go_with_its_body(ledger: Ledger, clicks: Clicks) -> None:
    """As long as the body of a settled order is kept, a refusal can find it; then nothing is left of its keys."""
    (key,) = clicks.key_hashes("acme", "order_key", "k")
    for state in (State.PENDING, State.QUARANTINED, State.SKIPPED, State.DELIVERED):
        claim = ledger.claimed(state.value)
        clicks.expect([(claim.id, key), (claim.id, key)])
        ledger.settle(claim, state, due_at=NOON + MINUTE)
    assert 4 * [key] == _awaited(ledger)
    claim = ledger.claimed("refused")
    clicks.expect([(claim.id, b"another")])
    ledger.settle(claim, State.SKIPPED, purge_body=True)
    assert 4 * [key] == _awaited(ledger)


def test_a_click_wakes_only_what_waits(ledger: Ledger, clicks: Clicks) -> None:
    """A click never moves a due time back, and never touches an order that is being sent."""
    key = [("order_key", "k")]
    ledger.hold(ledger.claimed(), NOON + MINUTE, clicks.key_hashes("acme", "order_key", "k"), NOON)
    clicks.remember("acme", key, {"aleid": "x"}, NOON + 2 * MINUTE)
    assert NOON + MINUTE == ledger.row()["due_at"]
    ledger.claim(at=NOON + 2 * MINUTE)
    before = ledger.row()
    clicks.remember("acme", key, {"aleid": "y"}, NOON)
    assert before == ledger.row()


def test_one_click_wakes_several_orders(ledger: Ledger, clicks: Clicks) -> None:
    """Two orders of one browser wait for the same key, and both are woken; the other shop's isn't."""
    hashes = clicks.key_hashes("acme", "client_id", "c")
    for order, keys in (("1", hashes), ("2", hashes), ("3", clicks.key_hashes("other", "client_id", "c"))):
        ledger.hold(ledger.claimed(order), NOON + MINUTE, keys, NOON)
    clicks.remember("acme", [("client_id", "c")], {"aleid": "x"}, NOON + SECOND)
    due = [ledger.row(order)["due_at"] for order in ("1", "2", "3")]
    assert [NOON + SECOND, NOON + SECOND, NOON + MINUTE] == due


def test_a_thousand_orders_and_six_workers(ledger: Ledger, at_once: AtOnce) -> None:
    """Workers that claim and settle at the same time deliver each of 1,000 orders exactly once."""
    for thousand in range(4):
        ledger.purchases.receive(_receipts(thousand * 250, 250), NOON)

    def work(_: int) -> list[str]:
        done: list[str] = []
        while claims := ledger.claim(limit=37):
            settlements = [Settlement(claim=claim, state=State.DELIVERED, at=NOON, fixed=True) for claim in claims]
            assert len(claims) == ledger.purchases.settle(settlements)
            done += [claim.order_id for claim in claims]
        return done

    assert sorted(map(str, range(1000))) == sorted(order for done in at_once(6, work) for order in done)
    assert {"acme": {"delivered": 1000}} == ledger.purchases.counts()


def test_workers_do_not_wait_for_each_other(postgres_engine: Engine, sealer: Sealer) -> None:
    """On PostgreSQL a claim passes over rows that another transaction holds, and takes the next ones."""
    purchases = Purchases(postgres_engine, sealer)
    purchases.receive(_receipts(0, 3), NOON)
    with postgres_engine.begin() as other:
        other.execute(text("SELECT id FROM purchases WHERE order_id = '0' FOR UPDATE"))
        assert ["1", "2"] == [claim.order_id for claim in purchases.claim(["acme"], "due", 9, NOON, MINUTE)]
    assert ["0"] == [claim.order_id for claim in purchases.claim(["acme"], "due", 9, NOON, MINUTE)]


def test_settling_and_receiving_never_lock_each_other_out(ledger: Ledger, at_once: AtOnce) -> None:
    """Batches are settled while the same orders get newer bodies, in whatever order both come; nobody fails."""
    ledger.purchases.receive(_receipts(0, 30), NOON)

    def work(thread: int) -> int:
        for minute in range(1, 61):
            if thread:
                receipts = _receipts(0, 30, NOON + minute * MINUTE)
                ledger.purchases.receive(receipts[::-1], NOON)
            else:
                claims: list[Claim] = ledger.claim()
                ledger.purchases.settle(
                    [Settlement(claim=one, state=State.PENDING, at=NOON) for one in reversed(claims)]
                )
        return thread

    assert [0, 1] == at_once(2, work)
    assert {NOON + 60 * MINUTE} == {ledger.row(str(number))["body_at"] for number in range(30)}


@pytest.mark.parametrize("which", ["due", "newest", "suspects", "newest suspect"])
def test_claims_use_the_index_of_due_orders(sqlite_engine: Engine, sealer: Sealer, which: Which) -> None:
    """A claim reads waiting orders alone: its time doesn't grow with the shop's history."""
    statements: list[tuple[str, Any]] = []
    event.listen(sqlite_engine, "before_cursor_execute", lambda *call: statements.append((call[2], call[3])))
    Purchases(sqlite_engine, sealer).claim(["acme"], which, 100, NOON, MINUTE)
    (statement, parameters) = next(one for one in statements if one[0].startswith("WITH"))
    with reading(sqlite_engine) as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
    steps = [step[3] for step in plan]
    assert any("USING INDEX purchases_waiting (shop=?)" in step for step in steps), steps
    assert not any("sqlite_autoindex_purchases_1" in step or step == "SCAN purchases" for step in steps), steps


def _receipts(first: int, number: int, body_at: datetime | None = None) -> list[Receipt]:
    orders = range(first, first + number)
    return [Receipt(shop="acme", order_id=str(order), body=b"{}", body_at=body_at) for order in orders]


def _awaited(ledger: Ledger) -> list[bytes]:
    with reading(ledger.purchases._engine) as connection:
        return [bytes(key) for key in connection.execute(text("SELECT key FROM awaited_clicks")).scalars()]


def test_each_claim_of_a_batch_is_frozen_by_itself(ledger: Ledger) -> None:
    """One that was taken over and one with a newer body aren't sent; the others of the batch are, with their bytes."""
    for order in ("a", "b", "c", "d"):
        ledger.receive(order, body_at=NOON)
    claims = ledger.claim()
    (taken,) = ledger.claim(limit=1, at=NOON + 2 * MINUTE)
    newer = next(claim for claim in claims if claim != taken and claim.order_id != taken.order_id)
    ledger.receive(newer.order_id, body=b"newer", body_at=NOON + SECOND)
    kept = ledger.purchases.freeze([(claim, claim.order_id.encode()) for claim in claims], NOON, MINUTE)
    good = [claim for claim in claims if claim.order_id not in (taken.order_id, newer.order_id)]
    assert good == kept
    assert 2 == len(good)
    frozen = {order: (ledger.row(order)["fixed"], ledger.row(order)["event"] is not None) for order in "abcd"}
    assert {claim.order_id: (claim in good, claim in good) for claim in claims} == frozen
    assert [] == ledger.purchases.freeze([], NOON, MINUTE)


def test_a_newer_body_of_one_order_changes_nothing_for_its_batch(ledger: Ledger) -> None:
    """The outdated one is due again at once, the others are settled; a second settlement changes nothing."""
    for order in ("a", "b", "c"):
        ledger.receive(order, body_at=NOON)
    claims = ledger.claim()
    ledger.receive("b", body=b"newer", body_at=NOON + SECOND)
    settlements = [Settlement(claim=claim, state=State.SKIPPED, at=NOON + SECOND, reason="why") for claim in claims]
    assert 2 == ledger.purchases.settle(settlements)
    rows = {order: (ledger.row(order)["state"], ledger.row(order)["due_at"]) for order in "abc"}
    assert {"a": ("skipped", NOON), "b": ("pending", NOON + SECOND), "c": ("skipped", NOON)} == rows
    assert 0 == ledger.purchases.settle(settlements)
