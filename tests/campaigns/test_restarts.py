"""C5: deploys and restarts while orders come in: no request is dropped, nothing takes longer than its grace."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

import pytest
from campaigns.nursery import Child, wait_until
from campaigns.table import Row
from campaigns.world import World

Scale = Callable[[int, int], int]

GRACE_SECONDS = 25.0
PER_SECOND = 50


@pytest.mark.databases(cut="sqlite")
def test_rolling_restarts(world: World, row: Row, scale: Scale) -> None:
    """C5: SIGHUP and SIGTERM by turns, workers that retire by themselves: every order is taken on its first retry."""
    row.named("C5 rolling restarts", "30 min at 50/s: ≤ 0.1 % errors, one retry, stops within 25 s")
    restarts = scale(2, 10)
    world.environment["GUNICORN_CMD_ARGS"] = f"--max-requests {scale(30, 200)} --max-requests-jitter 10"
    # Nobody is killed, so no lease needs to be short; on SQLite the service delivers by itself, as it does by default.
    world.environment |= {"LEASE_SECONDS": "60", "EMBEDDED_DELIVERY": str(world.database.name == "sqlite").lower()}
    world.plan({"share": 0.2, "delay": 1.5})
    service, worker = world.start_web(), world.start_worker()
    driver, stops = world.driver(8), []
    for number in range(restarts):
        driver.send(world.orders.many(scale(20, 120)), PER_SECOND)
        if number % 2:
            service.signal(signal.SIGHUP)
        else:
            service, retired = _next_service(world), service
            stops += [_seconds_to_stop(retired), _seconds_to_stop(worker)]
            worker = world.start_worker()
        driver.send(world.orders.many(scale(20, 120)), PER_SECOND)
    record = driver.finish(60)
    stops += [_seconds_to_stop(service)]
    world.start_web()
    world.come_to_rest()
    orders = len(record.acknowledged)
    found = world.check(driver)
    found.add("C5: sent again", [found.resent] if found.resent else [])
    found.add("C5: stopped too late", [seconds for seconds in stops if seconds > GRACE_SECONDS])
    found.add("C5: needed more than one retry", [key for key, tries in record.tries.items() if tries > 2])
    found.add("C5: too many requests failed", [record.failures] if record.failures > max(1, orders * 0.001) else [])
    scaled = f"{orders:,} orders, {restarts} restarts, {record.failures} retried, stops ≤ {max(stops):.1f} s"
    row.take(found, trials=orders, faults=restarts, scaled=scaled)


def _next_service(world: World) -> Child:
    """Start the next version beside the old one, as hosts do; both take orders until the old one is told to stop."""
    booted = world.booted()
    service = world.start_web()
    assert wait_until(lambda: world.booted() >= booted + 2, 30)
    time.sleep(0.5)
    return service


def _seconds_to_stop(child: Child) -> float:
    began = time.monotonic()
    child.signal(signal.SIGTERM)
    child.wait(GRACE_SECONDS + 5)
    return time.monotonic() - began
