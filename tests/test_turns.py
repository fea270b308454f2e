"""Long work lets others have their turn."""

from __future__ import annotations

import gevent
from gevent import socket
from ticking import Seconds

from adapter.turns import STRETCH_SECONDS, in_turns


def test_a_pause_for_each_stretch() -> None:
    """Short work goes on, and at each end of a stretch there is a pause, between two items."""
    clock, done = Seconds(), []
    for number in in_turns(range(6), clock, lambda _: done.append("pause")):
        done.append(str(number))
        clock.now += STRETCH_SECONDS / 2
    assert ["0", "1", "pause", "2", "3", "pause", "4", "5"] == done


def test_what_came_in_is_read_in_the_pause() -> None:
    """A greenlet that waits for the network gets what comes while another works, long before that one is done."""
    ours, theirs = socket.socketpair()
    reading, clock, read_at = gevent.spawn(ours.recv, 1), Seconds(), None
    gevent.sleep(0)
    for number in in_turns(range(40), clock, gevent.sleep):
        if number == 0:
            theirs.send(b"x")
        read_at = number if read_at is None and reading.ready() else read_at
        clock.now += STRETCH_SECONDS
    assert read_at is not None
    assert read_at < 5
    ours.close()
    theirs.close()
