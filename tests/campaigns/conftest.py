"""Campaigns: the promise "nothing lost, nothing twice, nothing stuck", held against real processes and real faults.

How to write one. A campaign is a test like any other; its name says what is done to the world:

    def test_killing_the_worker(world: World, row: Row, scale: Scale) -> None:
        \"\"\"C1: …\"\"\"
        row.named("C1", "10,000 orders, 500 kills")          # as reliability.md 4.2 has it
        orders, kills = scale(100, 2_000), scale(3, 60)      # in every `make test`, and in `make campaigns`
        world.start_web()                                    # gunicorn, as the Procfile starts it
        world.start_worker()                                 # adapter deliver
        driver = world.driver()                              # the shops: signs, sends, sends again what wasn't taken
        driver.send(world.orders.many(orders))
        …                                                    # do something terrible
        driver.finish(60)                                    # every order was answered 200 in the end
        world.come_to_rest()                                 # nothing waits any more
        row.take(world.check(driver), trials=orders, faults=kills, scaled=f"{orders} orders, {kills} kills")

- `world.plan({...})` tells the fake API how to misbehave (campaigns/fake_api.py lists what a rule can say), and
  `world.received()` returns every batch it got. `campaigns.proxy.Proxy` stands between any two processes; give it to
  `world.keep()`, so that it ends with the world. `world.orders.next(poison=True)` makes an order that a rule
  `{"containing": POISON, "status": 400}` refuses.
- `world.environment` is that of the adapter's processes; a start may change variables for itself alone. CRASH_AT
  and CRASH_MARK arm a failpoint (campaigns/failpoints.py).
- `world.check()` holds I1–I7 (campaigns/checker.py). What a campaign promises beyond them, it asserts itself.
- Each test runs on SQLite and on PostgreSQL, for a `cut` in `make test` and for the `whole` in `make campaigns`.
  `@pytest.mark.databases(cut="sqlite")` spares the cut the other one, `whole=["postgresql"]` the campaign itself.
  What can't run here calls `row.not_run(why)`.
- `@pytest.mark.alone` is for a campaign that compares times: the others wait, so that it has the machine to itself.
- Draw chance from `world.random` alone. The seed stands in the table; CAMPAIGN_SEED=… repeats it.
- Everything ends with the world, also when the test fails.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from random import SystemRandom

import pytest
from campaigns.databases import Database, PostgreSQL, Server, SQLite
from campaigns.nursery import Nursery
from campaigns.sharing import machine
from campaigns.table import FAILED, Row, lines_of
from campaigns.world import World

CUT_SEED = 1
"""The cuts in `make test` are the same in every run; the whole campaigns are new each time."""


BOTH = ("sqlite", "postgresql")


def pytest_configure(config: pytest.Config) -> None:
    """Make the markers known."""
    config.addinivalue_line("markers", "databases(cut, whole): on which databases a campaign runs; both if not told")
    config.addinivalue_line("markers", "alone: no other campaign runs beside it")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Let each campaign run as a cut and as a whole, on the databases that its marker tells."""
    if "scale" not in metafunc.fixturenames:
        return
    marker = metafunc.definition.get_closest_marker("databases")
    told = marker.kwargs if marker else {}
    runs = [("cut", name, _CUT) for name in _names(told.get("cut", BOTH))]
    runs += [("whole", name, _WHOLE) for name in _names(told.get("whole", BOTH))]
    metafunc.parametrize(
        ("scale", "database"),
        [pytest.param(size, name, marks=marks, id=f"{size}-{name}") for size, name, marks in runs],
        indirect=True,
    )


_CUT = (pytest.mark.processes, pytest.mark.timeout(120))
_WHOLE = (pytest.mark.campaign, pytest.mark.timeout(1200))


def _names(told: str | Sequence[str]) -> Sequence[str]:
    return (told,) if isinstance(told, str) else told


@pytest.fixture
def scale(request: pytest.FixtureRequest) -> Callable[[int, int], int]:
    """Return what chooses between the figure of the cut and that of the whole."""
    return (lambda cut, _whole: cut) if request.param == "cut" else (lambda _cut, whole: whole)


@pytest.fixture(scope="session")
def campaign_servers() -> Iterator[Callable[[bool], Server]]:
    """Yield what gives the PostgreSQL server of this test process: one for the cuts, one with fsync for the whole."""
    with ExitStack() as stack:

        @cache
        def server(fsync: bool) -> Server:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="campaigns-", ignore_cleanup_errors=True))
            started = Server(Path(folder), fsync=fsync)
            stack.callback(started.close)
            return started

        yield server


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path, scale: Callable[[int, int], int]) -> Iterator[Database]:
    """Yield the database of the campaign."""
    found: Database
    if request.param == "sqlite":
        found = SQLite(tmp_path)
    else:
        found = PostgreSQL(request.getfixturevalue("campaign_servers")(bool(scale(0, 1))))
    yield found
    found.close()


@pytest.fixture
def seed(scale: Callable[[int, int], int]) -> int:
    """Return the seed of this campaign."""
    return int(os.environ.get("CAMPAIGN_SEED") or scale(CUT_SEED, SystemRandom().randrange(10**8, 10**9)))


@pytest.fixture
def turn(
    request: pytest.FixtureRequest, scale: Callable[[int, int], int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Let a whole campaign begin when it may."""
    alone = request.node.get_closest_marker("alone") is not None
    with ExitStack() as stack:
        if scale(0, 1):
            stack.enter_context(machine(tmp_path_factory.getbasetemp().parent, alone=alone))
        yield


@pytest.fixture
def row(
    turn: None,
    scale: Callable[[int, int], int],
    database: Database,
    seed: int,
    record_property: Callable[[str, object], None],
) -> Iterator[Row]:
    """Yield the campaign's line of the table, which only whole campaigns get."""
    del turn
    row = Row(database=database.name, seed=seed)
    print(f"CAMPAIGN_SEED={seed}")  # noqa: T201  # Shown with a failure.
    began = time.monotonic()
    yield row
    row.seconds = time.monotonic() - began
    if scale(0, 1):
        record_property("campaign", row.to_property())


@pytest.fixture(scope="session")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    """Yield what starts the adapter's processes."""
    nursery = Nursery(tmp_path_factory.mktemp("nursery"))
    yield nursery
    nursery.close()


@pytest.fixture
def world(row: Row, tmp_path: Path, database: Database, seed: int, nursery: Nursery) -> Iterator[World]:
    """Yield the world of this campaign, with the fake API running and nothing else."""
    with World(tmp_path, database, seed, nursery) as world:
        yield world


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table of all whole campaigns that ran, failed ones and those that couldn't run among them."""
    rows: list[Row] = []
    reports = [report for kind in terminalreporter.stats.values() for report in kind]
    failed = {report.nodeid for report in reports if getattr(report, "failed", False)}
    for report in reports:
        for name, value in getattr(report, "user_properties", ()):
            if name == "campaign" and getattr(report, "when", None) == "teardown":
                row = Row(**value)
                row.note = row.note or (FAILED if report.nodeid in failed else "")
                rows.append(row)
    if rows:
        terminalreporter.section("campaigns")
        for line in lines_of(sorted(rows, key=lambda row: (row.campaign, row.database))):
            terminalreporter.write_line(line)
