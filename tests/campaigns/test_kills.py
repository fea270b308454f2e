"""C1–C3: SIGKILL at any instant, of the worker, of the service, of everything together with the database."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Thread

import pytest
from campaigns.databases import PostgreSQL
from campaigns.driver import Driver
from campaigns.table import Row
from campaigns.world import World, kill_one_of

Scale = Callable[[int, int], int]

MOST_IN_HAND = 2 * 100
"""A worker has at most one batch of each of the two shops in hand; so many events are sent again after its death."""


def _send_during(seconds: float, driver: Driver, world: World, orders: int) -> Thread:
    sending = Thread(target=driver.send, args=(world.orders.many(orders), orders / seconds), daemon=True)
    sending.start()
    return sending


@pytest.mark.databases(cut="sqlite")
def test_killing_the_worker(world: World, row: Row, scale: Scale) -> None:
    """C1: a worker that is killed again and again delivers every order once."""
    row.named("C1 kill -9 the worker", "10,000 orders, 500 kills, 0 lost")
    kills, orders = scale(4, 120), scale(160, 6_000)
    world.plan({"delay": 0.01})
    world.start_web()
    driver = world.driver(4)
    sending = _send_during(kills * 0.3, driver, world, orders)
    for _ in range(kills):
        worker = world.start_worker()
        time.sleep(world.random.uniform(0.05, 0.6))
        worker.kill()
    sending.join()
    world.start_worker()
    driver.finish(60)
    world.come_to_rest()
    found = world.check(driver)
    assert found.resent <= MOST_IN_HAND * kills
    row.take(found, trials=orders, faults=kills, scaled=f"{orders:,} orders, {kills} kills")


@pytest.mark.databases(cut="sqlite")
def test_killing_the_service(world: World, row: Row, scale: Scale) -> None:
    """C2: gunicorn's workers and its master are killed; what was acknowledged is there, the rest is sent again.

    On SQLite they deliver as well, as they do by default there.
    """
    row.named("C2 kill -9 the service", "10,000 orders, 500 kills, 0 acknowledged lost")
    kills, orders = scale(4, 100), scale(150, 5_000)
    delivers_itself = world.database.name == "sqlite"
    world.environment["EMBEDDED_DELIVERY"] = str(delivers_itself).lower()
    service = world.start_web()
    if not delivers_itself:
        world.start_worker()
    driver = world.driver(8)
    sending = _send_during(kills * 0.35, driver, world, orders)
    done = 0
    while done < kills:
        time.sleep(world.random.uniform(0.05, 0.6))
        if done % 4 == 3:
            service.kill()
            service = world.start_web()
            done += 1
        else:
            done += kill_one_of(service.children(), world.random)
    sending.join()
    driver.finish(60)
    world.come_to_rest()
    found = world.check(driver)
    unheard = len(driver.record.stored_unheard)
    scaled = f"{orders:,} orders, {kills} kills, {unheard} stored without an answer"
    row.take(found, trials=orders, faults=kills, scaled=scaled)


@pytest.mark.databases(cut="postgresql")
def test_killing_everything(world: World, row: Row, scale: Scale) -> None:
    """C3: service, worker and database server die in the same instant; the database opens by itself and is whole."""
    row.named("C3 kill -9 of all at once", "100 kills, 0 lost, database whole each time")
    kills, orders = scale(1, 25), scale(60, 3_000)
    service, worker = world.start_web(), world.start_worker()
    driver = world.driver(8)
    sending = _send_during(kills * 0.8, driver, world, orders)
    for _ in range(kills):
        time.sleep(world.random.uniform(0.3, 0.9))
        if isinstance(world.database, PostgreSQL):
            world.database.server.kill()
        service.kill_all()
        worker.kill_all()
        if isinstance(world.database, PostgreSQL):
            world.database.server.start()
        assert world.database.broken() is None
        service, worker = world.start_web(), world.start_worker()
    sending.join()
    driver.finish(60)
    world.come_to_rest()
    row.take(world.check(driver), trials=orders, faults=kills, scaled=f"{orders:,} orders, {kills} kills")
