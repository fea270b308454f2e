"""Reading stored orders again: which, in what order, a few at a time, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Engine, event, update

from adapter.storage.bodies import Bodies, StoredBody
from adapter.storage.sealing import Sealer
from adapter.storage.tables import State, purchases

if TYPE_CHECKING:
    from tests.storage.conftest import Ledger

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def test_which_and_in_what_order(ledger: Ledger, engine: Engine, sealer: Sealer) -> None:
    """The shop's orders since the moment come as they came in, whatever their state; others and purged ones don't."""
    ledger.settled(State.DELIVERED, "1002", purge_body=False)
    ledger.receive("1001", body=b"first", counts=True, age=timedelta(hours=3))
    ledger.receive("1000", NOON - timedelta(seconds=1))
    ledger.receive("1003", shop="other")
    ledger.settled(State.SKIPPED, "1004", purge_body=True)
    ledger.receive("1001", NOON + timedelta(days=1), body=b"second", body_at=NOON)
    assert [
        StoredBody(order_id="1002", body=b"{}", age=None),
        StoredBody(order_id="1001", body=b"second", age=timedelta(hours=3)),
    ] == list(Bodies(engine, sealer).since("acme", NOON))


def test_in_small_batches(ledger: Ledger, engine: Engine, sealer: Sealer) -> None:
    """Only so many rows are read at a time, the next ones when they are asked for; and nothing but reading happens."""
    for number in range(5):
        ledger.receive(f"10{number}", body=f"body {number}".encode())
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    found = Bodies(engine, sealer).since("acme", NOON, batch=2)
    assert [b"body 0", b"body 1"] == [next(found).body, next(found).body]
    assert 1 == len(statements)
    assert ["102", "103", "104"] == [stored.order_id for stored in found]
    event.remove(engine, "before_cursor_execute", note)
    assert 4 == len(statements)  # The last finds nothing more.
    assert {"SELECT"} == {statement.split()[0] for statement in statements}


def test_nothing_stored(engine: Engine, sealer: Sealer) -> None:
    """An empty ledger gives nothing."""
    assert [] == list(Bodies(engine, sealer).since("acme", NOON))


def test_a_body_that_does_not_open(ledger: Ledger, engine: Engine, sealer: Sealer) -> None:
    """One that was sealed with an unknown secret, or for another row, says so and stops no other."""
    ledger.receive("1001")
    ledger.receive("1002")
    swapped = ledger.row("1002")["body"]
    with engine.begin() as connection:
        connection.execute(update(purchases).where(purchases.c.order_id == "1001").values(body=swapped))
    first, second = Bodies(engine, sealer).since("acme", NOON)
    assert (b"", "it can't be opened: it isn't what was sealed for this row") == (first.body, first.problem)
    assert (b"{}", "") == (second.body, second.problem)
    (other, _) = Bodies(engine, Sealer(["another secret, of 32 letters ..."])).since("acme", NOON)
    assert other.problem.startswith("it can't be opened: it was sealed with a SECRET_KEY that isn't known here")
