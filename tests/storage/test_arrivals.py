"""Verified bodies at the door: concurrent ones share a transaction, on both databases, none pays for another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event
from time import sleep
from typing import Any

import pytest
from sqlalchemy import Engine, text

from adapter.storage.arrivals import Arrivals, Receipt, Received
from adapter.storage.direct import Driver
from adapter.storage.sealing import Sealer
from adapter.storage.tables import State

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
PATIENCE = 30


class Crowd:
    """Requests that come while the first one's transaction is still open."""

    def __init__(self, engine: Engine, sealer: Sealer, pool: ThreadPoolExecutor) -> None:
        self.arrivals = Arrivals(engine, sealer)
        self.transactions = 0
        self._pool = pool
        self._write = self.arrivals._groups._write
        self._entered, self._opened = Event(), Event()
        self.arrivals._groups._write = self._slowly

    def _slowly(self, gather: Callable[[], Any], seconds: float) -> Any:
        parts = gather()
        self.transactions += 1
        self._entered.set()
        self._opened.wait(PATIENCE)
        return self._write(lambda: parts, seconds)

    def send(self, *receipts: Receipt) -> list[Future[list[Received]]]:
        """Send one alone, and all others while it is being stored."""
        first = self._pool.submit(self.arrivals.store, receipts[:1], NOON)
        assert self._entered.wait(PATIENCE)
        others: list[Future[list[Received]]] = []
        for receipt in receipts[1:]:
            others.append(self._pool.submit(self.arrivals.store, [receipt], NOON))
            while len(self.arrivals._groups._waiting) < len(others):
                sleep(0.001)
        self._opened.set()
        return [first, *others]


@pytest.fixture
def crowd(engine: Engine, sealer: Sealer) -> Iterator[Crowd]:
    """Return the door of an empty ledger, with enough threads."""
    with ThreadPoolExecutor(16) as pool:
        yield Crowd(engine, sealer, pool)


def receipt(order_id: str, **changes: Any) -> Receipt:
    """Return an order of the shop `acme`."""
    return Receipt(**{"shop": "acme", "order_id": order_id, "body": b"{}", "token": order_id} | changes)


def rows(engine: Engine) -> dict[str, Any]:
    """Return the state of every order."""
    with engine.connect() as connection:
        found = connection.execute(text("SELECT order_id, state FROM purchases")).all()
    return {row.order_id: row.state for row in found}


def results(futures: Sequence[Future[list[Received]]]) -> list[Received]:
    """Return what each request was told."""
    return [future.result(PATIENCE)[0] for future in futures]


def test_requests_that_come_together_share_a_transaction(crowd: Crowd, engine: Engine) -> None:
    """Nine requests take two transactions, and every order is there."""
    orders = [str(number) for number in range(9)]
    assert [Received.STORED] * 9 == results(crowd.send(*map(receipt, orders)))
    assert 2 == crowd.transactions
    assert dict.fromkeys(orders, "pending") == rows(engine)


def test_every_kind_in_one_transaction(crowd: Crowd, engine: Engine) -> None:
    """A new order, its copy, a newer body of it, another under its id and the platform's test: each its own answer."""
    sent = crowd.send(
        receipt("7", body_at=NOON),
        receipt("8", body_at=NOON),
        receipt("8", body_at=NOON),
        receipt("8", body_at=NOON + timedelta(minutes=1), body=b"[1]"),
        receipt("7", token="a copy of the shop"),
        receipt("9", state=State.SKIPPED, reason="test notification", repeatable=True),
        receipt("7", body_at=NOON),
    )
    expected = [
        Received.STORED,
        Received.STORED,
        Received.UNCHANGED,
        Received.REFRESHED,
        Received.CONFLICT,
        Received.STORED,
        Received.UNCHANGED,
    ]
    assert expected == results(sent)
    found = rows(engine)
    (conflict,) = [order_id for order_id in found if order_id.startswith("7~")]
    assert {"7": "pending", "8": "pending", "9": "skipped", conflict: "quarantined"} == found
    assert 2 == crowd.transactions


def test_a_row_that_cannot_be_stored_takes_no_other_down(crowd: Crowd, engine: Engine) -> None:
    """Neither database can store half of a surrogate pair: that request alone fails, its group is stored."""
    first, good, bad, fine = crowd.send(receipt("1"), receipt("2"), receipt("3", reason="\ud800"), receipt("4"))
    with pytest.raises(UnicodeEncodeError):
        bad.result(PATIENCE)
    assert [Received.STORED] * 3 == results([first, good, fine])
    assert {"1": "pending", "2": "pending", "4": "pending"} == rows(engine)


def test_nobody_is_answered_before_the_commit(crowd: Crowd) -> None:
    """When the shared transaction is about to be committed, none of its requests has an answer yet."""
    answered: list[list[bool]] = []
    futures: list[Future[list[Received]]] = []

    upsert = crowd.arrivals._upsert

    def look(driver: Driver, together: Any) -> Any:
        stored = upsert(driver, together)
        answered.append([future.done() for future in futures])
        return stored

    hold: Callable[..., Any] = crowd._write

    def write(gather: Callable[[], Any], seconds: float) -> Any:
        while len(gather()) > 1 and len(futures) < 5:
            sleep(0.001)
        return hold(gather, seconds)

    crowd._write = write
    crowd.arrivals._upsert = look  # type: ignore[method-assign]
    futures += crowd.send(*map(receipt, "12345"))
    assert [Received.STORED] * 5 == results(futures)
    assert [False] * 4 == answered[-1][1:]
