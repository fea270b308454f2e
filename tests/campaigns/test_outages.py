"""A1, A8–A10: hours in which the API is away, refuses everything, refuses our key, or fails now and then."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import pairwise
from math import log, sqrt
from pathlib import Path
from random import Random

import pytest
from campaigns.databases import Database
from campaigns.orders import API_KEY, PIXELS, POISON
from campaigns.scripted import Reply, Request
from campaigns.simulation import Now, Simulation
from campaigns.table import Row

from adapter.axon.outcome import Verdict
from adapter.storage.destinations import Condition

pytestmark = pytest.mark.databases(cut="sqlite")

Scale = Callable[[int, int], int]

MINUTE = 60
HOUR = 60 * MINUTE
SHOPS = tuple(PIXELS)
LONGEST_AFTER = 7
"""After so many probes the jitter on top of the minute between them has grown to a minute."""
NO_ANSWER = Reply(status=None, processed=False, seconds=0.01)


@pytest.fixture
def simulation(tmp_path: Path, database: Database, seed: int, row: Row) -> Iterator[Simulation]:
    """Yield a simulation on the campaign's database."""
    with Simulation(tmp_path, database, seed) as simulation:
        yield simulation


def seconds_between(moments: list[datetime]) -> list[float]:
    """Return the distances of moments."""
    return [(later - earlier).total_seconds() for earlier, later in pairwise(moments)]


def assert_uniform(seconds: list[float], longest: float) -> None:
    """Hold Kolmogorov and Smirnov's test against the jitter: uniform from 0 to `longest` (p > 1e-6)."""
    ordered = sorted(second / longest for second in seconds)
    distance = max(
        max((place + 1) / len(ordered) - value, value - place / len(ordered)) for place, value in enumerate(ordered)
    )
    assert distance <= sqrt(-log(1e-6 / 2) / 2 / len(ordered)), f"no full jitter: {distance:.2f} apart"


def test_the_api_is_down(simulation: Simulation, row: Row, scale: Scale) -> None:
    """A1: hours without an answer: a probe a minute at most and shop; all is delivered within 10 minutes after it."""
    row.named("A1 API down", "6 h, 5,000 orders, 0 lost, ≤ 1 probe/min, drained ≤ 10 min")
    hours, orders = scale(1, 6), scale(60, 1_200)
    simulation.api.script = lambda _request: NO_ANSWER
    coming = [(simulation.random.uniform(0, hours * HOUR), order) for order in simulation.orders.many(orders)]
    simulation.run(hours * HOUR, coming)
    for shop in SHOPS:
        probes = simulation.requests(shop)[5:]
        assert {1} == {events for _, _, events, _ in probes}
        gaps = seconds_between([moment for moment, *_ in probes])
        assert MINUTE <= min(gaps)
        assert_uniform([gap - MINUTE for gap in gaps[LONGEST_AFTER:]], MINUTE)
    asked = len(simulation.requests())
    assert 2 == simulation.said("destination down")
    simulation.api.script = lambda _request: Reply()
    seconds = simulation.come_to_rest(HOUR)
    assert 10 * MINUTE >= seconds
    # Full batches, and a few for those that were probes; no stampede.
    assert orders / 100 + 2 * 10 >= len(simulation.requests()) - asked
    row.take(
        simulation.check(),
        trials=orders,
        faults=asked,
        scaled=f"{hours} h, {orders:,} orders, {asked} tries, drained in {seconds:.0f} s",
    )


def test_everything_is_refused(simulation: Simulation, row: Row, scale: Scale) -> None:
    """A8: a 400 for everything quarantines nothing; the newest order asks, and all is delivered after the repair."""
    row.named("A8 400 for everything", "0 quarantined, doubtful ≤ 10 requests, alert ≤ 60 s, all delivered after")
    orders, hours = scale(60, 1_500), scale(1, 6)
    simulation.api.script = lambda _request: Reply(status=400)
    for order in simulation.orders.many(orders):
        simulation.take(order)
    simulation.look()
    for shop in SHOPS:
        assert 10 >= len(simulation.requests(shop))
        assert Condition.DOUBTFUL is simulation.state_of(shop).condition
    assert 2 == simulation.said("destination doubtful")
    refused = len(simulation.requests())
    for _ in range(hours * 6):
        newest = [simulation.orders.next(shop) for shop in SHOPS]
        for order in newest:
            simulation.take(order)
        asked = len(simulation.api.batches)
        simulation.run(10 * MINUTE)
        probes = simulation.api.batches[asked:]
        assert {1} == {len(batch.events) for batch in probes}
        first = {batch.events[0].key[0]: batch.events[0].key for batch in reversed(probes)}
        assert {(PIXELS[order.shop], order.id) for order in newest} == set(first.values())
    assert {"pending"} == set(simulation.states())
    assert 2 == simulation.said("destination doubtful")
    faults = len(simulation.requests())
    simulation.api.script = lambda _request: Reply()
    seconds = simulation.come_to_rest(HOUR)
    assert {"delivered"} == set(simulation.states())
    row.take(
        simulation.check(),
        trials=len(simulation.acknowledged),
        faults=faults,
        scaled=f"{hours} h, doubtful after {refused // 2} requests, delivered in {seconds:.0f} s",
    )


def test_a_lone_refused_order(simulation: Simulation, row: Row, scale: Scale) -> None:
    """A8: in a quiet shop a bad order waits for the next one's acceptance, decided by it, and never in its way."""
    row.named("A8 a lone bad order", "decided by the next accepted order, never in front of it")
    trials = scale(3, 60)
    simulation.api.script = _refusing_poison
    slowest = 0.0
    for _ in range(trials):
        shop = simulation.random.choice(SHOPS)
        simulation.run(simulation.random.uniform(1, 3) * HOUR)
        bad, good = simulation.orders.next(shop, poison=True), simulation.orders.next(shop)
        simulation.take(bad)
        simulation.run(simulation.random.uniform(0, 40) ** 2)
        assert "pending" == simulation.row(bad)["state"]
        simulation.take(good)
        came = simulation.clock()
        simulation.run(2 * MINUTE)
        slowest = max(slowest, (simulation.row(good)["settled_at"] - came).total_seconds())
        assert ("quarantined", "delivered") == (simulation.row(bad)["state"], simulation.row(good)["state"])
    assert 32 >= slowest
    row.take(
        simulation.check(),
        trials=2 * trials,
        faults=trials,
        scaled=f"{trials} pairs, the good one waited {slowest:.0f} s at most",
    )


def _refusing_poison(request: Request) -> Reply:
    return Reply(status=400 if POISON.encode() in request.body else 200)


def test_refused_credentials(simulation: Simulation, row: Row, scale: Scale) -> None:
    """A9: a 401 pauses one shop alone: 2 requests, then one in 5 minutes, one alert, no attempt used; 3 ways out."""
    row.named("A9 401", "5,000 queued; ≤ 2 requests, then ≤ 1/5 min; 1 alert; 5,000 delivered after")
    orders, hours = scale(40, 800), scale(1, 3)
    keys = {"good": API_KEY}
    simulation.api.script = lambda request: Reply(
        status=200 if request.pixel != PIXELS["shopify"] or request.key == keys["good"] else 401
    )
    faults = 0
    for number, way_out in enumerate(("resume", "probe", "new key"), 1):
        keys["good"] = "nobody's"
        for order in simulation.orders.many(orders, "shopify"):
            simulation.take(order)
        others = [(at * MINUTE, simulation.orders.next("woocommerce")) for at in range(0, hours * 60, scale(12, 1))]
        asked = len(simulation.requests("shopify"))
        simulation.run(hours * HOUR, others)
        simulation.workers = [simulation.new_worker()]  # As after a restart: the pause is stored.
        simulation.run(4 * MINUTE)
        tries = [moment for moment, *_ in simulation.requests("shopify")[asked:]]
        assert 2 + hours * 12 >= len(tries)
        assert 5 * MINUTE <= min(seconds_between(tries[1:]))
        assert number == simulation.said("destination paused")
        assert {0} == {it["attempts"] for it in simulation.purchases.rows(limit=10**6) if it["state"] == "pending"}
        assert {"delivered"} == {simulation.row(order)["state"] for _, order in others}
        faults += len(tries)
        assert _heal(simulation, keys, way_out) >= simulation.come_to_rest(HOUR)
    row.take(
        simulation.check(),
        trials=len(simulation.acknowledged),
        faults=faults,
        scaled=f"3 × {hours} h, {orders:,} queued each; ended by resume, probe, new key",
    )


def _heal(simulation: Simulation, keys: dict[str, str], way_out: str) -> float:
    """Repair the key in one of three ways; return within how many seconds everything must be delivered."""
    keys["good"] = API_KEY
    if way_out == "probe":
        return 5 * MINUTE + 30
    if way_out == "resume":
        simulation.destinations.resume(simulation.destination_of("shopify"), simulation.clock())
        return 30
    keys["good"] = "another-key-of-the-shop"
    simulation.shops = simulation.load(keys["good"])
    simulation.workers = [simulation.new_worker()]
    return 30


FLAKY = 0.3
_FAILURES = (
    *(Reply(status=None, processed=True, seconds=15), Reply(status=None, processed=False, seconds=0.05)),
    *(Reply(status=status, processed=done) for status in (500, 502, 503, 504, 408) for done in (True, False)),
    *(Reply(status=status, processed=True) for status in (202, 204, 301, 304)),
    *(Reply(status=status, retry_after=after) for status in (429, 503) for after in (0, 5, 90)),
    Reply(status=401),
)


def _flaky(random: Random) -> Callable[[Request], Reply]:
    return lambda _request: random.choice(_FAILURES) if random.random() < FLAKY else Reply()


def test_a_flaky_day(simulation: Simulation, row: Row, scale: Scale) -> None:
    """A10: 24 hours in which 30 % of all requests fail somehow cost 1.6 × the requests of a day without a failure."""
    row.named("A10 flaky 24 h", "100 seeds; requests ≤ 1.6 × ideal")
    days = scale(1, 30)
    needed = 0
    for _ in range(days):
        simulation.api.script = _flaky(Random(simulation.random.random()))  # noqa: S311  # Repeatable on purpose.
        moments = [simulation.random.uniform(0, 24 * HOUR) for _ in range(scale(25, 90))]
        bursts = [simulation.random.uniform(0, 24 * HOUR) for _ in range(2)]
        coming = [(moment, simulation.orders.next()) for moment in moments]
        coming += [(moment, order) for moment in bursts for order in simulation.orders.many(scale(40, 120))]
        needed += len(moments) + len(bursts) * 2
        simulation.run(24 * HOUR, coming)
    simulation.api.script = lambda _request: Reply()
    simulation.come_to_rest(HOUR)
    failed = sum(outcome.verdict is not Verdict.ACCEPTED for *_, outcome in simulation.requests())
    ratio = len(simulation.requests()) / needed
    assert ratio <= 1.6
    row.take(
        simulation.check(),
        trials=len(simulation.acknowledged),
        faults=failed,
        scaled=f"{days} days, {needed:,} requests needed, {ratio:.2f} × as many sent",
    )


def test_a_stampede_when_it_is_back(simulation: Simulation, row: Row, scale: Scale) -> None:
    """A11: four workers with a backlog meet an API that is back at a fifth of its strength: no storm, and no herd."""
    row.named("A11 recovery stampede", "100,000 backlog, 4 workers; offered ≤ rate; ≤ 1,050 requests")
    orders, minutes = scale(120, 2_000), scale(5, 20)
    simulation.workers = [simulation.new_worker() for _ in range(4)]
    simulation.client.meanwhile = _others_look(simulation)
    for order in simulation.orders.many(orders):
        simulation.take(order)
    simulation.api.script = lambda _request: NO_ANSWER
    simulation.run(HOUR)
    down = len(simulation.requests())
    random = Random(simulation.random.random())  # noqa: S311  # Repeatable on purpose.
    simulation.api.script = lambda _request: Reply() if random.random() < 0.2 else Reply(status=503, processed=False)
    simulation.run(minutes * MINUTE)
    weak = len(simulation.requests()) - down
    assert 2 * 20 * minutes >= weak
    simulation.api.script = lambda _request: Reply()
    seconds = simulation.come_to_rest(HOUR)
    assert 10 * MINUTE + 60 >= seconds
    assert orders / 100 * 1.05 + 40 >= len(simulation.requests()) - down - weak
    row.take(
        simulation.check(),
        trials=orders,
        faults=down + weak,
        scaled=f"{orders:,} orders, 4 workers, {weak} requests in {minutes} weak min, drained in {seconds:.0f} s",
    )


def _others_look(simulation: Simulation) -> Callable[[], None]:
    """Return what lets the other workers look while one is sending; one that is sending itself is busy."""
    busy: list[int] = [0]

    def look() -> None:
        if busy[0] + 1 < len(simulation.workers):
            busy[0] += 1
            simulation.workers[busy[0]]._look(Now(), {})
            busy[0] -= 1

    return look
