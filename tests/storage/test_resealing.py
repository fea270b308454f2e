"""Resealing: what moves to the newest key, beside others who write, and what an older key is still needed for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select

from adapter.storage.arrivals import Receipt
from adapter.storage.clicks import Clicks
from adapter.storage.purchases import Purchases
from adapter.storage.resealing import BATCH, Resealing
from adapter.storage.sealing import Sealer, key_id
from adapter.storage.tables import State, clicks, purchases

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
OLD, NEW, LOST = "the secret of yesterday", "the secret of today", "a secret that is lost"
OLD_ID, NEW_ID, LOST_ID = map(key_id, (OLD, NEW, LOST))


class Vault:
    """The stores of one database before and after a change of the secret."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.before, self.after = Sealer([OLD]), Sealer([NEW, OLD])
        self.resealing = Resealing(engine, self.after)

    def receive(self, *order_ids: str, sealer: Sealer | None = None, **changes: Any) -> None:
        """Receive orders, sealed with the old secret unless told otherwise."""
        receipts = [
            Receipt(**{"shop": "acme", "order_id": order_id, "body": f"body {order_id}".encode()} | changes)
            for order_id in order_ids
        ]
        Purchases(self.engine, sealer or self.before).receive(receipts, NOON)

    def freeze(self, event: bytes) -> None:
        """Claim and freeze everything with the old secret, and leave it as it is."""
        store = Purchases(self.engine, self.before)
        claims = store.claim(["acme"], "due", 100, NOON, MINUTE)
        store.freeze([(claim, event) for claim in claims], NOON, MINUTE)

    def remember(self, token: str, sealer: Sealer | None = None) -> None:
        """Remember a click, sealed with the old secret unless told otherwise."""
        store = Clicks(self.engine, sealer or self.before)
        store.remember("acme", [("cart_token", token)], {"aleid": token}, NOON)

    def opened(self, sealer: Sealer, column: str = "body") -> dict[str, bytes]:
        """Return a column of every order, opened."""
        with self.engine.connect() as connection:
            rows = connection.execute(select(purchases.c.order_id, purchases.c[column])).all()
        return {row[0]: sealer.open(row[1], f"purchases/{column}/acme/{row[0]}") for row in rows}

    def found(self, sealer: Sealer, token: str) -> dict[str, str]:
        """Return the click of a cart, as an order would find it."""
        return Clicks(self.engine, sealer).find("acme", [("cart_token", token)])


@pytest.fixture
def vault(engine: Engine) -> Vault:
    """Return the stores on each database."""
    return Vault(engine)


def test_a_fallback_opens_old_rows(vault: Vault) -> None:
    """Before anything is resealed, bodies, events and clicks are read with the fallback."""
    vault.receive("1")
    vault.freeze(b"[1]")
    vault.remember("c1")
    assert ({"1": b"body 1"}, {"1": b"[1]"}) == (vault.opened(vault.after), vault.opened(vault.after, "event"))
    assert {"aleid": "c1"} == vault.found(vault.after, "c1")


def test_orders_move_to_the_newest_key(vault: Vault) -> None:
    """Afterwards the newest secret alone opens body and event, and nothing else about the row has changed."""
    vault.receive("1", "2")
    vault.freeze(b"[1]")
    vault.receive("3", sealer=vault.after)
    done = vault.resealing.orders()
    assert (4, 2) == (done.values, done.last)
    assert done.last is not None
    assert (0, None) == (vault.resealing.orders(done.last).values, vault.resealing.orders(done.last).last)
    alone = Sealer([NEW])
    assert {"1": b"body 1", "2": b"body 2", "3": b"body 3"} == vault.opened(alone)
    with vault.engine.connect() as connection:
        rows = connection.execute(select(purchases.c.state, purchases.c.fixed, purchases.c.revision)).all()
    assert [("delivering", True, 1), ("delivering", True, 1), ("pending", False, 1)] == sorted(map(tuple, rows))


def test_in_batches(vault: Vault) -> None:
    """Many orders take several short transactions; killed between two of them, the rest is found again."""
    vault.receive(*map(str, range(BATCH + 7)))
    assert BATCH == vault.resealing.orders().values
    again = Resealing(vault.engine, vault.after)
    assert 7 == again.orders().values
    assert 0 == again.orders().values


def test_clicks_move_and_are_found_by_the_old_secret_alone(vault: Vault) -> None:
    """The identifiers are under the newest key; the hash they lie under can't be made anew, and is counted."""
    vault.remember("c1")
    vault.remember("c2", sealer=vault.after)
    assert 1 == vault.resealing.clicks().values
    assert 0 == vault.resealing.clicks().values
    assert {"aleid": "c1"} == vault.found(vault.after, "c1")
    assert {} == vault.found(Sealer([NEW]), "c1")
    census = vault.resealing.census()
    assert {NEW_ID: 2} == census.values
    assert {OLD_ID: 1, NEW_ID: 1} == census.lookups


def test_clicks_of_the_version_before(vault: Vault) -> None:
    """A row that doesn't say which secret hashed its key was hashed by the one that sealed it, also afterwards."""
    vault.remember("c1")
    with vault.engine.begin() as connection:
        connection.execute(clicks.update().values(hashed_with=None))
    assert {OLD_ID: 1} == vault.resealing.census().lookups
    vault.resealing.clicks()
    assert {OLD_ID: 1} == vault.resealing.census().lookups


def test_a_census(vault: Vault) -> None:
    """Every value is counted under its key: bodies, events and clicks; what is purged isn't."""
    vault.receive("1", "2")
    vault.freeze(b"[1]")
    vault.receive("3", sealer=vault.after)
    vault.receive("4", sealer=Sealer([LOST]))
    vault.remember("c1")
    assert {OLD_ID: 5, NEW_ID: 1, LOST_ID: 1} == vault.resealing.census().values


def test_what_no_key_opens_stays(vault: Vault) -> None:
    """A value of a lost key, or one that was tampered with, is left as it is and stops no other."""
    vault.receive("1", sealer=Sealer([LOST]))
    vault.receive("2", "3")
    with vault.engine.begin() as connection:
        broken = connection.execute(select(purchases.c.body).where(purchases.c.order_id == "2")).scalar_one()
        changed = broken[:-1] + bytes([broken[-1] ^ 1])
        connection.execute(purchases.update().where(purchases.c.order_id == "2").values(body=changed))
    assert 1 == vault.resealing.orders().values
    assert {LOST_ID: 1, OLD_ID: 1, NEW_ID: 1} == vault.resealing.census().values


@pytest.mark.parametrize("change", ["newer body", "purge", "freeze", "newer click"])
def test_what_changes_meanwhile_is_not_overwritten(vault: Vault, change: str) -> None:
    """Between reading a row and writing it somebody else changes it: theirs stays."""
    vault.receive("1", body_at=NOON)
    vault.remember("c1")
    moves = {
        "newer body": lambda: vault.receive("1", body=b"newer", body_at=NOON + MINUTE),
        "purge": lambda: _purge(vault),
        "freeze": lambda: vault.freeze(b"[frozen]"),
        "newer click": lambda: Clicks(vault.engine, vault.before).remember(
            "acme", [("cart_token", "c1")], {"axwrt": "2"}, NOON
        ),
    }
    write = vault.resealing._write

    def write_late(changes: Any) -> int:
        moves[change]()
        return write(changes)

    vault.resealing._write = write_late
    moved = vault.resealing.clicks() if change == "newer click" else vault.resealing.orders()
    assert 0 == moved.values
    if change == "newer body":
        assert {"1": b"newer"} == vault.opened(vault.before)
    if change == "freeze":
        assert {"1": b"[frozen]"} == vault.opened(vault.before, "event")
    if change == "newer click":
        assert {"aleid": "c1", "axwrt": "2"} == vault.found(vault.after, "c1")
    vault.resealing._write = write
    # The next run takes it as it is now.
    assert {"newer body": 1, "purge": 0, "freeze": 2, "newer click": 1}[change] == vault.resealing.orders().values


def _purge(vault: Vault) -> None:
    with vault.engine.begin() as connection:
        connection.execute(purchases.update().values(body=None, event=None, state=State.SKIPPED.value))


def test_beside_workers(vault: Vault, at_once: Any) -> None:
    """While orders are claimed, frozen and received anew, everything is resealed and nothing is lost."""
    numbers = [str(number) for number in range(150)]
    vault.receive(*numbers)

    def work(number: int) -> None:
        if number == 0:
            last: int | None = 0
            while last is not None:
                last = vault.resealing.orders(last).last
        elif number == 1:
            store, frozen = Purchases(vault.engine, vault.after), 0
            while frozen < len(numbers):  # A claim passes over rows that are being resealed: it gets them later.
                claims = store.claim(["acme"], "due", 50, NOON, MINUTE)
                frozen += len(claims)
                store.freeze([(claim, f"event {claim.order_id}".encode()) for claim in claims], NOON, MINUTE)
        else:
            vault.receive(*numbers, sealer=vault.after)

    at_once(3, work)
    last: int | None = 0
    while last is not None:
        last = vault.resealing.orders(last).last
    assert {NEW_ID: 300} == vault.resealing.census().values
    alone = Sealer([NEW])
    assert {number: f"body {number}".encode() for number in numbers} == vault.opened(alone)
    assert {number: f"event {number}".encode() for number in numbers} == vault.opened(alone, "event")


def test_strangers(vault: Vault) -> None:
    """A quick look at the oldest and the newest values says whether the keys known here open what is stored."""
    assert 0 == vault.resealing.strangers()
    vault.receive("1", "2")
    vault.remember("c1")
    assert 0 == vault.resealing.strangers()
    assert 3 == Resealing(vault.engine, Sealer([NEW])).strangers()
    vault.receive(*map(str, range(10, 10 + 2 * BATCH)), sealer=Sealer([LOST]))
    assert BATCH + 98 == vault.resealing.strangers()
