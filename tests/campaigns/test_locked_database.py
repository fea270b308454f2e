"""D1, D2: another process holds the SQLite file, or eight at once want it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from campaigns import databases
from campaigns.checker import Findings
from campaigns.databases import SQLite
from campaigns.nursery import ROOT
from campaigns.pulse import SHOPS_PATIENCE, beating, slowest
from campaigns.table import Row
from campaigns.world import World

from adapter.storage.migrate import migrate

Scale = Callable[[int, int], int]

_HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.readline()
"""


@contextmanager
def held_by_another_process(database: SQLite) -> Iterator[None]:
    """Let another process hold the file for itself."""
    command = [sys.executable, "-c", _HOLDER, str(database.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert "held\n" == holder.stdout.readline()
        try:
            yield
        finally:
            holder.kill()


@pytest.mark.databases(cut="sqlite", whole="sqlite")
def test_a_file_that_another_process_holds(world: World, row: Row, scale: Scale) -> None:
    """D1: under load every webhook hears 200 or 503 while its shop still listens, and 200 soon after the release."""
    row.named("D1 SQLite file held", "1, 4, 6, 30 s at 50/s: 503 after 4 s, no 200 without row, back in 1 s")
    assert isinstance(world.database, SQLite)
    holds = (0.5, 4.3) if scale(0, 1) == 0 else (1.0, 4.0, 6.0, 30.0, 4.5, 6.0)
    world.start_web()
    world.start_worker()
    with beating(world.port, world.orders, per_second=50) as pulse:
        released = [_hold(world.database, seconds) for seconds in holds]
        time.sleep(0.5)
    assert {200, 503} >= set(pulse.record.answers)
    assert slowest(pulse.beats) < SHOPS_PATIENCE
    for moment in released:
        back = pulse.between(moment + 1, moment + 2)
        assert {200} == {beat.status for beat in back}
        assert slowest(back) < 1
    driver = world.driver()
    driver.send(pulse.refused())
    driver.finish(60)
    world.come_to_rest()
    held = ", ".join(f"{seconds:g}" for seconds in holds)
    scaled = f"{held} s at 50/s: {pulse.record.answers.get(503, 0)} × 503, slowest answer {slowest(pulse.beats):.1f} s"
    row.take(world.check(driver, pulse), trials=len(pulse.beats), faults=len(holds), scaled=scaled)


def _hold(database: SQLite, seconds: float) -> float:
    """Hold the file for so long; return when it was released, a while ago."""
    time.sleep(0.5)
    with held_by_another_process(database):
        time.sleep(seconds)
    released = time.monotonic()
    time.sleep(2)
    return released


_CLIENT = """
import sys
import time
from datetime import UTC, datetime, timedelta
from adapter.settings import load_settings
from adapter.storage.engine import open_engine, writing
from adapter.storage.arrivals import Receipt
from adapter.storage.purchases import Purchases
from adapter.storage.sealing import Sealer
from sqlalchemy import text

url, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
engine = open_engine(load_settings({"DATABASE_URL": url, "SECRET_KEY": "x"}))
store = Purchases(engine, Sealer(["x"]))
now = datetime.now(UTC)
print("ready", flush=True)
sys.stdin.readline()
for number in range(count):
    store.receive([Receipt(shop="acme", order_id=f"{name}-{number}", body=b"{}", counts=True)], now)
    for claim in store.claim(["acme"], "due", 1, now, timedelta(hours=1)):
        print(claim.order_id, flush=True)
    with writing(engine) as connection:
        seconds = connection.execute(text("SELECT max(seconds) FROM uptime")).scalar_one()
        time.sleep(0.002)  # With a deferred BEGIN another process writes meanwhile.
        connection.execute(text("UPDATE uptime SET seconds = :seconds"), {"seconds": seconds})
"""


@pytest.mark.databases(cut="sqlite")
def test_many_processes_that_read_and_write_in_one_transaction(world: World, row: Row, scale: Scale) -> None:
    """D2: eight processes insert, claim, and read before they write; none hears "database is locked".

    An insert or a claim writes with its first statement, so that it would wait even after a deferred BEGIN.
    """
    row.named("D2 insert and claim at once", "8 processes × 200, 0 errors (a plain BEGIN: 1,506 of 1,600)")
    processes, count = scale(2, 8), scale(30, 200)
    with databases.opened(world.database) as engine:
        migrate(engine)
    with ExitStack() as stack:
        running = [stack.enter_context(_client(world.database.url, number, count)) for number in range(processes)]
        for client in running:
            assert client.stdout is not None
            assert "ready\n" == client.stdout.readline()
        for client in running:
            assert client.stdin is not None
            client.stdin.write("go\n")
            client.stdin.flush()
        said = [client.communicate(timeout=120) for client in running]
    claimed = Counter(line for output, _errors in said for line in output.split())
    stored = len(databases.rows_of(world.database))
    found = Findings(lost=processes * count - stored, doubled=claimed.total() - len(claimed))
    found.add("D2: an error", [errors.splitlines()[-1] for _output, errors in said if errors])
    found.add("D2: not stored, or claimed twice", [1] * (found.lost + found.doubled))
    scaled = f"{processes} processes × {count}"
    row.take(found, trials=processes * count, faults=sum(1 for _, errors in said if errors), scaled=scaled)


def _client(url: str, number: int, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _CLIENT, url, str(number), str(count)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=ROOT, text=True, **pipes)
