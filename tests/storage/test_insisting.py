"""Asking again for SQLite's file: until it is free, and no longer than one may."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import pytest

from adapter.storage.insisting import HURRY_SECONDS, at_ease, in_a_hurry, insist


class Held:
    """A file that another process has for so many questions."""

    def __init__(self, questions: int, code: int = sqlite3.SQLITE_BUSY) -> None:
        self.left = questions
        self.code = code

    def begin(self) -> None:
        """Begin, or say what stands in the way."""
        if self.left:
            self.left -= 1
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = self.code
            raise error


class Clock:
    """A clock that goes on only in naps."""

    def __init__(self) -> None:
        self.now = 50.0
        self.naps: list[float] = []

    def nap(self, seconds: float) -> None:
        """Sleep."""
        self.naps.append(seconds)
        self.now += seconds


@pytest.mark.parametrize("pause", [at_ease, in_a_hurry()])
def test_it_is_done_when_the_file_is_free(pause: Callable[[], None]) -> None:
    """It is asked for again until nobody else has the file."""
    file = Held(3)
    insist(file.begin, monotonic() + 60, pause)
    assert file.left == 0


@pytest.mark.parametrize("code", [sqlite3.SQLITE_BUSY, sqlite3.SQLITE_BUSY_SNAPSHOT])
def test_it_ends_in_time(code: int) -> None:
    """Who may wait no longer is told, whatever kind of busy it is."""
    file = Held(1_000_000, code)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        insist(file.begin, monotonic() - 1)
    assert file.left == 999_999


def test_another_error_is_told_at_once() -> None:
    """A full disk isn't somebody who goes away again."""
    file = Held(2, sqlite3.SQLITE_FULL)
    with pytest.raises(sqlite3.OperationalError):
        insist(file.begin, monotonic() + 60)
    assert file.left == 1


def test_a_hurry_ends_soon() -> None:
    """For five milliseconds one naps a tenth of a millisecond each; then the process stands still no more."""
    clock = Clock()
    pause = in_a_hurry(lambda: clock.now, clock.nap)
    for _ in range(100):
        pause()
    assert set(clock.naps) == {0.0001}
    assert HURRY_SECONDS <= sum(clock.naps) < HURRY_SECONDS + 0.0002


_IN_THE_WEB_PROCESS = """
import adapter.cooperation
import time
from threading import Thread
from adapter.storage.insisting import in_a_hurry

steps = 0

def go_on():
    global steps
    while True:
        steps += 1
        time.sleep(0)

Thread(target=go_on, daemon=True).start()
pause = in_a_hurry(lambda: 0.0)
for _ in range(100):
    pause()
print(steps)
"""


def test_in_the_web_process() -> None:
    """The other greenlets go on before each pause, and stand still in it: gevent's sleep is never so short."""
    root = Path(__file__).parents[2]
    said = subprocess.run(
        [sys.executable, "-c", _IN_THE_WEB_PROCESS], cwd=root, capture_output=True, text=True, check=True, timeout=60
    )
    assert 50 <= int(said.stdout) <= 200
