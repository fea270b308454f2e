"""Retention against a model with a real time of its own: whatever the clock on the wall does, nothing goes early."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st
from sqlalchemy import Engine, event, update

from adapter.storage.arrivals import Receipt, Received
from adapter.storage.engine import writing
from adapter.storage.purchases import Purchases, Settlement
from adapter.storage.retention import ALLOWANCE, Retention
from adapter.storage.tables import State, purchases, uptime
from adapter.storage.uptime import MOST_AT_ONCE, Uptime

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
KEEP = timedelta(days=2)
MOST_STARTS = 6

courses = st.lists(
    st.one_of(
        st.tuples(st.just("receive"), st.sampled_from(["1", "2", "3"])),
        st.tuples(st.just("settle"), st.sampled_from([State.DELIVERED, State.SKIPPED, State.QUARANTINED])),
        st.tuples(st.just("live"), st.sampled_from([1, 5, 24, 49, 70])),
        st.tuples(st.just("jump"), st.sampled_from([-87_600, -24, -1, 0, 1, 24, 87_600])),
        st.tuples(st.just("start"), st.just(0)),
    ),
    max_size=30,
)


class World:
    """The ledger beside what is known of each order. `real` is the time that has truly passed, `off` what is wrong."""

    def __init__(self, engine: Engine, sealer: Any) -> None:
        self.engine, self.store, self.retention = engine, Purchases(engine, sealer), Retention(engine, KEEP)
        with writing(engine) as connection:
            connection.execute(purchases.delete())
            connection.execute(update(uptime).values(seconds=0, looked_at=None))
        self.real = self.off = timedelta(0)
        self.bodies = self.starts = 0
        self.changed: dict[str, timedelta] = {}
        self.purged: set[str] = set()
        self.state: dict[str, str] = {}
        self.start(0)

    def passed(self) -> float:
        """Return the seconds that have really passed, as a monotonic clock does."""
        return self.real.total_seconds()

    def now(self) -> datetime:
        """Return what the clock on the wall says."""
        return NOON + self.real + self.off

    def receive(self, order_id: str) -> None:
        """Receive a newer body of an order."""
        self.bodies += 1
        body_at = NOON + timedelta(seconds=self.bodies)
        receipt = Receipt(shop="acme", order_id=order_id, body=b"%d" % self.bodies, body_at=body_at, counts=True)
        if self.store.receive([receipt], self.now())[0] is not Received.UNCHANGED:
            self.changed[order_id] = self.real
            self.purged.discard(order_id)
        self.look_at_states()

    def settle(self, state: State) -> None:
        """Settle everything that waits."""
        claims = self.store.claim(["acme"], "due", 10, self.now(), timedelta(minutes=1))
        delivered = state is State.DELIVERED
        self.store.settle(
            [Settlement(claim=claim, state=state, at=self.now(), fixed=delivered) for claim in claims],
        )
        for claim in claims:
            self.changed[claim.order_id] = self.real
        self.look_at_states()

    def jump(self, hours: int) -> None:
        """Set the clock on the wall wrong, or right again."""
        self.off = timedelta(hours=hours)

    def start(self, _nothing: int) -> None:
        """Start the worker anew."""
        if self.starts <= MOST_STARTS:
            self.starts += 1
            self.uptime = Uptime(self.engine, self.passed)

    def live(self, hours: int) -> None:
        """Let hours pass in which the worker sweeps once an hour; look whether each change was right."""
        for _ in range(hours):
            self.real += HOUR
            lived = self.uptime.look(self.now())
            for expired in self.retention.expire(lived, self.now()):
                assert self.real - self.changed[expired.order_id] >= 2 * KEEP
                self.changed[expired.order_id] = self.real
            self.retention.purge_orders(lived)
            self.look_at_bodies()
        self.look_at_states()

    def look_at_bodies(self) -> None:
        """Hold what was purged against the time that has really passed."""
        with self.engine.connect() as connection:
            gone = connection.execute(purchases.select().where(purchases.c.body.is_(None))).all()
        for row in gone:
            if row.order_id not in self.purged:
                assert self.real - self.changed[row.order_id] >= KEEP
                self.purged.add(row.order_id)

    def look_at_states(self) -> None:
        """See that nothing is kept much longer than it should be, starts apart."""
        late = ALLOWANCE + 2 * HOUR + self.starts * MOST_AT_ONCE
        for row in self.store.rows():
            order_id, age = row["order_id"], self.real - self.changed[row["order_id"]]
            if order_id in self.purged:
                continue
            longest = 2 * KEEP if row["state"] in {"pending", "delivering"} else KEEP
            assert age <= longest + late, (order_id, row["state"])


@pytest.fixture
def quick_engine(sqlite_engine: Engine) -> Engine:
    """Return an engine whose commits don't wait for the disk: no machine is killed here."""
    sqlite_engine.dispose()
    event.listen(sqlite_engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    return sqlite_engine


@hypothesis.settings(max_examples=40, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@hypothesis.given(courses)
def test_nothing_goes_early_and_nothing_stays(
    quick_engine: Engine, sealer: Any, course: list[tuple[str, Any]]
) -> None:
    """No clock and no restart purges before the time has really passed, or keeps for ever."""
    world = World(quick_engine, sealer)
    for step, argument in course:
        getattr(world, step)(argument)


def test_ten_years_ahead_and_back(quick_engine: Engine, sealer: Any) -> None:
    """The known case: an order comes in, the clock is ten years ahead for a day, with six starts, and back again."""
    world = World(quick_engine, sealer)
    for step, argument in [
        ("receive", "1"),
        ("settle", State.SKIPPED),
        ("jump", 87_600),
        *[("start", 0)] * MOST_STARTS,
        ("receive", "2"),
        ("live", 24),
        ("jump", 0),
        ("live", 23),
        ("jump", -87_600),
        ("receive", "3"),
        ("jump", 0),
        ("live", 1),
    ]:
        getattr(world, step)(argument)
    assert set() == world.purged
    world.live(24)
    assert {"1"} == world.purged
