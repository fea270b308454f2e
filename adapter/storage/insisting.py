"""Asking again for SQLite's file as long as another process has it: at ease, or in a hurry while a shop waits.

SQLite's own waiting stops every greenlet of the process, and looks again every 100 ms: beside busy processes it was
served after seconds.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from functools import cache
from time import monotonic, sleep

_AT_EASE_SECONDS = 0.001

_HURRIED_SECONDS = 0.0001
"""Too short for gevent, whose sleep is a millisecond: in that the file was free, and somebody else's again."""

HURRY_SECONDS = 0.005
"""Longer than most writes of another process. Who has it for longer won't be done so soon, and each question costs."""


def at_ease() -> None:
    """Let a moment pass, in which whoever else of this process can go on does."""
    sleep(_AT_EASE_SECONDS)


def in_a_hurry(now: Callable[[], float] = monotonic, nap: Callable[[float], None] | None = None) -> Callable[[], None]:
    """Return what lets much shorter moments pass, for the first milliseconds from now on.

    `now` gives monotonic seconds; `nap` is the system's own sleep, in which all of the process stands still. Before
    each one, those others go on who can.
    """
    whole_process_naps = nap or _plain_sleep()
    ends_at = now() + HURRY_SECONDS

    def pause() -> None:
        if now() >= ends_at:
            return at_ease()
        sleep(0)
        return whole_process_naps(_HURRIED_SECONDS)

    return pause


@cache
def _plain_sleep() -> Callable[[float], None]:
    # Asked for by its name: only the web process has loaded gevent, and only there `time.sleep` is another one.
    monkey = sys.modules.get("gevent.monkey")
    plain: Callable[[float], None] = monkey.get_original("time", "sleep") if monkey else sleep
    return plain


def insist(action: Callable[[], object], gives_up_at: float, pause: Callable[[], None] = at_ease) -> None:
    """Do it as soon as no other process stands in the way; raise `sqlite3.OperationalError` in the end.

    `gives_up_at` is by the monotonic clock.
    """
    while not _is_done(action, gives_up_at):
        pause()


def _is_done(action: Callable[[], object], gives_up_at: float) -> bool:
    try:
        action()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or monotonic() > gives_up_at:
            raise
        return False
    return True
