"""Causes that are told: once, by one process of many, again when they are over, seldom again; through restarts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event, func, select

from adapter.storage.alerts import MOST_AN_HOUR, Alert, Alerts, Cause
from adapter.storage.tables import alerts as table

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LOOK = 15 * SECOND
HOUR = timedelta(hours=1)
PAUSED = Cause(name="destination_paused", destination="d1", since=NOON, what="refused", remedy="check the key")
SILENT = Cause(name="shop_silent", shop="acme", what="silent", remedy="look")


@pytest.fixture
def store(engine: Engine) -> Alerts:
    """Return the alerts on each database."""
    return Alerts(engine)


def looks(store: Alerts, seconds: int, *causes: Cause, start: datetime = NOON) -> list[tuple[int, str, bool]]:
    """Let a process look every fifteen seconds; return what it told: after how many seconds, which, whether over."""
    told: list[tuple[int, str, bool]] = []
    for passed in range(0, seconds + 1, 15):
        now = start + passed * SECOND
        store.see(causes, now)
        claimed = store.claim(now)
        store.told(claimed, now)
        told += [(passed, alert.cause.name, alert.is_over) for alert in claimed]
    return told


def test_all_is_well(engine: Engine, store: Alerts) -> None:
    """While nothing is wrong nothing is told, and nothing is written."""
    written: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda _c, _u, sql, *_: written.append(sql.split()[0]))
    assert [] == looks(store, 60)
    assert {"SELECT"} == {verb for verb in written if verb != "BEGIN"}


def test_once_and_again_when_it_is_over(store: Alerts) -> None:
    """A cause is told at the second look; that it is over, a minute after it was last seen; each once."""
    assert [(15, "destination_paused", False)] == looks(store, 600, PAUSED)
    over = looks(store, 600, start=NOON + 615 * SECOND)
    assert [(60, "destination_paused", True)] == over


def test_what_is_told_is_what_was_seen(store: Alerts) -> None:
    """All that the cause says comes back."""
    store.see([PAUSED, SILENT], NOON)
    store.see([PAUSED, SILENT], NOON + LOOK)
    expected = [Alert(cause=PAUSED, is_over=False), Alert(cause=SILENT, is_over=False)]
    assert expected == store.claim(NOON + LOOK)


def test_a_flicker(store: Alerts) -> None:
    """What is gone at the next look is never told, neither as open nor as over."""
    store.see([PAUSED], NOON)
    assert [] == looks(store, 600, start=NOON + 90 * SECOND)


def test_an_interruption(store: Alerts) -> None:
    """One that a process misses for half a minute goes on: it isn't over."""
    looks(store, 30, PAUSED)
    assert [] == looks(store, 30, start=NOON + 45 * SECOND)
    assert [] == looks(store, 30, PAUSED, start=NOON + 90 * SECOND)


def test_the_same_one_again(store: Alerts) -> None:
    """A cause that comes and goes is told again an hour after it was told, and its end only when its beginning was."""
    looks(store, 30, PAUSED)
    looks(store, 120, start=NOON + 60 * SECOND)
    again = NOON + timedelta(minutes=10)
    assert [] == looks(store, 300, PAUSED, start=again)
    assert [] == looks(store, 300, start=again + timedelta(minutes=6))
    told = looks(store, 3600, PAUSED, start=again + timedelta(minutes=12))
    assert [(3600 - 22 * 60 + 15, "destination_paused", False)] == told


def test_two_subjects(store: Alerts) -> None:
    """The same cause at another destination is another one."""
    other = Cause(name="destination_paused", destination="d2", what="refused", remedy="check the key")
    looks(store, 30, PAUSED)
    assert [(15, "destination_paused", False)] == looks(store, 30, PAUSED, other, start=NOON + 45 * SECOND)


def test_a_restart(engine: Engine) -> None:
    """A new process doesn't tell again what the one before has told, and tells its end."""
    looks(Alerts(engine), 30, PAUSED)
    assert [] == looks(Alerts(engine), 600, PAUSED, start=NOON + 45 * SECOND)
    over = looks(Alerts(engine), 120, start=NOON + 660 * SECOND)
    assert [True] == [is_over for _, _, is_over in over]


def test_many_processes(engine: Engine, at_once: Any) -> None:
    """Of eight processes that look at the same moment one gets the cause, or another one its end."""

    def look(at: datetime, *causes: Cause) -> int:
        def one(_number: int) -> int:
            store = Alerts(engine)
            store.see(causes, at)
            claimed = store.claim(at)
            store.told(claimed, at)
            return len(claimed)

        return sum(at_once(8, one))

    assert [0, 2, 0] == [look(NOON + number * LOOK, PAUSED, SILENT) for number in range(3)]
    assert [0, 2, 0] == [look(NOON + minutes * 60 * SECOND) for minutes in (1, 2, 3)]


def test_a_process_that_dies_while_telling(store: Alerts) -> None:
    """Its claim ends after two minutes, and another one tells."""
    looks(store, 0, PAUSED)
    store.see([PAUSED], NOON + LOOK)
    assert 1 == len(store.claim(NOON + LOOK))
    told = looks(store, 300, PAUSED, start=NOON + 2 * LOOK)
    assert [(105, "destination_paused", False)] == told


def test_what_can_not_be_told(store: Alerts) -> None:
    """It is tried again after 1, 2, 4 minutes and so on, and told at last."""
    tried: list[int] = []
    for passed in range(0, 1200, 15):
        now = NOON + passed * SECOND
        store.see([PAUSED], now)
        if claimed := store.claim(now):
            tried.append(passed)
            store.not_told(claimed, now)
    assert [15, 75, 195, 435, 915] == tried
    later = NOON + timedelta(hours=1)
    store.see([PAUSED], later)
    store.see([PAUSED], later + LOOK)
    assert 1 == len(store.claim(later + LOOK))


def test_no_more_than_twenty_messages_an_hour(store: Alerts) -> None:
    """Causes that come one by one fill twenty messages; what comes then is told together when the hour is over."""
    shops = [Cause(name="shop_silent", shop=f"s{number}", what="silent", remedy="look") for number in range(30)]
    messages: list[int] = []
    for minute in range(90):
        now = NOON + minute * timedelta(minutes=1)
        store.see(shops[: minute + 1], now)
        claimed = store.claim(now)
        store.told(claimed, now)
        messages += [len(claimed)] if claimed else []
    assert [1] * MOST_AN_HOUR == messages[:MOST_AN_HOUR]
    assert 30 == sum(messages)
    assert 10 == messages[MOST_AN_HOUR]


@pytest.mark.parametrize("jump", [HOUR, timedelta(days=3652)])
def test_a_clock_that_is_set_back(store: Alerts, jump: timedelta) -> None:
    """What was seen and told under a clock that was ahead ends under the right one, and is told again in time."""
    looks(store, 30, PAUSED, start=NOON + jump)
    told = looks(store, 120, start=NOON)
    assert [True] == [is_over for _, _, is_over in told]


def test_a_clock_that_jumps_ahead(store: Alerts) -> None:
    """A cause that is still seen after the jump isn't told as over."""
    looks(store, 30, PAUSED)
    told = looks(store, 60, PAUSED, start=NOON + 30 * 60 * SECOND)
    assert [] == told


def test_old_rows_go(engine: Engine, store: Alerts) -> None:
    """A cause that has been over for a week leaves no row, once another one is told."""
    looks(store, 30, PAUSED)
    looks(store, 120, start=NOON + 60 * SECOND)
    looks(store, 30, SILENT, start=NOON + timedelta(days=8))
    with engine.connect() as connection:
        assert 1 == connection.execute(select(func.count()).select_from(table)).scalar()
