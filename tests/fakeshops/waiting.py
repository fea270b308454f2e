"""Waiting for what a browser does by itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fakeshops.https import Hosts


def wait_until(happened: Callable[[], Any], page: Any) -> Any:
    """Let the page go on until something has happened; return it."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if found := happened():
            return found
        page.wait_for_timeout(20)
    raise AssertionError("it never happened")


def wait_until_still(hosts: Hosts, page: Any) -> None:
    """Let the page go on until nothing is being asked for, and nothing has been for a moment."""
    wait_until(lambda: hosts.quiet_for() > _MOMENT, page)


_MOMENT = 0.15
"""Seconds. What a script or a page asks for next, it asks for at once."""
