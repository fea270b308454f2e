"""The sweep: when it runs, what it does in one go, and that the worker delivers beside it."""

from __future__ import annotations

import time
from datetime import timedelta
from threading import Event, Thread
from typing import Any

import pytest
from sqlalchemy import update
from structlog.testing import capture_logs
from ticking import Seconds

from adapter.delivery import sweeping
from adapter.delivery.sweeping import Sweeper
from adapter.errors import StorageUnavailable
from adapter.storage.arrivals import Receipt
from adapter.storage.engine import writing
from adapter.storage.eviction import Eviction
from adapter.storage.tables import State, uptime

DAY = timedelta(days=1)


@pytest.fixture
def monotonic() -> Seconds:
    """Return a monotonic clock."""
    return Seconds()


def sweeper_of(house: Any, monotonic: Seconds) -> Sweeper:
    """Return a sweeper that keeps everything for 30 days."""
    return Sweeper(engine=house.engine, keep=30 * DAY, clock=house.clock, monotonic=monotonic)


def live(house: Any, days: int) -> None:
    """Let workers have run for so many days."""
    with writing(house.engine) as connection:
        connection.execute(update(uptime).values(seconds=days * 86_400))


def skipped(house: Any, count: int) -> None:
    """Receive orders that intake settles by itself."""
    receipts = [
        Receipt(shop="acme", order_id=str(number), body=b"{}", state=State.SKIPPED, reason="test: x")
        for number in range(1, count + 1)
    ]
    house.purchases.receive(receipts, house.clock())


def test_when_it_is_due(house: Any, monotonic: Seconds) -> None:
    """At once after the start, then every five minutes of the monotonic clock, whatever the other one says."""
    sweeper = sweeper_of(house, monotonic)
    assert [True, False] == [sweeper.takes_turn(), sweeper.takes_turn()]
    house.clock.advance(3652 * 86_400)
    monotonic.now += 299
    assert not sweeper.takes_turn()
    monotonic.now += 1
    assert [True, False] == [sweeper.takes_turn(), sweeper.takes_turn()]


def test_one_sweep_does_all(any_house: Any, monotonic: Seconds) -> None:
    """Old rows go in as many batches as it takes, orders that waited in vain expire, and it is logged."""
    house = any_house
    skipped(house, 450)
    house.receive(1001)
    house.clicks.remember("acme", [("cart_token", "c1")], {"aleid": "1"}, house.clock())
    live(house, 61)
    with capture_logs() as logs:
        sweeper_of(house, monotonic).sweep(Event())
    assert "expired" == house.states()["1001"]
    assert (None, None) == (house.whole_row(1)["body"], house.whole_row(450)["body"])
    assert {} == house.clicks.find("acme", [("cart_token", "c1")])
    told = [(line["event"], line.get("count") or line.get("order")) for line in logs]
    assert [("order expired", "1001"), ("expired", 1), ("orders purged", 450), ("clicks purged", 1)] == told


def test_too_many_clicks(any_house: Any, monotonic: Seconds) -> None:
    """Where there are more clicks than are kept, the oldest are evicted, however young they are; it is logged."""
    house = any_house
    for number in range(5):
        house.clicks.remember("acme", [("cart_token", f"c{number}")], {"aleid": "1"}, house.clock())
        house.clock.advance(1)
    sweeper = sweeper_of(house, monotonic)
    sweeper._eviction = Eviction(house.engine, 3)  # Two hundred thousand clicks would be too many for a test.
    with capture_logs() as logs:
        sweeper.sweep(Event())
    assert [("clicks evicted", 2)] == [(line["event"], line["count"]) for line in logs]
    left = [number for number in range(5) if house.clicks.find("acme", [("cart_token", f"c{number}")])]
    assert [2, 3, 4] == left


def test_a_sweep_ends_in_time(house: Any, monotonic: Seconds, monkeypatch: pytest.MonkeyPatch) -> None:
    """After five seconds it ends, and the next one goes on."""
    monkeypatch.setattr(sweeping, "BREATH_SECONDS", 0)
    skipped(house, 1000)
    live(house, 61)
    sweeper = sweeper_of(house, monotonic)
    takes_two_seconds = sweeper._retention.purge_orders

    def purge(uptime: timedelta) -> int:
        monotonic.now += 2
        return takes_two_seconds(uptime)

    sweeper._retention.purge_orders = purge
    left = []
    for _ in range(3):
        sweeper.sweep(Event())
        left.append(sum(house.whole_row(number)["body"] is not None for number in range(1, 1001)))
    assert [400, 0, 0] == left


def test_a_worker_that_stops(house: Any, monotonic: Seconds) -> None:
    """A sweep that is told to stop ends at once."""
    skipped(house, 3)
    live(house, 61)
    stop = Event()
    stop.set()
    sweeper_of(house, monotonic).sweep(stop)
    assert house.whole_row(1)["body"] is not None


def test_the_worker_sweeps_beside_its_deliveries(any_house: Any, monotonic: Seconds) -> None:
    """A running worker sweeps by itself, and what is due is delivered meanwhile."""
    house = any_house
    skipped(house, 250)
    live(house, 61)
    house.receive(1001)
    worker = house.new_worker()
    worker.sweeper = sweeper_of(house, monotonic)
    thread = Thread(target=worker.run)
    thread.start()
    try:
        until = time.monotonic() + 30
        while time.monotonic() < until and (house.whole_row(250)["body"] or house.states()["1001"] != "delivered"):
            time.sleep(0.05)
    finally:
        worker.stop.set()
        thread.join()
    assert (None, "delivered") == (house.whole_row(250)["body"], house.states()["1001"])


@pytest.mark.parametrize("jump", [timedelta(hours=1), DAY, 3652 * DAY])
@pytest.mark.parametrize("direction", [1, -1])
def test_a_clock_that_jumps(any_house: Any, monotonic: Seconds, jump: timedelta, direction: int) -> None:
    """Ahead or back, by an hour or ten years, around the coming of orders: nothing goes, nothing is stuck."""
    house = any_house
    sweeper = sweeper_of(house, monotonic)
    house.purchases.receive([Receipt(shop="acme", order_id="1", body=b"{}", state=State.SKIPPED)], house.clock())
    house.receive(1001)
    for move in (direction, -direction, -direction, direction):
        house.clock.advance(move * jump.total_seconds())
        monotonic.now += 300
        sweeper.sweep(Event())
        house.purchases.receive(
            [Receipt(shop="acme", order_id=f"at {house.clock()}", body=b"{}", state=State.SKIPPED)], house.clock()
        )
    sweeper_of(house, Seconds()).sweep(Event())
    assert all(row["body_kept"] for row in house.rows().values())
    assert "pending" == house.states()["1001"]
    house.worker.drain()
    assert "delivered" == house.states()["1001"]


def test_once(house: Any, monotonic: Seconds) -> None:
    """`deliver --once` sweeps when it has delivered."""
    skipped(house, 1)
    live(house, 61)
    house.worker.sweeper = sweeper_of(house, monotonic)
    house.worker.drain()
    assert house.whole_row(1)["body"] is None


def test_a_database_that_is_away(house: Any, monotonic: Seconds) -> None:
    """A sweep says that the database can't be used; the worker logs it and goes on."""
    with writing(house.engine) as connection:
        connection.execute(uptime.delete())
    with pytest.raises(StorageUnavailable):
        sweeper_of(house, monotonic).sweep(Event())


def test_a_log_that_others_hold(house: Any, monotonic: Seconds, monkeypatch: pytest.MonkeyPatch) -> None:
    """When SQLite's log can't be emptied it is said, and left to the next sweep."""
    monkeypatch.setattr(sweeping, "empty_log", lambda _engine: False)
    with capture_logs() as logs:
        sweeper_of(house, monotonic).sweep(Event())
    assert ["log not emptied"] == [line["event"] for line in logs]
