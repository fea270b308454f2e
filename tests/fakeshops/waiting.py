"""Waiting for what a browser does by itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def wait_until(happened: Callable[[], Any], page: Any) -> Any:
    """Let the page go on until something has happened; return it."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if found := happened():
            return found
        page.wait_for_timeout(20)
    raise AssertionError("it never happened")
