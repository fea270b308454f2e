"""What a worker leaves for others to tell its health by: its pulse, and what it counts."""

from __future__ import annotations

from datetime import timedelta
from threading import Thread
from time import monotonic, sleep
from typing import Any

from sqlalchemy import text

from adapter.delivery import worker as module
from adapter.storage.pulse import Pulse
from adapter.storage.vitals import Vitals
from adapter.tally import Counted


def counts(house: Any) -> dict[Counted, int]:
    """Return what the worker has counted since."""
    return dict(house.worker.tally.take())


def test_requests_and_durations(house: Any) -> None:
    """Each request counts by its outcome, each delivered order by its time."""
    house.receive(1, 2)
    house.clock.advance(1.5)
    house.worker.drain()
    destination = house.worker.shops.by_name["acme"].destination.id
    assert {
        Counted("requests", destination, "accepted"): 1,
        Counted("delivery_step", "acme", "2"): 2,
        Counted("delivery_ms", "acme", "sum"): 3000,
    } == counts(house)
    house.api.answer = lambda _events: 401
    house.receive(3)
    house.worker.drain()
    assert {Counted("requests", destination, "unauthorized"): 1} == counts(house)


def test_the_pulse_of_a_running_worker(house: Any, monkeypatch: Any) -> None:
    """A worker that looks beats, whether anything is due or not; one that can't look doesn't."""
    monkeypatch.setattr(module, "POLL_SECONDS", 0.01)
    house.worker.pulse = Pulse(house.engine)
    thread = Thread(target=house.worker.run)
    thread.start()
    gives_up_at = monotonic() + 5
    while Vitals(house.engine).beat_at() is None and monotonic() < gives_up_at:
        sleep(0.01)
    house.worker.stop.set()
    thread.join(5)
    assert house.clock() == Vitals(house.engine).beat_at()


def test_a_worker_that_can_not_look(house: Any) -> None:
    """A loop that fails at each look, as with a table that is gone, leaves no sign of life."""
    house.worker.pulse = Pulse(house.engine)
    house.worker.trouble_seconds = 0.01
    with house.engine.begin() as connection:
        connection.execute(text("DROP TABLE awaited_clicks"))
        connection.execute(text("DROP TABLE purchases"))
    house.worker._safely(lambda: house.worker._take_turn(None, {}))
    assert Vitals(house.engine).beat_at() is None


def test_draining_beats(house: Any) -> None:
    """`adapter deliver --once` says that it looked as well."""
    house.worker.pulse = Pulse(house.engine)
    house.clock.advance(timedelta(hours=1).total_seconds())
    house.worker.drain()
    assert house.clock() == Vitals(house.engine).beat_at()
