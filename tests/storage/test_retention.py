"""Retention: what is purged, what stays, what comes after, and that nothing is purged early."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, func, select, update

from adapter.storage import tables
from adapter.storage.arrivals import Receipt, Received
from adapter.storage.checkpoint import empty_log
from adapter.storage.clicks import Clicks
from adapter.storage.engine import writing
from adapter.storage.purchases import Purchases, Settlement
from adapter.storage.retention import ALLOWANCE, BATCH, Expired, Retention
from adapter.storage.tables import State, awaited_clicks, purchases, uptime

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
KEEP = 30 * DAY
OLD = KEEP + ALLOWANCE
EXPIRES = 2 * KEEP + ALLOWANCE
ENDS = (State.DELIVERED, State.SKIPPED, State.QUARANTINED, State.EXPIRED)


@pytest.fixture
def retention(engine: Engine) -> Retention:
    """Return the retention of 30 days, on both databases."""
    return Retention(engine, KEEP)


def lived(engine: Engine, passed: timedelta) -> None:
    """Set the uptime, as workers that ran for so long would."""
    with writing(engine) as connection:
        connection.execute(update(uptime).values(seconds=int(passed.total_seconds())))


def count(engine: Engine, table: Any) -> int:
    """Return how many rows there are."""
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


@pytest.mark.parametrize("state", ENDS)
def test_a_settled_order_is_purged(ledger: Any, retention: Retention, state: State) -> None:
    """In every settled state body and event go, not before their time; the ledger row stays."""
    claim = ledger.sent() if state is State.DELIVERED else ledger.claimed()
    ledger.settle(claim, state, fixed=state is State.DELIVERED)
    before = ledger.row()
    assert 0 == retention.purge_orders(OLD - timedelta(seconds=1))
    assert before == ledger.row()
    assert 1 == retention.purge_orders(OLD)
    assert before | {"body": None, "event": None} == ledger.row()
    assert 0 == retention.purge_orders(OLD)


@pytest.mark.parametrize("state", [State.SKIPPED, State.QUARANTINED])
def test_what_intake_settled_is_purged(ledger: Any, retention: Retention, state: State) -> None:
    """A test notification and a body that can't be read are settled when they come in."""
    ledger.receive(state=state, reason=f"{state}: of somebody@example.com")
    assert NOON == ledger.row()["settled_at"]
    assert 1 == retention.purge_orders(OLD)
    assert (None, state.value) == (ledger.row()["body"], ledger.row()["reason"])


def test_what_waits_is_not_purged(ledger: Any, retention: Retention) -> None:
    """A pending and a claimed order keep their bodies, however old they are."""
    ledger.claimed("1001")
    ledger.receive("1002")
    assert 0 == retention.purge_orders(100 * OLD)


def test_an_answer_without_values(ledger: Any, retention: Retention) -> None:
    """Of reason and answer stays what can't repeat a value of the event."""
    answer = {
        "verdict": "refused",
        "status": 400,
        "error_code": "INVALID",
        "error_message": "bad e-mail a@example.com",
        "trace_id": "t1",
        "body": '{"email": "a@example.com"}',
    }
    reason = "refused by Axon: answer 400: bad e-mail a@example.com"
    ledger.settled(State.QUARANTINED, reason=reason, answer=json.dumps(answer))
    retention.purge_orders(OLD)
    row = ledger.row()
    kept = {"verdict": "refused", "status": 400, "error_code": "INVALID", "trace_id": "t1"}
    assert ("refused by Axon", kept) == (row["reason"], json.loads(row["answer"]))


def test_the_last_change_counts(engine: Engine, ledger: Any, retention: Retention) -> None:
    """Age is counted from the settlement, and anew from a newer body of a quarantined order."""
    claim = ledger.claimed(body_at=NOON)
    lived(engine, 5 * DAY)
    ledger.settle(claim, State.QUARANTINED)
    assert 0 == retention.purge_orders(OLD)
    lived(engine, 6 * DAY)
    assert Received.REFRESHED is ledger.receive(body=b"[1]", body_at=NOON + DAY)
    assert 0 == retention.purge_orders(OLD + 5 * DAY)
    assert 1 == retention.purge_orders(OLD + 6 * DAY)


def test_a_try_is_no_change(engine: Engine, ledger: Any, retention: Retention) -> None:
    """An order that is tried again and again expires all the same."""
    claim = ledger.sent()
    lived(engine, 50 * DAY)
    ledger.settle(claim, State.PENDING, due_at=NOON, fixed=True)
    (expired,) = retention.expire(EXPIRES, NOON)
    assert Expired("acme", "1001", perhaps_accepted=True) == expired
    assert "it may have been accepted" in ledger.row()["reason"]


def test_a_waiting_order_expires(engine: Engine, ledger: Any, retention: Retention) -> None:
    """After twice the time it expires visibly with its body, which is purged after the usual time."""
    ledger.receive()
    lived(engine, EXPIRES)
    assert [] == retention.expire(EXPIRES - timedelta(seconds=1), NOON + 60 * DAY)
    expected = [Expired("acme", "1001", perhaps_accepted=False)]
    assert expected == retention.expire(EXPIRES, NOON + 60 * DAY)
    row = ledger.row()
    assert ("expired", "expired: not delivered within 60 days") == (row["state"], row["reason"])
    assert (NOON + 60 * DAY, b"{}") == (row["settled_at"], ledger.body())
    assert [] == ledger.claim(at=NOON + 60 * DAY)
    assert 0 == retention.purge_orders(EXPIRES + OLD - timedelta(seconds=1))
    assert 1 == retention.purge_orders(EXPIRES + OLD)


def test_a_claimed_order_does_not_expire(ledger: Any, retention: Retention) -> None:
    """While a worker holds it it may be delivered at any moment; when its lease is over it counts as waiting."""
    claim = ledger.claimed()
    assert [] == retention.expire(EXPIRES, NOON)
    assert 1 == len(retention.expire(EXPIRES, NOON + timedelta(minutes=2)))
    assert 0 == ledger.settle(claim, State.DELIVERED)
    assert "expired" == ledger.row()["state"]


def test_awaited_clicks_go_along(engine: Engine, ledger: Any, retention: Retention) -> None:
    """The keys under which a refusal may come for an order are forgotten with its body, not before."""
    ledger.hold(ledger.claimed(), NOON, [b"key"], NOON)
    retention.expire(EXPIRES, NOON)
    assert 1 == count(engine, awaited_clicks)
    lived(engine, EXPIRES)
    assert 1 == retention.purge_orders(EXPIRES + OLD)
    assert 0 == count(engine, awaited_clicks)


def test_clicks_are_purged(engine: Engine, clicks: Clicks, retention: Retention) -> None:
    """A click row goes some time after the last addition to it."""
    clicks.remember("acme", [("cart_token", "c1")], {"aleid": "1"}, NOON)
    clicks.remember("acme", [("cart_token", "c2")], {"aleid": "2"}, NOON)
    lived(engine, DAY)
    clicks.remember("acme", [("cart_token", "c2")], {"axwrt": "3"}, NOON)
    assert 0 == retention.purge_clicks(OLD - timedelta(seconds=1))
    assert 1 == retention.purge_clicks(OLD)
    assert {} == clicks.find("acme", [("cart_token", "c1")])
    assert {"aleid": "2", "axwrt": "3"} == clicks.find("acme", [("cart_token", "c2")])
    assert 1 == retention.purge_clicks(OLD + DAY)


def test_small_batches(ledger: Any, retention: Retention) -> None:
    """One call takes one batch, the oldest first."""
    receipts = [
        Receipt(shop="acme", order_id=str(number), body=b"{}", state=State.SKIPPED, reason="test")
        for number in range(BATCH + 5)
    ]
    ledger.purchases.receive(receipts, NOON)
    assert [BATCH, 5, 0] == [retention.purge_orders(OLD) for _ in range(3)]


def test_rows_of_the_version_before(engine: Engine, ledger: Any, retention: Retention) -> None:
    """What a version wrote that counted no uptime begins to age at the first sweep, and isn't purged before."""
    ledger.receive(state=State.SKIPPED, reason="test")
    Clicks(engine, ledger._sealer).remember("acme", [("cart_token", "c1")], {"aleid": "1"}, NOON)
    with writing(engine) as connection:
        connection.execute(update(purchases).values(changed_uptime=None, settled_at=None))
        connection.execute(update(tables.clicks).values(changed_uptime=None))
    lived(engine, OLD)
    assert (0, 0) == (retention.purge_orders(OLD), retention.purge_clicks(OLD))
    assert 1 == retention.date()
    assert (0, NOON) == (retention.date(), ledger.row()["settled_at"])
    assert (0, 0) == (retention.purge_orders(2 * OLD - DAY), retention.purge_clicks(2 * OLD - DAY))
    assert (1, 1) == (retention.purge_orders(2 * OLD), retention.purge_clicks(2 * OLD))


@pytest.mark.parametrize(
    ("state", "changes", "expected"),
    [
        (State.DELIVERED, {"fixed": True}, (Received.UNCHANGED, "delivered")),
        (State.SKIPPED, {"fixed": True, "purge_body": True}, (Received.UNCHANGED, "skipped")),
        (State.SKIPPED, {}, (Received.REFRESHED, "pending")),
        (State.QUARANTINED, {}, (Received.REFRESHED, "quarantined")),
        (State.EXPIRED, {}, (Received.REFRESHED, "expired")),
        (State.EXPIRED, {"fixed": True}, (Received.UNCHANGED, "expired")),
    ],
)
def test_a_newer_body_of_a_purged_order(
    ledger: Any, retention: Retention, state: State, changes: dict[str, Any], expected: tuple[Received, str]
) -> None:
    """A delivered one and a refusal stay as they are; a skipped one counts again, the others wait for a retry."""
    ledger.settle(ledger.claimed(body=b"{1}", body_at=NOON), state, **changes)
    retention.purge_orders(OLD)
    assert Received.UNCHANGED is ledger.receive(body=b"{1}", body_at=NOON)
    assert ledger.row()["body"] is None
    received = ledger.receive(body=b"{2}", body_at=NOON + DAY, counts=True)
    assert expected == (received, ledger.row()["state"])
    assert (b"{2}" if received is Received.REFRESHED else None) == (ledger.row()["body"] and ledger.body())


def test_several_workers_at_once(ledger: Any, engine: Engine, at_once: Any) -> None:
    """Workers that sweep at the same time purge each row once, and don't wait for each other for long."""
    receipts = [
        Receipt(shop="acme", order_id=str(number), body=b"{}", state=State.SKIPPED, reason="test")
        for number in range(500)
    ]
    ledger.purchases.receive(receipts, NOON)

    def sweep(_number: int) -> int:
        mine, purged = Retention(engine, KEEP), 0
        for _ in range(10):
            purged += mine.purge_orders(OLD)
        return purged

    assert 500 == sum(at_once(4, sweep))


def test_intake_goes_on_beside_a_row_that_is_held(postgres_engine: Engine, sealer: Any) -> None:
    """On PostgreSQL a row that another transaction holds is passed over, and the rest of the batch is purged."""
    receipts = [
        Receipt(shop="acme", order_id=str(number), body=b"{}", state=State.SKIPPED, reason="test") for number in (1, 2)
    ]
    Purchases(postgres_engine, sealer).receive(receipts, NOON)
    with postgres_engine.begin() as holding:
        holding.execute(select(purchases.c.id).where(purchases.c.order_id == "1").with_for_update())
        assert 1 == Retention(postgres_engine, KEEP).purge_orders(OLD)
    assert 1 == Retention(postgres_engine, KEEP).purge_orders(OLD)


def test_nobody_waits_when_nothing_is_old(engine: Engine, ledger: Any, retention: Retention) -> None:
    """A step that finds nothing takes no lock: on SQLite it would keep others from writing."""
    ledger.receive()
    seen: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda _c, _u, sql, *_: seen.append(sql))
    retention.date()
    retention.expire(OLD, NOON)
    retention.purge_orders(OLD)
    retention.purge_clicks(OLD)
    assert 5 == len(seen)
    assert all(sql.startswith("SELECT") and "FOR UPDATE" not in sql for sql in seen)


@pytest.mark.parametrize("query", ["purge", "expire", "date"])
def test_an_index_finds_what_is_old(engine: Engine, ledger: Any, query: str) -> None:
    """On SQLite no step reads the whole ledger; PostgreSQL decides by itself, by what it knows of the rows."""
    if engine.dialect.name != "sqlite":
        return
    ledger.settled(State.SKIPPED) if query == "purge" else ledger.receive()
    seen: list[tuple[str, Any]] = []
    event.listen(engine, "before_cursor_execute", lambda _c, _u, sql, parameters, *_: seen.append((sql, parameters)))
    retention = Retention(engine, KEEP)
    steps = {"purge": lambda: retention.purge_orders(OLD), "expire": lambda: retention.expire(EXPIRES, NOON)}
    steps.get(query, retention.date)()
    looks = [pair for pair in seen if pair[0].startswith("SELECT") and "FROM purchases" in pair[0]]
    with engine.connect() as connection:
        plans = [
            "; ".join(row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", parameters))
            for sql, parameters in looks
        ]
    assert plans[0].startswith(
        ("SEARCH purchases USING INDEX purchases_kept", "SEARCH purchases USING COVERING INDEX")
    )
    assert ["SEARCH purchases USING INTEGER PRIMARY KEY (rowid=?)"] * (len(plans) - 1) == plans[1:]


def files(folder: Path) -> bytes:
    """Return everything that SQLite has written."""
    return b"".join(path.read_bytes() for path in folder.glob("adapter.db*"))


def pieces(value: bytes) -> list[bytes]:
    """Return some pieces of a sealed value, none of them at the edge of a page."""
    return [value[start : start + 16] for start in range(20, len(value) - 16, 1500)]


def test_nothing_is_left_in_sqlites_files(sqlite_engine: Engine, sealer: Any, tmp_path: Path) -> None:
    """Of purged orders and clicks no piece stands in the file, its free pages or its log; of others it does."""
    store, click_store = Purchases(sqlite_engine, sealer), Clicks(sqlite_engine, sealer)
    receipts = [
        Receipt(
            shop="acme",
            order_id=str(number),
            body=b"{%d}" % number * (1 + number * 37 % 2000),
            state=State.SKIPPED if number % 3 else State.PENDING,
        )
        for number in range(300)
    ]
    store.receive(receipts, NOON)
    for number in range(100):
        click_store.remember("acme", [("cart_token", str(number))], {"aleid": str(number) * 9}, NOON)
    with sqlite_engine.connect() as connection:
        kept = connection.execute(select(purchases.c.body).where(purchases.c.state == "pending")).scalars().all()
        gone = connection.execute(select(purchases.c.body).where(purchases.c.state == "skipped")).scalars().all()
        gone = [*gone, *connection.execute(select(tables.clicks.c.identifiers)).scalars()]
    retention = Retention(sqlite_engine, KEEP)
    while retention.purge_orders(OLD) + retention.purge_clicks(OLD):
        pass
    # The log still has what was purged: this is what the next line is for, and shows that the search finds it.
    assert any(piece in files(tmp_path) for value in gone for piece in pieces(value))
    assert empty_log(sqlite_engine)
    written = files(tmp_path)
    assert [] == [value[:8] for value in gone for piece in pieces(value) if piece in written]
    assert all(piece in written for value in kept for piece in pieces(value)[:1])


def test_a_consent_refusal_leaves_nothing(sqlite_engine: Engine, sealer: Any, tmp_path: Path) -> None:
    """A body that is purged at once is gone from the files as well, after the next sweep."""
    store = Purchases(sqlite_engine, sealer)
    store.receive([Receipt(shop="acme", order_id="1", body=b"x" * 5000)], NOON)
    (claim,) = store.claim(["acme"], "due", 1, NOON, timedelta(minutes=1))
    store.settle([Settlement(claim=claim, state=State.SKIPPED, at=NOON, fixed=True, purge_body=True)])
    assert empty_log(sqlite_engine)
    assert [] == [piece for piece in pieces(claim.body) if piece in files(tmp_path)]
