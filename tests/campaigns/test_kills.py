"""C1–C3: SIGKILL at any instant, of the worker, of the service, of everything with the database."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Thread

from campaigns.driver import Driver
from campaigns.table import Row
from campaigns.world import World

Scale = Callable[[int, int], int]


def _send_in_background(driver: Driver, world: World, orders: int, per_second: float | None = None) -> Thread:
    thread = Thread(target=driver.send, args=(world.orders.many(orders), per_second), daemon=True)
    thread.start()
    return thread


def test_killing_the_worker(world: World, row: Row, scale: Scale) -> None:
    """C1: a worker that is killed again and again delivers every order once."""
    row.named("C1 kill -9 worker", "10,000 orders, 500 kills, 0 lost")
    kills, orders = scale(6, 120), scale(300, 6_000)
    world.plan({"delay": 0.01})
    world.start_web()
    driver = world.driver(4)
    sending = _send_in_background(driver, world, orders, per_second=orders / (kills * 0.3))
    for _ in range(kills):
        worker = world.start_worker()
        time.sleep(world.random.uniform(0.05, 0.6))
        worker.kill()
    sending.join()
    world.start_worker()
    driver.finish(60)
    world.come_to_rest()
    found = world.check(driver)
    assert found.resent <= 100 * 2 * kills
    row.take(found, trials=orders, faults=kills, scaled=f"{orders:,} orders, {kills} kills")
