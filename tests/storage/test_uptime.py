"""The uptime: what workers lived through, counted once, and no clock can push it ahead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from adapter.storage.uptime import Uptime

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TEN_YEARS = timedelta(days=3652)


class Monotonic:
    """A monotonic clock in seconds that is moved by hand; it starts anywhere, as a real one does."""

    def __init__(self, seconds: float = 12_345.0) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        """Return the seconds."""
        return self.seconds


@pytest.fixture
def monotonic() -> Monotonic:
    """Return a monotonic clock."""
    return Monotonic()


def test_the_first_look_counts_nothing(engine: Engine, monotonic: Monotonic) -> None:
    """Nobody knows how long nobody looked before the first time."""
    assert timedelta(0) == Uptime(engine, monotonic).look(NOON)


def test_what_passes_is_counted(engine: Engine, monotonic: Monotonic) -> None:
    """Each look adds what the monotonic clock says has passed."""
    uptime = Uptime(engine, monotonic)
    uptime.look(NOON)
    for minutes in (5, 10, 15):
        monotonic.seconds += 300
        assert minutes * MINUTE == uptime.look(NOON)


@pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(days=1), TEN_YEARS])
@pytest.mark.parametrize("direction", [1, -1])
def test_a_clock_that_jumps_has_no_say(engine: Engine, monotonic: Monotonic, jump: timedelta, direction: int) -> None:
    """Ahead or back, by an hour or ten years, and home again: only what really passed is counted."""
    uptime = Uptime(engine, monotonic)
    uptime.look(NOON)
    for wall in (NOON + direction * jump, NOON, NOON - direction * jump, NOON):
        monotonic.seconds += 60
        found = uptime.look(wall)
    assert 4 * MINUTE == found


def test_a_late_look_counts_an_hour(engine: Engine, monotonic: Monotonic) -> None:
    """A process that didn't look for days counts an hour: what was written meanwhile isn't that old."""
    uptime = Uptime(engine, monotonic)
    uptime.look(NOON)
    monotonic.seconds += 3 * 86_400
    assert timedelta(hours=1) == uptime.look(NOON)


@pytest.mark.parametrize(
    ("away", "counted"),
    [
        (timedelta(seconds=40), timedelta(seconds=40)),
        (timedelta(minutes=10), timedelta(minutes=10)),
        (timedelta(days=7), timedelta(minutes=10)),
        (TEN_YEARS, timedelta(minutes=10)),
        (-TEN_YEARS, timedelta(0)),
    ],
)
def test_a_restart(engine: Engine, monotonic: Monotonic, away: timedelta, counted: timedelta) -> None:
    """The time between two processes counts as the clock says, up to ten minutes, and never backwards."""
    Uptime(engine, monotonic).look(NOON)
    assert counted == Uptime(engine, Monotonic(3.0)).look(NOON + away)


def test_several_processes_count_no_second_twice(engine: Engine) -> None:
    """Five processes that look at different moments of the same hour count one hour."""
    clocks = [Monotonic(1000.0 * number) for number in range(5)]
    processes = [Uptime(engine, clock) for clock in clocks]
    now, found = NOON, timedelta(0)
    for turn in range(300):
        for clock in clocks:
            clock.seconds += 12
        now += timedelta(seconds=12)
        found = processes[turn % 5].look(now)
    assert timedelta(minutes=59) <= found <= timedelta(hours=1)


def test_several_processes_under_a_wrong_clock(engine: Engine, at_once: Any) -> None:
    """Ten processes that start together ten years ahead count ten minutes at most, not ten times that."""
    Uptime(engine, Monotonic()).look(NOON)
    found = at_once(10, lambda _: Uptime(engine, Monotonic()).look(NOON + TEN_YEARS))
    assert {timedelta(minutes=10)} == set(found)
