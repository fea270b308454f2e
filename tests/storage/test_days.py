"""The numbers of each day: they grow with what is delivered, once for each order, and stay exact."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine, event

from adapter.purchase.facts import Facts
from adapter.storage import days
from adapter.storage.days import Days, Delivered
from adapter.storage.purchases import Settlement
from adapter.storage.tables import State

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
MAY_1, MAY_2 = date(2026, 5, 1), date(2026, 5, 2)
EURO = Facts("aleid email", "10.50", "EUR")


def count(engine: Engine, *orders: Delivered) -> None:
    """Count these orders, in one transaction."""
    with engine.begin() as connection:
        days.count(connection, orders)


def order(facts: Facts = EURO, shop: str = "acme", at: datetime = NOON, seconds: float = 3) -> Delivered:
    """Return a delivered order."""
    return Delivered(shop, at, timedelta(seconds=seconds), facts)


def test_one_order(engine: Engine) -> None:
    """It counts for its shop, its day and its currency, with what it carried."""
    count(engine, order())
    (day,) = Days(engine).since(MAY_1)
    assert ("acme", MAY_1, "EUR", 1, Decimal("10.50")) == (day.shop, day.day, day.currency, day.delivered, day.value)
    assert {"aleid", "email"} == {name for name, number in day.carried.items() if number == 1}
    assert {"within_10s": 1, "within_1min": 0, "within_5min": 0, "within_1h": 0} == day.within


def test_the_numbers_grow(engine: Engine) -> None:
    """A second batch is added to the first; other shops, days and currencies have numbers of their own."""
    count(engine, order(), order(Facts("", "0.005", "EUR")), order(shop="other"))
    count(engine, order(at=NOON + timedelta(days=1)), order(Facts("ip", "7", "JPY")), order())
    found = {(day.shop, day.day, day.currency): (day.delivered, day.value) for day in Days(engine).since(MAY_1)}
    expected = {
        ("acme", MAY_1, "EUR"): (3, Decimal("21.005")),
        ("acme", MAY_1, "JPY"): (1, Decimal(7)),
        ("acme", MAY_2, "EUR"): (1, Decimal("10.5")),
        ("other", MAY_1, "EUR"): (1, Decimal("10.5")),
    }
    assert expected == found
    assert [MAY_2] == [day.day for day in Days(engine).since(MAY_2)]
    assert ["other"] == [day.shop for day in Days(engine).since(MAY_1, "other")]


@pytest.mark.parametrize(
    ("seconds", "bound"),
    [
        (-5, "within_10s"),
        (10, "within_10s"),
        (10.1, "within_1min"),
        (300, "within_5min"),
        (301, "within_1h"),
        (3601, ""),
    ],
)
def test_how_long_it_took(engine: Engine, seconds: float, bound: str) -> None:
    """Each order counts within the first bound that holds, the latest within none."""
    count(engine, order(seconds=seconds))
    (day,) = Days(engine).since(MAY_1)
    assert ([bound] if bound else []) == [name for name, number in day.within.items() if number]


def test_odd_values_stop_nothing(engine: Engine) -> None:
    """Values that no sum could hold are cut; more of them than a whole number holds are still added up."""
    count(engine, *[order(Facts("", "9" * 40, "EUR")) for _ in range(30)], order(Facts("", "", "")))
    found = Days(engine).since(MAY_1)
    assert [1, 30] == [day.delivered for day in found]
    assert found[1].value == pytest.approx(Decimal(30) * 10**10, rel=Decimal("1e-9"))


def test_an_exact_sum(engine: Engine) -> None:
    """A thousand times a tenth is a hundred, to the last digit."""
    for _ in range(10):
        count(engine, *[order(Facts("", "0.1", "EUR"))] * 100)
    assert Decimal(100) == Days(engine).since(MAY_1)[0].value


def delivered(ledger: Any, order_id: str, facts: Facts | None, **changes: Any) -> None:
    """Let an order be sent and accepted."""
    claim = replace(ledger.claimed(order_id, age=timedelta(seconds=20)), facts=facts)
    ledger.purchases.freeze([(claim, b"[]")], NOON, timedelta(seconds=60))
    ledger.settle(claim, **{"state": State.DELIVERED, "at": NOON + timedelta(seconds=45), "fixed": True} | changes)


def test_an_order_counts_when_it_is_settled(ledger: Any, engine: Engine) -> None:
    """What was delivered counts, by the time since the order itself; what was quarantined or has no facts doesn't."""
    delivered(ledger, "1", EURO)
    delivered(ledger, "2", EURO, state=State.QUARANTINED, fixed=False)
    delivered(ledger, "3", None)
    (day,) = Days(engine).since(MAY_1)
    assert (1, 1) == (day.delivered, day.within["within_5min"])
    assert ("aleid email", "10.50", "EUR") == tuple(ledger.row("1")[name] for name in ("carries", "value", "currency"))


def test_a_claim_that_was_lost_counts_nothing(ledger: Any, engine: Engine) -> None:
    """Two workers that both settle an order count it once."""
    claim = replace(ledger.claimed("1"), facts=EURO)
    again = replace(ledger.claim(at=NOON + timedelta(minutes=2))[0], facts=EURO)
    for one in (claim, again, again):
        ledger.settle(one, State.DELIVERED, fixed=True)
    assert [1] == [day.delivered for day in Days(engine).since(MAY_1)]


def test_frozen_bytes_keep_their_facts(ledger: Any) -> None:
    """Who sends them again knows their facts from the row."""
    claim = replace(ledger.claimed("1"), facts=EURO)
    ledger.purchases.freeze([(claim, b"[]")], NOON, timedelta(seconds=60))
    assert EURO == ledger.claim(at=NOON + timedelta(minutes=2))[0].facts


def test_without_facts(ledger: Any, engine: Engine) -> None:
    """An order of whose event nothing is known counts as delivered, and in no figure of events."""
    ledger.settled(State.DELIVERED, "1")
    count(engine, order(), order(at=NOON + timedelta(days=1)), order(shop="other"))
    assert [1, 1] == [day.delivered for day in Days(engine).since(MAY_1, "acme")]
    with engine.connect() as connection:
        assert {MAY_1: 2, MAY_2: 1} == days.delivered(connection, "acme", [MAY_1, MAY_2])
        assert {MAY_2: 1} == days.delivered(connection, "acme", [MAY_2])
        assert {"acme": 3, "other": 1} == days.delivered_in_all(connection)


def test_a_batch_is_one_statement(ledger: Any, engine: Engine) -> None:
    """A hundred orders of a shop and a day are counted by one statement."""
    for number in range(100):
        ledger.receive(str(number))
    claims = [replace(claim, facts=EURO) for claim in ledger.claim()]
    seen: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda _c, _u, sql, *_: seen.append(sql))
    ledger.purchases.settle([Settlement(claim=claim, state=State.DELIVERED, at=NOON, fixed=True) for claim in claims])
    assert 1 == len([sql for sql in seen if "INTO days" in sql])
    assert 100 == Days(engine).since(MAY_1)[0].delivered
