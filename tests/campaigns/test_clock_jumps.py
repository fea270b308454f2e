"""T1: the machine's clock jumps by an hour, a day or ten years, ahead and back, also while a batch is on its way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from campaigns.databases import Database
from campaigns.orders import Order
from campaigns.scripted import Reply, Request
from campaigns.simulation import Simulation
from campaigns.table import Row

pytestmark = pytest.mark.databases(cut="sqlite")

Scale = Callable[[int, int], int]

MINUTE, HOUR = 60.0, 3600.0
_YEARS = timedelta(days=3652)
JUMPS = [sign * size for size in (timedelta(hours=1), timedelta(days=1), _YEARS) for sign in (1, -1)]
OLDEST = timedelta(days=7)
"""An order that comes in while the clock is farther ahead looks older than the shop's `max_age_days`."""


@pytest.fixture
def simulation(tmp_path: Path, database: Database, seed: int, row: Row) -> Iterator[Simulation]:
    """Yield a simulation that sweeps as well, so that what is purged too early would be seen."""
    with Simulation(tmp_path, database, seed, sweeps=True) as simulation:
        yield simulation


@dataclass(slots=True)
class _Trouble:
    """An API of which three requests in ten fail, and a clock that jumps while it answers, now and then."""

    simulation: Simulation
    random: Random
    jumps: bool
    count: int = 0

    def __call__(self, _request: Request) -> Reply:
        if self.random.random() < 0.1 and self.jumps:
            self.jump()
        failing = (
            Reply(status=503),
            Reply(status=None, processed=True, seconds=15),
            Reply(status=429, retry_after=30),
        )
        return self.random.choice(failing) if self.random.random() < 0.3 else Reply()

    def jump(self) -> None:
        """Set the clock wrong, or right again."""
        clock = self.simulation.clock
        clock.error = timedelta(0) if clock.error else self.random.choice(JUMPS)
        self.count += 1


def _hours(simulation: Simulation, seed: float, orders: list[Order], *, jumps: bool) -> tuple[int, int]:
    """Let orders come in over six hours; return how many requests and how many jumps there were."""
    random = Random(seed)  # noqa: S311  # Repeatable on purpose.
    simulation.api.script = trouble = _Trouble(simulation, random, jumps)
    asked = len(simulation.requests())
    for order in orders:
        simulation.run(random.uniform(0, 2 * 6 * HOUR / len(orders)))
        if jumps and random.random() < 0.3:
            trouble.jump()
        simulation.take(order, "skipped" if simulation.clock.error > OLDEST else None)
    simulation.clock.error = timedelta(0)
    simulation.run(20 * MINUTE)
    assert 0 == simulation.waiting()
    return len(simulation.requests()) - asked, trouble.count


def test_the_clock_jumps(simulation: Simulation, row: Row, scale: Scale) -> None:
    """T1: nothing is stuck, nothing is purged, and no more than twice the requests are sent."""
    row.named("T1 clock jumps", "±1 h, ±1 d, ±10 y; no stuck, ≤ 2× requests, no early purge")
    rounds, orders = scale(1, 12), scale(25, 60)
    usual = with_jumps = jumps = 0
    for _ in range(rounds):
        seed = simulation.random.random()
        usual += _hours(simulation, seed, simulation.orders.many(orders), jumps=False)[0]
        sent, jumped = _hours(simulation, seed, simulation.orders.many(orders), jumps=True)
        with_jumps, jumps = with_jumps + sent, jumps + jumped
    assert 2 * usual >= with_jumps
    kept = simulation.purchases.rows(limit=10**6)
    assert len(simulation.acknowledged) == len(kept)
    assert [] == [line for line in simulation.logs if line["event"] in ("orders purged", "order expired", "expired")]
    row.take(
        simulation.check(),
        trials=len(simulation.acknowledged),
        faults=jumps,
        scaled=f"{rounds} × 6 h, {jumps} jumps, {with_jumps / usual:.2f} × the requests",
    )


STATUSES = dict(
    zip(
        ("leased", "paused", "down", "silent", "doubtful", "backing off", "suspect"),
        (503, 401, 503, None, 400, 503, 400),
        strict=True,
    )
)
"""What an order or its destination may be in when the clock jumps, and the answer that brings it there."""


def test_a_jump_in_each_state(simulation: Simulation, row: Row, scale: Scale) -> None:
    """T1: whatever an order waits for when the clock jumps, it goes on within 20 minutes.

    Only what a worker held that died just then waits for up to an hour when the clock was set back by an hour: its
    lease can't be told from a new one.
    """
    row.named("T1 a jump in each state", "nothing stuck")
    cases = [(state, jump) for state in STATUSES for jump in JUMPS]
    cases = simulation.random.sample(cases, scale(6, len(cases)))
    for state, jump in cases:
        simulation.run(2 * HOUR)
        first, second = simulation.orders.many(2, "shopify")
        simulation.api.script = lambda _request, status=STATUSES[state]: Reply(status=status, seconds=0.1)  # type: ignore[misc]
        asked = len(simulation.requests())
        _bring_into(simulation, state, first)
        assert 70 >= len(simulation.requests()) - asked, (state, jump)
        simulation.clock.error = jump
        asked = len(simulation.requests())
        simulation.run(10 * MINUTE)
        assert 15 >= len(simulation.requests()) - asked, (state, jump)
        simulation.api.script = lambda _request: Reply()
        simulation.take(second, "skipped" if jump > OLDEST else None)
        patience = 62 if state == "leased" else 20
        assert patience * MINUTE >= simulation.come_to_rest(2 * HOUR), (state, jump)
        simulation.clock.error = timedelta(0)
    row.take(simulation.check(), trials=2 * len(cases), faults=len(cases), scaled=f"{len(cases)} cases")


def _bring_into(simulation: Simulation, state: str, order: Order) -> None:
    simulation.take(order)
    if state == "leased":
        simulation.purchases.claim(["shopify"], "due", 100, simulation.clock(), timedelta(seconds=60))
    else:
        simulation.run({"down": HOUR, "silent": HOUR, "suspect": HOUR}.get(state, 2))
