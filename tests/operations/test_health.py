"""From facts to causes: one table of what is wrong and what isn't, with the edges of each rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapter.operations.facts import Database, DestinationFacts, Facts, Machine
from adapter.operations.health import causes
from adapter.storage.destinations import Condition, DestinationState
from adapter.storage.tallies import Total
from adapter.storage.vitals import ShopVitals
from adapter.tally import Counted

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MB = 1 << 20

QUIET = ShopVitals(due_since=None, quarantined=0, quarantined_since=None, arrivals=())
OPEN = DestinationState(since=NOON - DAY, answered_at=NOON - HOUR, accepted_at=NOON - HOUR)
WELL = Facts(
    at=NOON,
    database=Database.WRITABLE,
    beat_at=NOON - 10 * SECOND,
    clock_ahead=timedelta(0),
    machine=Machine(disk=100_000 * MB, free=50_000 * MB, log=4 * MB),
    shops={"acme": QUIET, "other": QUIET},
    destinations=(DestinationFacts(id="d1", shops=("acme", "other"), state=OPEN),),
)


def due(age: timedelta, **changes: Any) -> Facts:
    """Return facts with an order of acme that has been due for so long."""
    return replace(WELL, shops={"acme": replace(QUIET, due_since=NOON - age), "other": QUIET}, **changes)


def at_destination(**changes: Any) -> Facts:
    """Return facts with another state of the destination."""
    return replace(WELL, destinations=(replace(WELL.destinations[0], state=replace(OPEN, **changes)),))


def of_shop(**changes: Any) -> Facts:
    """Return facts with other vital signs of acme."""
    return replace(WELL, shops={"acme": replace(QUIET, **changes), "other": QUIET})


def sold(last: timedelta, gap: timedelta, count: int) -> Facts:
    """Return facts of a shop whose last order is so old, and that sold once in each gap before."""
    return of_shop(arrivals=tuple(NOON - last - number * gap for number in range(count)))


def on_disk(free: int, disk: int, log: int = 0) -> Facts:
    """Return facts of a disk, in megabytes."""
    return replace(WELL, machine=Machine(disk=disk * MB, free=free * MB, log=log * MB))


def counted(**minutes_ago: int) -> Facts:
    """Return facts of webhooks that were answered s401=…, s200=… so many minutes ago."""
    totals = {
        Counted("webhooks", "acme", status[1:]): Total(3, NOON - minutes * MINUTE)
        for status, minutes in minutes_ago.items()
    }
    return replace(WELL, totals=totals)


IS_DEAD = {"beat_at": NOON - 61 * SECOND}
WITHOUT = {"without_destination": frozenset({"acme"})}

TABLE: list[tuple[str, Facts, set[str]]] = [
    ("all is well", WELL, set()),
    ("PostgreSQL tells of no disk", replace(WELL, machine=None), set()),
    ("nothing can be written", replace(WELL, database=Database.READABLE), {"database_unusable"}),
    ("nothing can be read", Facts(at=NOON, database=Database.AWAY), {"database_unusable"}),
    ("no worker can say that it lives", due(HOUR, database=Database.READABLE, **IS_DEAD), {"database_unusable"}),
    ("no worker and nothing due", replace(WELL, **IS_DEAD), set()),
    ("no worker, due for a minute", due(MINUTE, **IS_DEAD), set()),
    ("no worker, due for longer", due(61 * SECOND, **IS_DEAD), {"delivery_dead"}),
    ("never a worker", due(61 * SECOND, beat_at=None), {"delivery_dead"}),
    ("a worker ahead by a clock", due(61 * SECOND, beat_at=NOON + HOUR), {"delivery_dead"}),
    ("a worker that looked a minute ago", due(MINUTE, beat_at=NOON - MINUTE), set()),
    ("no worker, and no destination", due(HOUR, **IS_DEAD, **WITHOUT, destinations=()), {"destination_missing"}),
    ("no destination, nothing due", replace(WELL, **WITHOUT, destinations=()), set()),
    ("due for a minute", due(MINUTE), set()),
    ("due for longer", due(61 * SECOND), {"orders_late"}),
    (
        "open again for a minute",
        replace(due(HOUR), destinations=at_destination(since=NOON - MINUTE).destinations),
        set(),
    ),
    (
        "open again for longer",
        replace(due(HOUR), destinations=at_destination(since=NOON - 61 * SECOND).destinations),
        {"orders_late"},
    ),
    ("paused", at_destination(condition=Condition.PAUSED), {"destination_paused"}),
    ("doubtful", at_destination(condition=Condition.DOUBTFUL), {"destination_doubtful"}),
    ("down", at_destination(condition=Condition.DOWN), {"destination_down"}),
    (
        "paused, and orders wait",
        replace(due(HOUR), destinations=at_destination(condition=Condition.PAUSED).destinations),
        {"destination_paused"},
    ),
    ("our clock a minute ahead of PostgreSQL's", replace(WELL, clock_ahead=MINUTE), set()),
    ("more", replace(WELL, clock_ahead=61 * SECOND), {"clock_off"}),
    ("behind", replace(WELL, clock_ahead=-HOUR), {"clock_off"}),
    ("a minute ahead of the API's", at_destination(clock_ahead=60), set()),
    ("more than that", at_destination(clock_ahead=61), {"clock_off"}),
    ("long ago", at_destination(clock_ahead=61, answered_at=NOON - 2 * HOUR), set()),
    ("one quarantined", of_shop(quarantined=1, quarantined_since=NOON), {"quarantine_growing"}),
    ("silent, but only four orders ever", sold(30 * DAY, HOUR, 4), set()),
    ("one an hour, silent for a day", sold(DAY, HOUR, 5), set()),
    ("one an hour, silent for longer", sold(DAY + SECOND, HOUR, 5), {"shop_silent"}),
    ("one a week, silent for ten", sold(70 * DAY, 7 * DAY, 20), set()),
    ("one a week, silent for longer", sold(71 * DAY, 7 * DAY, 20), {"shop_silent"}),
    ("all at once, then silent", sold(2 * DAY, timedelta(0), 20), {"shop_silent"}),
    ("refused, none taken ever", counted(s401=5), {"webhooks_refused"}),
    ("refused after one was taken", counted(s415=5, s200=6), {"webhooks_refused"}),
    ("taken after one was refused", counted(s401=5, s413=9, s200=4), set()),
    ("refused long ago", counted(s401=61), set()),
    ("not stored", counted(s503=1), set()),
    ("a gigabyte free of a large disk", on_disk(1024, 100_000), set()),
    ("less", on_disk(1023, 100_000), {"disk_nearly_full"}),
    ("a tenth free of a small disk", on_disk(100, 1_000), set()),
    ("less than that", on_disk(99, 1_000), {"disk_nearly_full"}),
    ("a log of 64 MB", on_disk(50_000, 100_000, log=64), set()),
    ("a longer one", on_disk(50_000, 100_000, log=65), {"log_growing"}),
]


@pytest.mark.parametrize(("facts", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_the_table(facts: Facts, expected: set[str]) -> None:
    """Each rule holds up to its edge, and tells beyond it."""
    found = causes(facts)
    assert expected == {cause.name for cause in found}
    assert len(found) == len(expected)


def test_every_cause_says_what_to_do() -> None:
    """Each has words for what is and what to do, and no two of one name are the same shop's or destination's."""
    for _, facts, _ in TABLE:
        for cause in causes(facts):
            assert cause.what
            assert cause.remedy
            assert "None" not in cause.what
            assert not (cause.shop and cause.destination)


def test_whose_and_since_when() -> None:
    """A cause names its shop or its destination, and the moment at which it began."""
    (paused,) = causes(at_destination(condition=Condition.PAUSED, since=NOON - 3 * MINUTE, reason="answer 401: NO: x"))
    assert (None, "d1", NOON - 3 * MINUTE) == (paused.shop, paused.destination, paused.since)
    assert "Axon refuses the key or the pixel id (answer 401); the orders of acme, other wait" == paused.what
    (silent,) = causes(sold(2 * DAY, HOUR, 20))
    assert ("acme", None, NOON - 2 * DAY) == (silent.shop, silent.destination, silent.since)
    assert "no order of acme came in for 2 days; usually one came every 60 min" == silent.what
    (dead,) = causes(due(HOUR, beat_at=None))
    assert NOON - HOUR == dead.since


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        ("answer 401: canary", "(answer 401)"),
        ("5 odd answers in a row, the last: answer 204: canary", "(answer 204)"),
        ("no connection within 5 s", "(no connection within 5 s)"),
        (None, "(no answer)"),
    ],
)
def test_the_apis_own_words_are_left_out(reason: str | None, shown: str) -> None:
    """Of an answer only its status is told: its message and body may repeat what was sent."""
    (cause,) = causes(at_destination(condition=Condition.DOWN, reason=reason))
    assert shown in cause.what
    assert "canary" not in cause.what + cause.remedy


def test_odd_answers() -> None:
    """A pause because of odd answers isn't blamed on the key."""
    (cause,) = causes(at_destination(condition=Condition.PAUSED, odd_answers=5, reason="5 odd answers in a row"))
    assert "isn't the Conversion API" in cause.what
    assert "AXON_API_URL" in cause.remedy


def test_many_shops_are_counted() -> None:
    """Of many shops at one destination five are named."""
    state = replace(OPEN, condition=Condition.DOWN)
    many = DestinationFacts(id="d1", shops=tuple(f"s{number}" for number in range(9)), state=state)
    (cause,) = causes(replace(WELL, destinations=(many,)))
    assert "s0, s1, s2, s3, s4 and 4 more" in cause.what


def test_more_than_are_counted() -> None:
    """Where counting stopped that is said."""
    (cause,) = causes(of_shop(quarantined=1000, quarantined_since=NOON - HOUR))
    assert cause.what.endswith("acme quarantined within a day: 1000 and more")
