"""C6: a worker stands still for longer than its lease, and goes on as if nothing had happened."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable

import pytest
from campaigns.table import Row
from campaigns.world import Watch, World

Scale = Callable[[int, int], int]

LEASE_SECONDS = 1


@pytest.mark.databases(cut="postgresql")
def test_freezing_a_worker(world: World, row: Row, scale: Scale) -> None:
    """C6: a second worker takes over and the first one, thawed, marks nothing any more; what it sends is the same.

    A third of the batches is answered 500: an outdated mark would then put a delivered order back among the waiting.
    """
    row.named("C6 frozen worker", "100 freezes of 3 leases, 0 stale marks, resends byte-equal")
    freezes, orders = scale(1, 16), scale(150, 4_000)
    world.environment["LEASE_SECONDS"] = str(LEASE_SECONDS)
    world.plan({"share": 0.3, "status": 500, "delay": 0.15}, {"delay": 0.15})
    world.start_web()
    watch, driver = Watch(world.database), world.driver(4)
    workers = [world.start_worker(), world.start_worker()]
    for number in range(freezes):
        driver.send(world.orders.many(orders // freezes), 400)
        frozen = workers[number % 2]
        time.sleep(world.random.uniform(0, 0.3))
        frozen.signal(signal.SIGSTOP)
        time.sleep(3 * LEASE_SECONDS)
        frozen.signal(signal.SIGCONT)
    driver.finish(60)
    world.plan()
    world.come_to_rest()
    found = world.check(driver, may_overlap=True)
    found.doubled += found.add("C6: an outdated mark was accepted for rows", watch.end())
    found.add("C6: accepted more than twice", _accepted_often(world, most=2))
    scaled = f"{freezes} freezes, {world.taken_over()} outdated batches told so"
    row.take(found, trials=orders, faults=freezes, scaled=scaled)


def _accepted_often(world: World, most: int) -> list[tuple[str, str]]:
    """Return what was accepted more often than once by each of the workers."""
    times = Counter(event.key for batch in world.received() if batch.processed for event in batch.events)
    return [key for key, count in times.items() if count > most]
