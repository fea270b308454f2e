"""The workers' pulse: written now and then, read by others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from adapter.errors import StorageUnavailable
from adapter.storage.pulse import Pulse
from adapter.storage.vitals import Vitals

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Monotonic:
    """A monotonic clock in seconds that is moved by hand."""

    seconds = 7_000.0

    def __call__(self) -> float:
        """Return the seconds."""
        return self.seconds


def test_no_worker_ever(engine: Engine) -> None:
    """Before the first beat there is none."""
    assert Vitals(engine).beat_at() is None


def test_a_beat_every_fifteen_seconds(engine: Engine) -> None:
    """The first look beats, then one in fifteen seconds does; whatever the clock says meanwhile."""
    monotonic = Monotonic()
    pulse = Pulse(engine, monotonic)
    pulse.beat(NOON)
    for passed, expected in ((14.9, NOON), (15.0, NOON - timedelta(hours=1))):
        monotonic.seconds = 7_000.0 + passed
        pulse.beat(NOON - timedelta(hours=1))
        assert expected == Vitals(engine).beat_at()


def test_a_beat_that_fails(engine: Engine) -> None:
    """It is tried again at the next look, not in fifteen seconds."""
    pulse = Pulse(engine, Monotonic())
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE uptime RENAME TO away"))
    with pytest.raises(StorageUnavailable):
        pulse.beat(NOON)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE away RENAME TO uptime"))
    pulse.beat(NOON)
    assert NOON == Vitals(engine).beat_at()
