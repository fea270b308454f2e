"""The watch: does its duties from time to time, whatever becomes of one of them."""

from __future__ import annotations

from threading import Event

import pytest
from structlog.testing import capture_logs

from adapter.alerts.watch import Watch
from adapter.errors import StorageUnavailable


@pytest.mark.parametrize("error", [StorageUnavailable("away"), RuntimeError("canary")])
def test_a_duty_that_fails(error: Exception) -> None:
    """The others are done all the same; the log says which kind of error it was, without its words."""
    done: list[str] = []

    def fail() -> None:
        done.append("failed")
        raise error

    watch = Watch(duties=(fail, lambda: done.append("done")), at_end=lambda: None)
    with capture_logs() as logs:
        watch.look()
        watch.look()
    assert ["failed", "done"] * 2 == done
    assert 2 == len(logs)
    assert "canary" not in str([{name: text for name, text in line.items() if name != "exc_info"} for line in logs])


def test_a_thread_of_its_own() -> None:
    """It looks again and again until it is stopped, and does its last duty then."""
    looked, ended = Event(), Event()
    watch = Watch(duties=(looked.set,), at_end=ended.set, every=0.01)
    thread = watch.start()
    assert looked.wait(5)
    assert not ended.is_set()
    watch.stop.set()
    thread.join(5)
    assert ended.is_set()
    assert not thread.is_alive()


def test_it_keeps_no_process_alive() -> None:
    """Its thread ends with the process."""
    watch = Watch(duties=(), at_end=lambda: None)
    thread = watch.start()
    assert thread.daemon
    watch.stop.set()
    thread.join(5)
