"""C6: a worker stands still for longer than its lease, and goes on as if nothing had happened."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable

import pytest
from campaigns.driver import Driver
from campaigns.table import Row
from campaigns.world import Watch, World

Scale = Callable[[int, int], int]

STOP_SECONDS = 10.0


@pytest.mark.databases(cut="postgresql")
def test_freezing_a_worker(world: World, row: Row, scale: Scale) -> None:
    """C6: a second worker takes over and the first one, thawed, marks nothing any more; what it sends is the same.

    The batch that the frozen worker has in hand is answered 500 meanwhile: its outdated mark would put orders that the
    second one has delivered back among the waiting. Every other freeze comes at a moment of chance.
    """
    row.named("C6 frozen worker", "100 freezes of 3 leases, 0 stale marks, resends byte-equal")
    freezes, orders = scale(1, 12), scale(60, 300)
    lease = scale(1, 2)
    world.environment["LEASE_SECONDS"] = str(lease)
    world.start_web()
    watch, driver = Watch(world.database), world.driver(4)
    for number in range(freezes):
        _freeze(world, driver, orders, lease, by_chance=bool(number % 2))
    driver.finish(60)
    world.start_worker()
    world.come_to_rest()
    found = world.check(driver, may_overlap=True)
    found.doubled += found.add("C6: an outdated mark was accepted for rows", watch.end())
    found.add("C6: accepted more than once by each worker", _accepted_often(world, most=2))
    row.take(found, trials=orders * freezes, faults=freezes, scaled=f"{freezes} freezes, {orders * freezes:,} orders")


def _freeze(world: World, driver: Driver, orders: int, lease: int, *, by_chance: bool) -> None:
    """Freeze a worker for three leases with a batch in hand, while another one works."""
    world.plan({"delay": 0.4, **({} if by_chance else {"status": 500})})
    received = len(world.received())
    frozen = world.start_worker()
    driver.send(world.orders.many(orders))
    world.wait_for_batches(received + 1)
    time.sleep(world.random.uniform(0, 0.5) if by_chance else 0)
    frozen.signal(signal.SIGSTOP)
    world.plan()
    second = world.start_worker()
    time.sleep(3 * lease)
    frozen.signal(signal.SIGCONT)
    time.sleep(1)
    for worker in (frozen, second):
        worker.signal(signal.SIGTERM)  # A kill could come between an answer and its mark.
        assert worker.wait(STOP_SECONDS)


def _accepted_often(world: World, most: int) -> list[tuple[str, str]]:
    """Return what was accepted more often than once by each of the workers."""
    times = Counter(event.key for batch in world.received() if batch.processed for event in batch.events)
    return [key for key, count in times.items() if count > most]
