"""M2: random courses of orders, workers, answers, kills and clocks, on real databases, held against a model."""

from __future__ import annotations

import time
from collections.abc import Callable

import hypothesis
from campaigns import databases
from campaigns.checker import Findings
from campaigns.databases import Database
from campaigns.outbox import Outbox
from campaigns.table import Row
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import Engine, event

from adapter.storage.migrate import migrate

Scale = Callable[[int, int], int]

STEPS = 50
_AT_ONCE = 5


def test_any_course_of_things(database: Database, row: Row, scale: Scale, seed: int) -> None:
    """M2: after every step each acknowledged order is one row, sent by one worker, with the same bytes, and so on."""
    row.named("M2 model of the outbox", "20,000 runs × 50 steps, I1–I8 after each")
    seconds = {"sqlite": scale(6, 220), "postgresql": scale(3, 130)}[database.name]
    with databases.opened(database) as engine:
        migrate(engine)
        if database.name == "sqlite":
            _hurry(engine)
        runs = _runs(engine, seed, seconds)
    row.take(Findings(), trials=runs, faults=0, scaled=f"{runs:,} runs × {STEPS} steps")


def _runs(engine: Engine, seed: int, seconds: float) -> int:
    """Run the machine, some courses at a time, until the time is over; return how many courses it took."""
    until = time.monotonic() + seconds
    runs = 0
    while time.monotonic() < until:
        machine = hypothesis.seed(seed + runs)(type("Course", (Outbox,), {"engine": engine}))
        run_state_machine_as_test(machine, settings=_SETTINGS)
        runs += _AT_ONCE
    return runs


_SETTINGS = hypothesis.settings(
    max_examples=_AT_ONCE,
    stateful_step_count=STEPS,
    deadline=None,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)


def _hurry(engine: Engine) -> None:
    """Let commits not wait for the disk: no machine is switched off here."""
    engine.dispose()
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
