"""D9 and the ambiguous COMMIT: the network between the adapter and PostgreSQL swallows everything, or breaks."""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random

import pytest
from campaigns.databases import PostgreSQL
from campaigns.nursery import wait_until
from campaigns.pulse import SHOPS_PATIENCE, Pulse, beating, slowest
from campaigns.table import Row
from campaigns.wire import Verdict, Wire
from campaigns.world import World

Scale = Callable[[int, int], int]

WORKER_SECONDS = 15.0


@pytest.fixture
def wire(world: World) -> Wire:
    """Return what stands between the adapter's processes and PostgreSQL."""
    assert isinstance(world.database, PostgreSQL)
    wire: Wire = world.keep(Wire(world.database.server.socket_path))
    name = world.database.url.partition("@/")[2].partition("?")[0]
    world.environment["DATABASE_URL"] = f"postgresql://postgres@127.0.0.1:{wire.port}/{name}"
    return wire


@pytest.mark.databases(cut="postgresql", whole="postgresql")
def test_a_network_that_swallows_everything(world: World, wire: Wire, row: Row, scale: Scale) -> None:
    """D9: no connection ends, and nothing comes back: shops hear 503 in time, and the worker goes on afterwards."""
    row.named("D9 database unreachable", "60 s black hole: 503 within 4.5 s, worker back within 15 s")
    holes = [5.0] if scale(0, 1) == 0 else [6.0, 20.0, 45.0]
    world.start_web()
    world.start_worker()
    longest = 0.0
    with beating(world.port, world.orders, per_second=30) as pulse:
        for seconds in holes:
            time.sleep(0.7)
            wire.judge = lambda _piece: "swallow"
            wire.forget()
            time.sleep(seconds)
            wire.judge = lambda _piece: "pass"
            longest = max(longest, _seconds_until_all_is_well(world, pulse))
    assert {200, 503} == set(pulse.record.answers)
    assert slowest(pulse.beats) < SHOPS_PATIENCE
    driver = world.driver()
    driver.send(pulse.refused())
    driver.finish(60)
    world.come_to_rest()
    told = ", ".join(f"{seconds:g}" for seconds in holes)
    scaled = (
        f"{told} s: {pulse.record.answers[503]} × 503, slowest {slowest(pulse.beats):.1f} s, worker {longest:.1f} s"
    )
    row.take(world.check(driver, pulse), trials=len(pulse.beats), faults=len(holes), scaled=scaled)


def _seconds_until_all_is_well(world: World, pulse: Pulse) -> float:
    """Return how long the worker takes to send again; before that the service has to take orders again."""
    back, known = time.monotonic(), len(world.received())
    assert wait_until(lambda: pulse.is_answered(200, since=back), SHOPS_PATIENCE)
    assert wait_until(lambda: len(world.received()) > known, WORKER_SECONDS)
    seconds = time.monotonic() - back
    time.sleep(max(0.0, SHOPS_PATIENCE - seconds))
    now = time.monotonic()
    time.sleep(1)
    assert {200} == {beat.status for beat in pulse.between(now, now + 0.5)}
    return seconds


@pytest.mark.databases(cut="postgresql", whole="postgresql")
def test_commits_with_an_unknown_outcome(world: World, wire: Wire, row: Row, scale: Scale) -> None:
    """The connection breaks at COMMIT, before or after it was done, on all sides: every order is one row."""
    row.named("D7 ambiguous COMMIT", "every ambiguous COMMIT re-checked: one row, 0 lost")
    orders = scale(250, 3_000)
    wire.judge = _breaker(world.random)
    world.start_web(seconds=0)
    world.start_worker()
    driver = world.driver(8)
    driver.send(world.orders.many(orders))
    driver.finish(scale(60, 400))
    wire.judge = lambda _piece: "pass"
    world.come_to_rest()
    unheard = len(driver.record.stored_unheard)
    scaled = f"{orders:,} orders, {unheard} stored unheard"
    assert wire.cut > 0
    assert unheard > 0
    row.take(world.check(driver), trials=orders, faults=wire.cut, scaled=scaled)


def _breaker(random: Random) -> Callable[[bytes], Verdict]:
    """Break one in eight connections at COMMIT, most of them when it is done; and half of those that bring a body.

    An order's statement commits by itself, and is tried again at once when its connection breaks: for one to be
    stored unheard, both have to. What the worker freezes before it is sent is as long, and breaks as well.
    """

    def judge(piece: bytes) -> Verdict:
        share = 1 / 2 if len(piece) > _LONGER_THAN_ALL_BUT_BODIES else 1 / 8 if b"COMMIT\0" in piece else 0
        return random.choice(("deafen", "deafen", "lose")) if random.random() < share else "pass"

    return judge


_LONGER_THAN_ALL_BUT_BODIES = 2_000
"""Bytes. psycopg prepares a statement that comes often: then its words are no longer in what is sent."""
