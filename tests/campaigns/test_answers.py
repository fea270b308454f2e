"""A2–A7: what real answers do over real sockets: lost, cut, endless, odd, refusing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from campaigns.databases import Database
from campaigns.orders import POISON
from campaigns.raw_api import RawApi
from campaigns.simulation import Simulation
from campaigns.table import Row
from campaigns.world import World

from adapter.axon.client import AxonClient, Patience
from adapter.axon.outcome import Verdict
from adapter.storage.destinations import Condition

pytestmark = pytest.mark.databases(cut="sqlite")

Scale = Callable[[int, int], int]
Api = dict[str, Any]

HOUR = 3600.0
HASTY = Patience(connect=2, read=0.25, total=5)
"""The fake API answers at once or never."""

SHOP = "shopify"


@pytest.fixture
def simulation(world: World, tmp_path: Path, database: Database, seed: int) -> Iterator[Simulation]:
    """Yield a simulation whose client talks to the fake API over real sockets."""
    client = AxonClient(patience=HASTY)
    url = f"http://127.0.0.1:{world.api_port}/v1/event"
    with Simulation(tmp_path, database, seed, client, url) as simulation:
        yield simulation
    client.close()


def _recover(simulation: Simulation) -> None:
    """Let the destination be asked again at once."""
    simulation.destinations.resume(simulation.destination_of(SHOP), simulation.clock())


def test_processed_and_never_answered(simulation: Simulation, world: World, row: Row, scale: Scale) -> None:
    """A2: what was taken in without an answer is sent again byte for byte, and counts once."""
    row.named("A2 processed, then no answer", "10,000 orders, 30 % of batches, every resend byte-equal")
    orders = scale(60, 1_500)
    world.plan({"share": 0.3, "status": 200, "ending": "never"})
    waiting = simulation.orders.many(orders)
    while waiting:
        for _ in range(min(simulation.random.randint(1, 40), len(waiting))):
            simulation.take(waiting.pop())
        simulation.run(simulation.random.uniform(0, 20))
    simulation.come_to_rest(HOUR)
    found = simulation.check(world.received())
    unanswered = sum(batch.ending == "never" for batch in world.received())
    assert unanswered
    row.take(found, trials=orders, faults=unanswered, scaled=f"{orders:,} orders, {found.resent:,} sent again")


_PADDED: Api = {"status": 200, "headers": {"X-Padding": "p" * 150}, "body": '{"all": "was processed, and more"}'}
"""A 200 of more than 230 bytes."""


def test_an_answer_cut_anywhere(simulation: Simulation, world: World, row: Row, scale: Scale) -> None:
    """A3: wherever a 200 is cut, by an end or by a reset, its outcome is unknown: neither delivered nor failed."""
    row.named("A3 answer cut at byte k", "k = 0…200 × 5, each classed unknown")
    places = range(0, 201, scale(29, 1))
    repeated = scale(1, 2)
    tries = 0
    for place in places:
        for ending in ("reset", "cut") * repeated:
            order = simulation.orders.next(SHOP)
            simulation.take(order)
            world.plan({**_PADDED, "ending": ending, "bytes": place})
            _recover(simulation)
            simulation.look()
            tries += 1
            assert Verdict.UNKNOWN is simulation.requests()[-1][-1].verdict, (ending, place)
            assert ("pending", True, 1) == tuple(simulation.row(order)[it] for it in ("state", "fixed", "attempts"))
            world.plan()
            _recover(simulation)
            assert 10 * 60 >= simulation.come_to_rest(HOUR)
    row.take(
        simulation.check(world.received()),
        trials=tries,
        faults=tries,
        scaled=f"{len(places)} places × {2 * repeated}, resets and ends",
    )


_ODD: tuple[tuple[Api, bool], ...] = (
    ({"status": 200, "body": "<html>Welcome</html>", "headers": {"Content-Type": "text/html"}}, True),
    ({"status": 200}, True),
    *(({"status": status}, False) for status in (201, 202, 203, 206, 226, 300, 304, 299, 399, 418, 451, 599, 999)),
    *(({"status": status, "body": "moved"}, False) for status in (301, 302, 303, 307, 308)),
)


def test_odd_answers(simulation: Simulation, world: World, row: Row, scale: Scale) -> None:
    """A5: only 200 delivers; no redirect is followed, so no other host ever sees the key."""
    row.named("A5 odd answers", "only 200 delivers, 0 redirects followed")
    repeated = scale(1, 5)
    with RawApi() as elsewhere:
        for answer, delivers in _ODD * repeated:
            location = {"Location": elsewhere.url} if 300 <= answer["status"] < 400 else {}
            order = simulation.orders.next(SHOP)
            simulation.take(order)
            world.plan({**answer, "headers": {**answer.get("headers", {}), **location}})
            _recover(simulation)
            simulation.look()
            assert ("delivered" if delivers else "pending") == simulation.row(order)["state"], answer
            assert simulation.row(order)["fixed"]
            world.plan()
            _recover(simulation)
            simulation.come_to_rest(HOUR)
        assert 0 == elsewhere.connections
    row.take(
        simulation.check(world.received()),
        trials=len(_ODD) * repeated,
        faults=len(_ODD) * repeated,
        scaled=f"{len(_ODD)} kinds × {repeated}",
    )


def test_five_odd_answers_pause(simulation: Simulation, world: World, row: Row) -> None:
    """A5: after the fifth in a row the shop's destination is paused with one alert, and goes on by itself."""
    row.named("A5 odd answers in a row", "five pause")
    world.plan({"status": 202})
    order = simulation.orders.next(SHOP)
    simulation.take(order)
    simulation.run(HOUR)
    assert Condition.PAUSED is simulation.state_of(SHOP).condition
    assert 5 + 12 >= len(simulation.requests())
    assert 1 == simulation.said("destination paused")
    world.plan()
    simulation.come_to_rest(HOUR)
    row.take(simulation.check(world.received()), trials=1, faults=len(simulation.requests()) - 1, scaled="1 h of 202")


def _in(seconds: float) -> str:
    return f"{datetime.now(UTC) + timedelta(seconds=seconds):%a, %d %b %Y %H:%M:%S GMT}"


_WAITS: tuple[tuple[str, float, float], ...] = (
    *(("0", 0, 2), ("7", 7, 8), (" 90 ", 90, 91), ("3600", 3600, 3600), ("3601", 3600, 3600)),
    *(("1000000000", 3600, 3600), ("9" * 400, 3600, 3600), ("-5", 0, 2), ("1.5", 0, 2), ("soon", 0, 2), ("", 0, 2)),
    *(("Thu, 01 Jan 1970 00:00:00 GMT", 0, 2), ("Wed, 99 Foo 2036 25:61:00 GMT", 0, 2), ("١٢", 0, 2)),
    *((_in(3000), 2000, 3001), (_in(10**6), 3600, 3600), ("Fri, 31 Dec 9999 23:59:59 GMT", 3600, 3600)),
)
"""A Retry-After, and how many seconds the destination rests at least and at most after a failure.

A destination that came back a moment ago rests for up to 2 s by itself.
"""


def test_what_the_api_asks_for(simulation: Simulation, world: World, row: Row, scale: Scale) -> None:
    """A6: Retry-After in every form is obeyed up to an hour, junk is none; no request comes before its end."""
    row.named("A6 Retry-After", "seconds, date, negative, 10^9, junk; ≤ 1 h")
    repeated = scale(1, 3)
    for status in (429, 503) * repeated:
        for text, least, most in _WAITS:
            order = simulation.orders.next(SHOP)
            simulation.take(order)
            world.plan({"status": status, "headers": {"Retry-After": text}})
            _recover(simulation)
            simulation.look()
            rest = simulation.state_of(SHOP).rest_until
            assert rest is not None
            seconds = (rest - simulation.clock()).total_seconds()
            assert least - 0.05 <= seconds <= most, (text, seconds)
            asked = len(simulation.requests())
            simulation.run(max(seconds - 1, 0))
            assert asked == len(simulation.requests()), text
            world.plan()
            simulation.come_to_rest(2 * HOUR)
    tries = len(_WAITS) * 2 * repeated
    row.take(simulation.check(world.received()), trials=tries, faults=tries, scaled=f"{len(_WAITS)} forms")


def test_every_status(simulation: Simulation, world: World, row: Row, scale: Scale) -> None:
    """A6: every code but the refusals leaves the order waiting; none of these loses or quarantines it."""
    row.named("A6 status codes", "5xx back off, 403/404 pause, 0 lost, 0 quarantined")
    statuses = range(401, 600, scale(29, 1))
    for status in statuses:
        if status in (402, 405, 410, 413, 422):
            continue
        orders = simulation.orders.many(3, SHOP)
        for order in orders:
            simulation.take(order)
        world.plan({"status": status})
        _recover(simulation)
        simulation.look()
        assert {"pending"} == {simulation.row(order)["state"] for order in orders}, status
        paused = simulation.state_of(SHOP).condition is Condition.PAUSED
        assert (status in (401, 403, 404)) is paused
        world.plan()
        simulation.come_to_rest(HOUR)
    row.take(
        simulation.check(world.received()), trials=3 * len(statuses), faults=len(statuses), scaled="401…599, 3 orders"
    )


def test_too_large(simulation: Simulation, world: World, row: Row, scale: Scale) -> None:
    """A6: a 413 halves until it fits; only an order that is too large by itself is quarantined."""
    row.named("A6 413", "halves")
    rounds = scale(1, 10)
    for _ in range(rounds):
        orders = simulation.orders.many(30, SHOP)
        for order in [*orders, simulation.orders.next(SHOP, poison=True)]:
            simulation.take(order)
        world.plan({"containing": POISON, "status": 413})
        simulation.come_to_rest(HOUR)
    assert {"delivered": 30 * rounds, "quarantined": rounds} == simulation.states()
    row.take(simulation.check(world.received()), trials=31 * rounds, faults=rounds, scaled=f"{rounds} × 1 in 31")


_REFUSAL: Api = {
    "containing": POISON,
    "status": 400,
    "headers": {
        "x-al-error-code": "EVENT_INVALID",
        "x-al-error-message": "An item is not allowed",
        "x-trace-id": "trace-77",
    },
    "body": '{"error": "the batch was dropped"}',
}
_WORST = {1: 16, 2: 27 + 2, 5: 55 + 5, 10: 89 + 10}
"""The most requests of plain halving for so many bad events in 100 (reliability.md 4.1), and one more try for each."""


@pytest.mark.parametrize("poisons", sorted(_WORST))
def test_poison(simulation: Simulation, world: World, row: Row, scale: Scale, poisons: int) -> None:
    """A7: bad events among 100 are quarantined with the API's answer; all others are delivered, in few requests."""
    row.named(f"A7 {poisons} poison in 100", f"100 batches, ≤ {_WORST[poisons]} requests each")
    batches = scale(1, 25 if poisons == 1 else 6)
    world.plan(_REFUSAL)
    most = 0
    for _ in range(batches):
        places = simulation.random.sample(range(100), poisons)
        orders = [simulation.orders.next(SHOP, poison=place in places) for place in range(100)]
        for order in orders:
            simulation.take(order)
        asked = len(simulation.requests())
        simulation.come_to_rest(HOUR)
        most = max(most, len(simulation.requests()) - asked)
        for place in places:
            _shows_the_answer(simulation.row(orders[place]))
    assert _WORST[poisons] >= most
    assert {"delivered": (100 - poisons) * batches, "quarantined": poisons * batches} == simulation.states()
    row.take(
        simulation.check(world.received()),
        trials=100 * batches,
        faults=poisons * batches,
        scaled=f"{batches} batches, {most} requests at most",
    )


def _shows_the_answer(row: Any) -> None:
    shown = json.loads(row["answer"])
    expected = {
        "verdict": "refused",
        "status": 400,
        "error_code": "EVENT_INVALID",
        "error_message": "An item is not allowed",
        "trace_id": "trace-77",
        "body": '{"error": "the batch was dropped"}',
    }
    assert expected == shown
    assert row["reason"].startswith("refused by Axon: answer 400: EVENT_INVALID: An item is not allowed")
