"""C4: the process kills itself at each named point, one after the other; no chance is needed to hit it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from campaigns.databases import opened
from campaigns.driver import Driver
from campaigns.failpoints import POISONED, RESEAL, RETRY, SWEEP, WEB, WORKER
from campaigns.nursery import wait_until
from campaigns.orders import POISON
from campaigns.table import Row
from campaigns.world import World
from sqlalchemy import text

Scale = Callable[[int, int], int]

TARGET = "every point × 50, 0 violations"


_PASSED_ONCE = (*POISONED, "before connecting")
"""What a worker passes only once by each batch, or as long as its connection lasts."""


class Deaths:
    """Counts the processes that ended at a point."""

    def __init__(self, world: World) -> None:
        self._mark = world.folder / "died"

    def at(self, point: str, passing: int) -> dict[str, str]:
        """Return the variables that let a process die at the n-th passing of a point."""
        return {"CRASH_AT": f"{point}:{passing}", "CRASH_MARK": str(self._mark)}

    @property
    def count(self) -> int:
        """Return how many have died so far."""
        return len(self._mark.read_text().splitlines()) if self._mark.exists() else 0


@pytest.mark.databases(cut="sqlite")
def test_the_service_dies_at_every_point(world: World, row: Row, scale: Scale) -> None:
    """C4: from the last byte of the body to after the answer; each gunicorn worker dies at its third passing."""
    trials = scale(1, 50)
    row.named("C4 crash points, service", TARGET)
    world.start_web().kill_all()  # Migrates.
    deaths, driver = Deaths(world), world.driver(4)
    for number, point in enumerate(WEB, start=1):
        service = world.start_web(seconds=0, **deaths.at(point, 3))
        _feed_until(lambda wanted=number * trials: deaths.count >= wanted, world, driver, point)
        service.kill_all()
    died = deaths.count
    world.start_web()
    world.start_worker()
    record = driver.finish(60)
    world.come_to_rest()
    scaled = f"{len(WEB)} points × {trials}, {len(record.stored_unheard)} stored without an answer"
    row.take(world.check(driver), trials=len(record.acknowledged), faults=died, scaled=scaled)


def _feed_until(is_enough: Callable[[], bool], world: World, driver: Driver, point: str) -> None:
    """Keep some orders open until enough processes have died."""

    def look() -> bool:
        driver.send(world.orders.many(max(0, 8 - driver.open)))
        return is_enough()

    assert wait_until(look, 60), f"{point}: not reached often enough"


@pytest.mark.databases(cut="postgresql")
def test_the_worker_dies_at_every_point(world: World, row: Row, scale: Scale) -> None:
    """C4: from the claim to after the mark, and while one bad event is searched for."""
    trials = scale(1, 15)
    row.named("C4 crash points, worker", TARGET)
    world.environment["LEASE_SECONDS"] = "1"
    world.plan({"containing": POISON, "status": 400})
    world.start_web()
    deaths, driver = Deaths(world), world.driver(4)
    for point in [*WORKER, *POISONED]:
        for _ in range(trials):
            _die_at(point, world, driver, deaths)
    world.start_worker()
    _finish_poisoned(world, driver)
    points = len(WORKER) + len(POISONED)
    row.take(
        world.check(driver),
        trials=len(driver.record.acknowledged),
        faults=deaths.count,
        scaled=f"{points} points × {trials}",
    )


def _die_at(point: str, world: World, driver: Driver, deaths: Deaths) -> None:
    """Give a worker orders that lead it to this point, until it has died there."""
    passing = 1 if point in _PASSED_ONCE else world.random.randint(1, 2)
    died = deaths.count
    _feed(world, driver, point)
    worker = world.start_worker(**deaths.at(point, passing))
    for _ in range(30):
        if wait_until(lambda: deaths.count > died, 1):
            break
        _feed(world, driver, point)
    assert deaths.count > died, f"{point}: not reached"
    worker.wait(10)


def _feed(world: World, driver: Driver, point: str) -> None:
    """Send what leads to this point: two refused orders alone cause doubt, one among others is searched for."""
    poisoned = 2 if point == "in doubt" else int(point in POISONED)
    orders = [world.orders.next("shopify", poison=True) for _ in range(poisoned)]
    if point != "in doubt":
        orders += [world.orders.next(clicked=number % 3 > 0) for number in range(6)]
    driver.send(orders)
    assert wait_until(lambda: driver.open == 0, 60)


def _finish_poisoned(world: World, driver: Driver) -> None:
    """Let the shop go on selling: what is refused alone is judged by the next order that is accepted."""
    for _ in range(20):
        driver.send([world.orders.next("shopify")])
        if world.come_to_rest(3):
            break
    driver.finish(10)


@pytest.mark.databases(cut="sqlite")
def test_the_sweep_dies_at_every_point(world: World, row: Row, scale: Scale) -> None:
    """C4: a purge that is killed anywhere goes on with the next worker; what is young or waits keeps its body."""
    trials, points = scale(1, 6), list(SWEEP)[scale(-1, 0) :]
    row.named("C4 crash points, purge", TARGET)
    world.start_web()
    deaths, driver = Deaths(world), world.driver(4)
    for number, point in enumerate([point for point in points for _ in range(trials)], start=1):
        driver.send(world.orders.many(10))
        worker = world.start_worker()
        assert wait_until(lambda: driver.open == 0, 30)
        world.come_to_rest()
        worker.kill()
        _age_settled_orders(world)
        driver.send(world.orders.many(5))
        assert wait_until(lambda: driver.open == 0, 30)
        world.start_worker(**deaths.at(point, 1)).wait(20)
        assert number == deaths.count, f"{point}: not reached"
    world.start_worker()
    driver.finish(30)
    world.come_to_rest()
    found = world.check(driver)
    assert wait_until(lambda: _kept(world, old=True) == 0, 30), "what is old was never purged"
    assert _kept(world, old=False) >= 5  # The orders that came in last.
    row.take(
        found, trials=len(driver.record.acknowledged), faults=deaths.count, scaled=f"{len(points)} points × {trials}"
    )


_OLD = -10_000_000
"""A purge counts in seconds of uptime; this is before any."""


def _age_settled_orders(world: World) -> None:
    with opened(world.database) as engine, engine.begin() as connection:
        connection.execute(
            text(f"UPDATE purchases SET changed_uptime = {_OLD} WHERE state = 'delivered' AND body IS NOT NULL")
        )


def _kept(world: World, *, old: bool) -> int:
    """Return how many old, or young, orders have their body."""
    query = f"SELECT count(*) FROM purchases WHERE (changed_uptime = {_OLD}) = {old} AND body IS NOT NULL"
    with opened(world.database) as engine, engine.connect() as connection:
        return int(connection.execute(text(query)).scalar_one())


@pytest.mark.databases(cut="sqlite")
def test_a_retry_dies_at_every_point(world: World, row: Row, scale: Scale) -> None:
    """C4: `adapter retry --all-quarantined` that is killed is said again, and every order is delivered once."""
    trials, points = scale(1, 4), list(RETRY)[scale(-1, 0) :]
    row.named("C4 crash points, retry", TARGET)
    world.start_web()
    deaths, driver = Deaths(world), world.driver(4)
    for number, point in enumerate([point for point in points for _ in range(trials)], start=1):
        world.plan({"containing": POISON, "status": 400})
        refused = [replace(world.orders.next("shopify", poison=True), fate="delivered") for _ in range(3)]
        driver.send([*refused, *world.orders.many(10)])
        assert wait_until(lambda: driver.open == 0, 30)
        worker = world.start_worker()
        world.come_to_rest()
        worker.kill()
        world.plan()
        retry = ("adapter", "retry", "--all-quarantined")
        world.start(*retry, environment=deaths.at(point, 1), name="retry").wait(20)
        assert number == deaths.count, f"{point}: not reached"
        world.run(*retry[1:])
        world.start_worker()
        world.come_to_rest()
        world.workers[-1].kill()
    driver.finish(10)
    found = world.check(driver)
    row.take(
        found, trials=len(driver.record.acknowledged), faults=deaths.count, scaled=f"{len(points)} points × {trials}"
    )


@pytest.mark.databases(cut="sqlite")
def test_a_reseal_dies_at_every_point(world: World, row: Row, scale: Scale) -> None:
    """C4: `adapter reseal` that is killed is said again and goes on; then the newest key alone delivers all orders."""
    trials, points = scale(1, 3), list(RESEAL)[scale(-1, 0) :]
    row.named("C4 crash points, reseal", TARGET)
    world.environment["SECRET_KEY"] = "the-secret-key-number-0-of-a-shop"
    world.start_web()
    deaths, driver = Deaths(world), world.driver(4)
    for number, point in enumerate([point for point in points for _ in range(trials)], start=1):
        driver.send(world.orders.many(scale(10, 150)))  # More than one batch of rows.
        assert wait_until(lambda: driver.open == 0, 60)
        old = world.environment["SECRET_KEY"]
        world.environment |= {"SECRET_KEY": f"the-secret-key-number-{number}-of-a-shop", "SECRET_KEY_FALLBACKS": old}
        world.web.kill_all()
        world.start_web()
        passing = deaths.at(point, scale(1, 1 + number % 2))
        killed = world.start("adapter", "reseal", environment=passing, name="reseal")
        assert killed.wait(30)
        assert number == deaths.count, f"{point}: not reached: {killed.log.read_text()}"
        assert "number 1 of SECRET_KEY_FALLBACKS: not needed any more" in world.run("reseal")
        world.environment["SECRET_KEY_FALLBACKS"] = ""
    world.start_worker()
    driver.finish(60)
    world.come_to_rest()
    row.take(
        world.check(driver),
        trials=len(driver.record.acknowledged),
        faults=deaths.count,
        scaled=f"{len(points)} points × {trials}",
    )
